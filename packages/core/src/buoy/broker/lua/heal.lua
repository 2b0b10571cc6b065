-- Included by the scripts of workers: puts back jobs whose lease has run out, and queues delayed
-- jobs that are due. Every worker does it when it comes by; at most 100 jobs of each kind at a
-- time.

-- include queue
-- include permits
-- include series

local MOST = 100
local queued_any = false -- whether this script has put any job into the queue
local handovers_due = 0 -- how many jobs are to be handed over to other queues, as far as is known
local any_delayed = call('ZCARD', delayed) > 0 -- whether there are delayed jobs

-- The first half of a lease passes by the clock. In the second half the holder is late. There only
-- the time counts in which a heartbeat could have arrived: short gaps between two visits of
-- workers. A longer gap may have been an outage of Redis, or a jump of its clock, so it counts
-- little: a visit after a long gap shortens the leases by VISIT. Twenty such visits end a lease. As
-- parts of a lease:
local HALF, CLOSELY, VISIT, RATION = 1 / 2, 1 / 10, 1 / 40, 1 / 100
local LATE = 3 / 5 -- with less than this left, the holder has missed a heartbeat

-- Extends each of these leases to what it had left at the last visit, less what a visit costs.
local function extend(low, high, seen, most, cost)
  local found, extended = call('ZRANGEBYSCORE', leases, low, high, 'WITHSCORES'), {}
  for n = 1, #found, 2 do
    extended[n], extended[n + 1] = now + math.min(found[n + 1] - seen, most) - cost, found[n]
  end
  send('ZADD', leases, extended)
end

local function put_back()
  local lost = call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, MOST)

  -- Returns the class in a payload as buoy writes it, or OTHER.
  local function class_in(payload)
    local head = string.sub(payload or '', 1, 6 * LONGEST_NAME)
    head = string.gsub(head, '\\\\', '\\u005c')
    head = string.gsub(head, '\\"', '\\u0022')
    local literal = string.match(head, '^{"class":("[^"]+")')
    local right, decoded = pcall(cjson.decode, '[' .. (literal or '') .. ']')
    return right and decoded[1] or OTHER
  end

  for n = #lost, 1, -1 do
    local id = lost[n]
    count(class_in(call('HGET', jobs, id)), 'lost', 1)
    call('ZREM', leases, id)
    call('HDEL', tokens, id)
    count_lost_lease(id)
    if requeue(id) then note_due({ now, id }) end
  end
  queued_any = queued_any or #lost > 0
  return #lost
end

local function forget()
  local old = call('ZCOUNT', ended, '-inf', now - ENDED_SECONDS * 1000)
  if old > 0 then call('ZREMRANGEBYRANK', ended, 0, math.min(old, 10000) - 1) end
  -- A key of a wrong type must not stop what has begun to write.
  for _, zset in ipairs({ paces, throttles }) do pcall(forget_old, zset) end
end

-- Healing costs time, so it runs at most once in RATION of a lease. Older versions of buoy write
-- `grace`: until then no lease counts as lost.
local function heal(lease, seen, grace)
  seen, grace = stored_number(seen), stored_number(grace)
  local gap = now - seen
  if gap >= 0 and gap < lease * RATION then return end
  allow_writes()
  end_periods(seen)
  if gap < 0 then
    extend('(' .. now + lease, '+inf', seen, math.huge, 0)
  elseif gap > lease * CLOSELY then
    local half, cost = lease * HALF, lease * VISIT
    extend('-inf', '(' .. now + half - cost, seen, half, cost)
  end
  local older = now < grace and grace <= now + 2 * lease
  local more = not older and put_back() == MOST
  call('HSET', meta, 'seen', more and now - lease * RATION or now)
  forget()
  -- Not `call`: a key of a wrong type must not stop what has begun to write.
  local found = redis.pcall('ZCOUNT', handovers, '-inf', now)
  handovers_due = type(found) == 'number' and found or 0
end

-- Returns whether any holder has missed a heartbeat.
local function any_holder_late(lease)
  local first = call('ZRANGE', leases, 0, 0, 'WITHSCORES')
  return first[1] ~= nil and tonumber(first[2]) < now + lease * LATE
end

-- Queues delayed jobs that are due; returns when the next one is due (in ms), or -1.
local function promote()
  if not any_delayed then return -1 end
  local first = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if not first[1] then return -1 end
  if tonumber(first[2]) > now then return math.min(tonumber(first[2]), GREATEST) end
  local found = call('ZRANGEBYSCORE', delayed, '-inf', now, 'WITHSCORES', 'LIMIT', 0, MOST)
  local due, since, noted = {}, {}, {}
  for n = 1, #found, 2 do due[#due + 1], since[found[n]] = found[n], found[n + 1] end
  call('ZREM', delayed, unpack(due))
  local entered, plain = enter_all(due)
  for n, id in ipairs(entered) do noted[2 * n - 1], noted[2 * n] = since[id], id end
  send('RPUSH', queued, plain)
  note_due(noted)
  queued_any = queued_any or #entered > 0
  local following = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return following[1] and math.min(tonumber(following[2]), GREATEST) or -1
end

-- Lets jobs of low priority that have waited for so many ms wait like normal ones from now on; 0:
-- never.
local function age(after)
  if not any_ranked or after == 0 then return end
  local old = call('ZRANGEBYSCORE', ranked, 0, (now - after) * 1000, 'LIMIT', 0, MOST)
  send('ZREM', ranked, old)
  send('RPUSH', queued, old)
end
