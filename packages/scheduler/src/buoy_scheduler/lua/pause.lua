-- Pauses an entry, or lets it go on from now: ticks in between count as never been.
--
-- KEYS     the schedule
-- ARGV     clock shift; name; 'pause' or 'paused'
-- returns  1 if that changed something

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
-- Garbage counts as 0. One that begins at the time is like none from before a loss of all data.
local last = redis.call('HGET', KEYS[1], 'version') or string.format('%d%06d', clock[1], clock[2])
local version = tonumber(last) or 0
local field = 'from:' .. ARGV[2]
local paused = redis.call('HGET', KEYS[1], field) == 'paused'
if paused == (ARGV[3] == 'pause') then return 0 end
local from = paused and string.format('%d', now) or 'paused'
redis.call('HSET', KEYS[1], field, from)
redis.call('HSET', KEYS[1], 'version', string.format('%d', version + 1))
return 1
