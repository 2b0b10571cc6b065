-- Stores the progress of a run, if the run still holds its job.
--
-- KEYS     tokens of its queue; the progress of the job
-- ARGV     id; token of the run; the progress; how long to keep it, in ms
-- returns  1, or 0 if the run no longer holds its job

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1
