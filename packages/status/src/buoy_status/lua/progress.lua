-- Notes how far a run is, if it still holds its job.
--
-- KEYS     runs of its queue; the progress of the job
-- ARGV     id; token of the run; the progress; for how many ms it is kept
-- returns  1, or 0 if the run has lost its job

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return 1
