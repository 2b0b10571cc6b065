-- Returns the time and the version of the runtime schedule, and notes that a daemon has polled.
--
-- KEYS     the runtime schedule
-- ARGV     clock offset (ms)
-- returns  {now in epoch milliseconds, version}

-- include clock

redis.pcall('HSET', KEYS[1], 'polled_at', now_ms) -- a full Redis may refuse it
return { now_ms, redis.call('HGET', KEYS[1], 'version') or '0' }
