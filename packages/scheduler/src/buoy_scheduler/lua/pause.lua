-- Pauses an entry, or resumes it from now on: ticks during the pause count as handled.
--
-- KEYS     the runtime schedule
-- ARGV     clock offset (ms); name; 'pause' or 'resume'
-- returns  1 if that changed something

-- include version

local field = 'start:' .. ARGV[2]
local is_paused = redis.call('HGET', KEYS[1], field) == 'paused'
if is_paused == (ARGV[3] == 'pause') then return 0 end
redis.call('HSET', KEYS[1], field, is_paused and string.format('%d', now) or 'paused')
increase_version()
return 1
