-- Puts removed jobs back into the failed set. A job whose id is in use again stays removed.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; number of jobs, for each: id, payload, when it failed (ms)
-- returns  for each 1, or 0 if its id is in use

-- include queue

local wanted, answers = {}, {}
for n = 1, number(0, NAMED) do
  wanted[n] = { id = take(), payload = take(), at = number(0, GREATEST) }
end
done_reading()
read_all()

local function restore(job)
  if call('HEXISTS', jobs, job.id) == 1 then return 0 end
  call('HSET', jobs, job.id, job.payload)
  call('ZADD', failed, job.at, job.id)
  call('ZREM', ended, job.id)
  return 1
end

for n, job in ipairs(wanted) do answers[n] = restore(job) end
return answers
