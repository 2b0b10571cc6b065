-- Makes the wakeup stream of a job, if it does not exist, and keeps it for a while.
--
-- KEYS     the wakeup stream of the job
-- ARGV     how long to keep the stream, in ms
-- returns  the last entry of the stream: the caller waits for entries after it
--
-- Nothing else makes the stream: the end of a job adds an entry only where a program waits for it.

local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local id = last and last[1] or redis.call('XADD', KEYS[1], '*', 'waits', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return id
