-- Removes an entry of the run time.
--
-- KEYS     the schedule
-- ARGV     name
-- returns  1 if it was there

local clock = redis.call('TIME')
local version = tonumber(redis.call('HGET', KEYS[1], 'version')) or 0 -- garbage counts as none
local gone = redis.call('HDEL', KEYS[1], 'entry:' .. ARGV[1])
if gone == 1 then
  redis.call('HDEL', KEYS[1], 'from:' .. ARGV[1])
  -- By the time, so that it is like none from before a loss of all data.
  local ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
  redis.call('HSET', KEYS[1], 'version', string.format('%d', math.max(version + 1, ms)))
end
return gone
