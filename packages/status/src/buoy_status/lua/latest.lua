-- Which job is meant by a likeness: the latest that lives, else the last that is known.
--
-- KEYS     claims of the queue; the last job of the likeness
-- ARGV     the key of the claim
-- returns  its id or ''

return redis.call('HGET', KEYS[1], '>' .. ARGV[1]) or redis.call('GET', KEYS[2]) or ''
