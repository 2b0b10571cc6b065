-- Included where workers look at a queue: puts back the jobs whose lease has run out, and makes
-- ready what is due. Whoever comes by does it; at most 100 of each at a time.

-- include queue

local MOST = 100
local stirred = false -- whether anything was made ready
local waits = call('ZCARD', delayed) > 0 -- whether anything is delayed

-- After a silence (Redis was away, or all workers) and after a jump of the clock no lease says
-- anything of its holder: each gets one more lease to show itself. Silence upon silence prolongs
-- that, but not without end: where workers come and go, there may be nobody who listens for long.
local function silent(lease, seen, grace)
  return now - seen > lease / 2 or now < seen or grace > now + lease
end

local function prolonged(lease, grace, since)
  if now >= grace or now < since then since = now end
  return math.min(now + lease, since + 3 * lease), since
end

-- When the clock went back, leases would last too long by as much.
local function shorten(lease)
  local shorter = {}
  for _, id in ipairs(call('ZRANGEBYSCORE', leases, now + lease, '+inf')) do
    shorter[#shorter + 1], shorter[#shorter + 2] = now + lease, id
  end
  each('ZADD', leases, shorter)
end

local function put_back(ended)
  local lost = call('ZRANGEBYSCORE', leases, '-inf', ended, 'LIMIT', 0, MOST)
  for n = #lost, 1, -1 do
    local id = lost[n]
    call('ZREM', leases, id)
    call('HDEL', runs, id)
    lose(id)
    call('LPUSH', ready, id)
  end
  stirred = stirred or #lost > 0
  return #lost
end

local function forget()
  local old = call('ZCOUNT', recent, '-inf', now - RECENT_SECONDS * 1000)
  if old > 0 then call('ZREMRANGEBYRANK', recent, 0, math.min(old, 10000) - 1) end
end

-- The looking itself is rationed: often enough for a twentieth of a lease, too seldom to be felt.
local function heal(lease, seen, grace, since)
  seen, grace, since = kept(seen), kept(grace), kept(since)
  if now >= seen and now - seen < lease / 20 then return end
  make_way()
  if now < seen then shorten(lease) end
  -- In a silence only those are put back who have let the grace after the last one pass, too.
  local quiet = silent(lease, seen, grace)
  local more = now >= grace and put_back(quiet and grace - lease or now) == MOST
  if quiet then
    grace, since = prolonged(lease, grace, since)
    call('HSET', meta, 'grace', grace, 'since', since)
  end
  call('HSET', meta, 'seen', more and now - lease / 20 or now)
  forget()
end

-- Makes due jobs ready; returns when the next one will be due, or -1.
local function promote()
  if not waits then return -1 end
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if not first[1] then return -1 end
  if tonumber(first[2]) > now then return math.min(tonumber(first[2]), GREATEST) end
  local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, MOST)
  call('ZREM', delayed, unpack(due))
  call('RPUSH', ready, unpack(due))
  stirred = true
  local following = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return following[1] and math.min(tonumber(following[2]), GREATEST) or -1
end
