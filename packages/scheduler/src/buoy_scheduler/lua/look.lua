-- A daemon's look: what time is it, and has the schedule of the run time changed?
--
-- KEYS     the schedule
-- ARGV     clock shift
-- returns  {now in ms, version}

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]
redis.pcall('HSET', KEYS[1], 'seen', now) -- a full Redis may refuse it
return { now, redis.call('HGET', KEYS[1], 'version') or '0' }
