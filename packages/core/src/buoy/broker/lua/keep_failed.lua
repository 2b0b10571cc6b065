-- Puts jobs back into the failed set that a holder has taken by take_failed.lua.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; number of jobs, for each: id, token, payload as it was, when it failed (ms)
-- returns  for each 1, or 0 if the holder does not hold the job any more

-- include queue
-- include free

local wanted, answers = {}, {}
for n = 1, number(0, NAMED) do
  local job = { id = take(), token = take(), payload = take(), at = tonumber(take()) }
  if not job.at or job.at ~= job.at then refuse('time', 'a number', 'none') end
  wanted[n] = job
end
done_reading()
read_all()

local function keep(job)
  if call('HGET', tokens, job.id) ~= job.token then return 0 end
  call('HDEL', tokens, job.id)
  call('ZREM', leases, job.id)
  forget_due({ job.id })
  free({ job.id }, 'failed')
  call('HSET', jobs, job.id, job.payload)
  call('ZADD', failed, job.at, job.id)
  return 1
end

for n, job in ipairs(wanted) do answers[n] = keep(job) end
if admitted then wake() end
return answers
