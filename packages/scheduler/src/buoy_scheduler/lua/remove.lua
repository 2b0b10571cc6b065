-- Removes an entry that was set at run time.
--
-- KEYS     the runtime schedule
-- ARGV     clock offset (ms); name
-- returns  1 if it was there

-- include version

local removed = redis.call('HDEL', KEYS[1], 'entry:' .. ARGV[2])
if removed == 1 then
  redis.call('HDEL', KEYS[1], 'start:' .. ARGV[2])
  increase_version()
end
return removed
