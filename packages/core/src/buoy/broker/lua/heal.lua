-- Included where workers look at a queue: puts back the jobs whose lease has run out, and makes
-- ready what is due. Whoever comes by does it; at most 100 of each at a time.

-- include queue

local MOST = 100
local stirred = false -- whether anything was made ready
local waits = call('ZCARD', delayed) > 0 -- whether anything is delayed

-- The first half of a lease passes by the clock. In the second half its holder is late, and only
-- that time counts in which it could have been heard: time between looks that follow each other
-- closely. A longer gap may have been an outage of Redis, or a jump of its clock. It counts for next
-- to nothing: where workers only come and go, twenty visits are enough. As parts of a lease:
local HALF, CLOSELY, VISIT, RATION = 1 / 2, 1 / 10, 1 / 40, 1 / 100
local LATE = 3 / 5 -- with less than this left, its holder has missed a beat: who beats looks closely

-- Of these leases each has left what it had left at the last look, less what a visit costs.
local function hold_up(low, high, seen, most, cost)
  local found, held_up = call('ZRANGEBYSCORE', leases, low, high, 'WITHSCORES'), {}
  for n = 1, #found, 2 do
    held_up[n], held_up[n + 1] = now + math.min(found[n + 1] - seen, most) - cost, found[n]
  end
  each('ZADD', leases, held_up)
end

local function put_back()
  local lost = call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, MOST)
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

-- The looking itself is rationed, so that it is not felt. Until `grace` older versions take nothing.
local function heal(lease, seen, grace)
  seen, grace = kept(seen), kept(grace)
  local gap = now - seen
  if gap >= 0 and gap < lease * RATION then return end
  make_way()
  if gap < 0 then
    hold_up('(' .. now + lease, '+inf', seen, math.huge, 0)
  elseif gap > lease * CLOSELY then
    local half, cost = lease * HALF, lease * VISIT
    hold_up('-inf', '(' .. now + half - cost, seen, half, cost)
  end
  local older = now < grace and grace <= now + 2 * lease
  local more = not older and put_back() == MOST
  call('HSET', meta, 'seen', more and now - lease * RATION or now)
  forget()
end

-- Whether some holder has missed a beat.
local function some_late(lease)
  local first = call('ZRANGE', leases, 0, 0, 'WITHSCORES')
  return first[1] ~= nil and tonumber(first[2]) < now + lease * LATE
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
