-- The shortest script that settles jobs and reserves the next ones, and never loses one.
--
-- KEYS     queued, jobs, leases
-- ARGV     lease in ms; how many jobs are wanted; the ids of the jobs that are done
-- returns  {ids, payloads}

local queued, jobs, leases = unpack(KEYS)
if #ARGV > 2 then
  redis.call('ZREM', leases, unpack(ARGV, 3))
  redis.call('HDEL', jobs, unpack(ARGV, 3))
end
local ids = redis.call('LPOP', queued, ARGV[2])
if not ids or #ids == 0 then return { {}, {} } end
local clock = redis.call('TIME')
local deadline = clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]
local deadlines = {}
for n, id in ipairs(ids) do
  deadlines[2 * n - 1], deadlines[2 * n] = deadline, id
end
redis.call('ZADD', leases, unpack(deadlines))
return { ids, redis.call('HMGET', jobs, unpack(ids)) }
