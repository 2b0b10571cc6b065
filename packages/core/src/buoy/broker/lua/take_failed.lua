-- Takes failed jobs, for a holder that retries them in another queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; holder; the jobs (see failed.lua)
-- returns  for each 'taken TOKEN', 'gone', or 'exists ID' with the id of the job that holds its
--          claim
--
-- If the holder dies, its leases run out and the jobs are queued in their own queue.

-- include failed

local lease, holder = number(1, GREATEST), take()
local wanted, answers = read_failed(), {}
done_reading()
read_all()

allow_writes()
local seq = stored_number(call('HGET', meta, 'seq'))

local function lease_to_holder(id, needs)
  seq = seq + 1
  local token = string.format('%.0f@%.0f:', seq, now) .. holder .. ':0'
  call('HSET', tokens, id, token)
  call('ZADD', leases, now + lease, id)
  permits().note_needs(id, needs)
  return 'taken ' .. token
end

for n, job in ipairs(wanted) do answers[n] = take_out(job) or lease_to_holder(job.id, job.claims.needs) end
call('HSET', meta, 'seq', seq)
return answers
