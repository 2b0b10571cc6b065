-- Returns the time and the version of the runtime schedule, and notes that a daemon has polled.
-- A daemon that polls for the first time takes away the notes of those that are gone.
--
-- KEYS     the runtime schedule
-- ARGV     clock offset (ms), name of the daemon, ms after which one that does not poll is gone
-- returns  {now in epoch milliseconds, version}

-- include clock

-- A full Redis may refuse to write.
local field = 'daemon:' .. ARGV[2]
if redis.pcall('HSET', KEYS[1], 'polled_at', now_ms, field, now_ms) ~= 0 then
  local found = redis.call('HGETALL', KEYS[1])
  for n = 1, #found, 2 do
    local polled_at = tonumber(found[n + 1]) or 0
    if found[n]:sub(1, 7) == 'daemon:' and polled_at < now_ms - ARGV[3] then
      redis.pcall('HDEL', KEYS[1], found[n])
    end
  end
end
return { now_ms, redis.call('HGET', KEYS[1], 'version') or '0' }
