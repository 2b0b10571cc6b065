-- Makes a place where the end of a job will be told, for those who wait for it.
--
-- KEYS     the ring of the job
-- ARGV     how long the ring lasts at least, in ms
-- returns  the last entry of the ring: what comes after it is news
--
-- Nobody else makes the ring: the end of a job is told only where somebody waits for it.

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local id = last and last[1] or redis.call('XADD', KEYS[1], '*', 'waits', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return id
