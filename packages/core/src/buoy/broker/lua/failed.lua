-- Included by scripts that take jobs out of the failed set, so that they run again.

-- include queue
-- include claims

-- Reads how many jobs there are, for each: id, when it failed (in ms; another time in Redis means
-- that the job has run and failed again since), SHA-1 of the payload that was seen (another one
-- means that it was edited since; '' does not compare), payload of a first attempt, claims.
local function read_failed()
  local wanted = {}
  for n = 1, number(0, MANY) do
    local job = { id = take(), at = tonumber(take()), seen = take(), payload = take() }
    job.claims = read_claims()
    if not job.at then refuse('time', 'a number', 'none') end
    wanted[n] = job
  end
  return wanted
end

-- Returns whether a job is failed as it was seen.
local function is_as_seen(job)
  local failed_at = call('ZSCORE', failed, job.id)
  if not failed_at or tonumber(failed_at) ~= job.at then return false end
  return job.seen == '' or redis.sha1hex(call('HGET', jobs, job.id) or '') == job.seen
end

-- Takes a job out of the failed set, with a new payload and its claims. Returns nil, or why it
-- stays: 'gone', or 'exists ID' with the id of the job that holds its claim.
local function take_out(job)
  if not is_as_seen(job) then return 'gone' end
  local holder = holder_of(job.claims, job.id)
  if holder then return 'exists ' .. holder end
  call('ZREM', failed, job.id)
  call('HSET', jobs, job.id, job.payload)
  write_claims(job.id, job.claims)
end
