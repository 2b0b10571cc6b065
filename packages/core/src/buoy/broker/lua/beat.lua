-- The heartbeat of a worker for one queue: renews the leases of its jobs in flight, heals the
-- queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; number of jobs, for each id and token
-- returns  {tokens that no longer hold their job, 1 if any holder has missed a heartbeat, else 0, how
--          many jobs are to be handed over to other queues}

-- include queue
-- include heal

local lease, ids, run_tokens = number(1, GREATEST), {}, {}
for n = 1, number(0, MANY) do ids[n], run_tokens[n] = take(), take() end
done_reading()

read_all()
local renewed, lost = {}, {}
allow_writes()
for n, token in ipairs(ask('HMGET', tokens, ids)) do
  if token == run_tokens[n] then
    renewed[#renewed + 1], renewed[#renewed + 2] = now + lease, ids[n]
  else
    lost[#lost + 1] = run_tokens[n]
  end
end
send('ZADD', leases, renewed)
heal(lease, unpack(call('HMGET', meta, 'seen', 'grace')))
promote()
if next(counted) then send('HSET', meta, counted_words()) end
if queued_any then wake() end
return { lost, any_holder_late(lease) and 1 or 0, handovers_due }
