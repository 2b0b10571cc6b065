-- Takes queued and delayed jobs out of turn, for a holder that moves them to another queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; holder; number of ids, each id
-- returns  {now in ms, jobs}; for each job that was there: id, token, payload, due time in ms (''
--          if it was queued)
--
-- If the holder dies, its leases run out and the jobs return to the queue; a delayed job not before
-- it is due.

-- include queue

local lease, holder, ids = number(1, GREATEST), take(), {}
for n = 1, number(0, NAMED) do ids[n] = take() end
done_reading()
read_all()

allow_writes()
local seq, taken = stored_number(call('HGET', meta, 'seq')), {}

local function taken_out(id)
  local due = call('ZSCORE', delayed, id)
  local there = due and call('ZREM', delayed, id) == 1
    or call('HEXISTS', jobs, id) == 1 and call('LREM', queued, 1, id) == 1
  return there, due
end

local function lease_to_holder(id, due)
  seq = seq + 1
  local token = string.format('%.0f', seq) .. ':' .. holder .. ':0'
  call('HSET', tokens, id, token)
  call('ZADD', leases, math.max(now + lease, stored_number(due)), id)
  for _, word in ipairs({ id, token, call('HGET', jobs, id) or '', due or '' }) do
    taken[#taken + 1] = word
  end
end

for _, id in ipairs(ids) do
  local there, due = taken_out(id)
  if there then lease_to_holder(id, due) end
end
if #taken > 0 then call('HSET', meta, 'seq', seq) end
return { now, taken }
