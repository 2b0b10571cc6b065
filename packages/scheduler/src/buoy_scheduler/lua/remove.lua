-- Removes an entry of the run time.
--
-- KEYS     the schedule
-- ARGV     name
-- returns  1 if it was there

local version = tonumber(redis.call('HGET', KEYS[1], 'version')) or 0 -- garbage counts as none
local gone = redis.call('HDEL', KEYS[1], 'entry:' .. ARGV[1])
if gone == 1 then
  redis.call('HDEL', KEYS[1], 'from:' .. ARGV[1])
  redis.call('HSET', KEYS[1], 'version', string.format('%d', version + 1))
end
return gone
