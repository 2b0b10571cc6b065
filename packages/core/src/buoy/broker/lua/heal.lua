-- Included by the scripts of workers: puts back jobs whose lease has run out, and queues delayed
-- jobs that are due. Every worker does it when it comes by; at most 100 jobs of each kind at a
-- time.

-- include queue

local MOST = 100
local queued_any = false -- whether this script has put any job into the queue
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
  for n = #lost, 1, -1 do
    local id = lost[n]
    call('ZREM', leases, id)
    call('HDEL', tokens, id)
    count_lost_lease(id)
    call('LPUSH', queued, id)
  end
  queued_any = queued_any or #lost > 0
  return #lost
end

local function forget()
  local old = call('ZCOUNT', ended, '-inf', now - ENDED_SECONDS * 1000)
  if old > 0 then call('ZREMRANGEBYRANK', ended, 0, math.min(old, 10000) - 1) end
end

-- Healing costs time, so it runs at most once in RATION of a lease. Older versions of buoy write
-- `grace`: until then no lease counts as lost.
local function heal(lease, seen, grace)
  seen, grace = stored_number(seen), stored_number(grace)
  local gap = now - seen
  if gap >= 0 and gap < lease * RATION then return end
  allow_writes()
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
  local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, MOST)
  call('ZREM', delayed, unpack(due))
  call('RPUSH', queued, unpack(due))
  queued_any = true
  local following = call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  return following[1] and math.min(tonumber(following[2]), GREATEST) or -1
end
