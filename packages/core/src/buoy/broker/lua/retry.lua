-- Moves jobs from the failed set to the tail of their queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; number of jobs, for each: id, when it failed (in ms; another time in Redis
--          means that the job has run and failed again since), payload of a first attempt, claims
-- returns  for each 'queued', 'gone', or 'exists ID' with the id of the job that holds its claim

-- include queue
-- include claims

local wanted, answers = {}, {}
for n = 1, number(0, MANY) do
  wanted[n] = { id = take(), at = tonumber(take()), payload = take(), claims = read_claims() }
  if not wanted[n].at then refuse('time', 'a number', 'none') end
end
done_reading()
read_all()

local function retry(job)
  local id, failed_at = job.id, call('ZSCORE', failed, job.id)
  if not failed_at or tonumber(failed_at) ~= job.at then return 'gone' end
  local holder = holder_of(job.claims, id)
  if holder then return 'exists ' .. holder end
  call('ZREM', failed, id)
  call('HSET', jobs, id, job.payload)
  write_claims(id, job.claims)
  call('RPUSH', queued, id)
  return 'queued'
end

for n, job in ipairs(wanted) do answers[n] = retry(job) end
if call('EXISTS', queued) == 1 then wake() end
return answers
