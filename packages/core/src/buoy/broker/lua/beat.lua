-- The heartbeat of a worker for one queue: renews the leases of its jobs in flight, heals the
-- queue.
--
-- KEYS     see queue.lua; the zset of the names of groups
-- ARGV     clock shift; lease in ms; number of jobs, for each id and token
-- returns  {tokens that no longer hold their job, 1 if any holder has missed a heartbeat, else 0, how
--          many jobs are to be handed over to other queues, names of groups to look at, the longest
--          unseen first}

-- include queue
-- include heal
-- include groups_unseen

local MOST_GROUPS = 100

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
-- Not `call`: a key of a wrong type must not stop what has begun to write.
local longest = { 0, SEEN_MS - now, 'LIMIT', 0, MOST_GROUPS }
local unseen = redis.pcall('ZREVRANGEBYSCORE', KEYS[OWN + 1], unpack(longest))
if unseen.err then unseen = {} end
return { lost, any_holder_late(lease) and 1 or 0, handovers_due, unseen }
