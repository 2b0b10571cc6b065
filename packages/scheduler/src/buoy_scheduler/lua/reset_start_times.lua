-- Sets start times that are ahead of the clock to now: when entries were set or resumed.
--
-- KEYS     the runtime schedule
-- ARGV     clock offset (ms); how many seconds a time may be ahead; names of entries

-- include version

local changed = false
for n = 3, #ARGV do
  local field = 'start:' .. ARGV[n]
  local start = tonumber(redis.call('HGET', KEYS[1], field))
  if start and start > now + ARGV[2] then
    redis.call('HSET', KEYS[1], field, string.format('%d', now))
    changed = true
  end
end
if changed then increase_version() end
