-- Finds the latest job with an identity digest: the latest live one, else the last known one.
--
-- KEYS     claims of the queue; the id of the last job with this digest
-- ARGV     the name of the claim
-- returns  the id of the job, or ''

return redis.call('HGET', KEYS[1], '>' .. ARGV[1]) or redis.call('GET', KEYS[2]) or ''
