-- Sets an entry of the run time. A new one fires from now on, whatever had its name before.
--
-- KEYS     the schedule
-- ARGV     clock shift; name; the entry as JSON
-- returns  1 if it is new

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
local version = tonumber(redis.call('HGET', KEYS[1], 'version')) or 0 -- garbage counts as none
local new = redis.call('HSET', KEYS[1], 'entry:' .. ARGV[2], ARGV[3])
local from = 'from:' .. ARGV[2]
if new == 1 and redis.call('HGET', KEYS[1], from) ~= 'paused' then
  redis.call('HSET', KEYS[1], from, string.format('%d', now))
end
-- By the time, so that it is like none from before a loss of all data.
local ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HSET', KEYS[1], 'version', string.format('%d', math.max(version + 1, ms)))
return new
