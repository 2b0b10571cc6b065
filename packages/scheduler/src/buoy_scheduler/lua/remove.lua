-- Removes an entry of the run time.
--
-- KEYS     the schedule
-- ARGV     name
-- returns  1 if it was there

local clock = redis.call('TIME')
-- Garbage counts as 0. One that begins at the time is like none from before a loss of all data.
local last = redis.call('HGET', KEYS[1], 'version') or string.format('%d%06d', clock[1], clock[2])
local version = tonumber(last) or 0
local gone = redis.call('HDEL', KEYS[1], 'entry:' .. ARGV[1])
if gone == 1 then
  redis.call('HDEL', KEYS[1], 'from:' .. ARGV[1])
  redis.call('HSET', KEYS[1], 'version', string.format('%d', version + 1))
end
return gone
