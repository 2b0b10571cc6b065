-- Sets an entry at run time. A new one fires from now on, whatever had its name before.
--
-- KEYS     the runtime schedule
-- ARGV     clock offset (ms); name; the entry as JSON
-- returns  1 if it is new

-- include version

local is_new = redis.call('HSET', KEYS[1], 'entry:' .. ARGV[2], ARGV[3])
local field = 'start:' .. ARGV[2]
if is_new == 1 and redis.call('HGET', KEYS[1], field) ~= 'paused' then
  redis.call('HSET', KEYS[1], field, string.format('%d', now))
end
increase_version()
return is_new
