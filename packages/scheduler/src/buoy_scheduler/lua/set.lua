-- Sets an entry of the run time. A new one fires from now on, whatever had its name before.
--
-- KEYS     the schedule
-- ARGV     clock shift; name; the entry as JSON
-- returns  1 if it is new

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
-- Garbage counts as 0. One that begins at the time is like none from before a loss of all data.
local last = redis.call('HGET', KEYS[1], 'version') or string.format('%d%06d', clock[1], clock[2])
local version = tonumber(last) or 0
local new = redis.call('HSET', KEYS[1], 'entry:' .. ARGV[2], ARGV[3])
local from = 'from:' .. ARGV[2]
if new == 1 and redis.call('HGET', KEYS[1], from) ~= 'paused' then
  redis.call('HSET', KEYS[1], from, string.format('%d', now))
end
redis.call('HSET', KEYS[1], 'version', string.format('%d', version + 1))
return new
