-- Leaves a command for a worker, if the worker is there. An expired registration must not come back
-- with nothing but a command in it.
--
-- KEYS     the registration of the worker
-- ARGV     the command
-- returns  1 if the worker is there, else 0

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'command', ARGV[1])
return 1
