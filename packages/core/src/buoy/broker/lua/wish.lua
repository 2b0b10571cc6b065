-- Leaves word for a worker, if it is there: a card that had expired must not come back with nothing
-- but a wish.
--
-- KEYS     the card of the worker
-- ARGV     the wish
-- returns  1 if the worker is there

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'wish', ARGV[1])
return 1
