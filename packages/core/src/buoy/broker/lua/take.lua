-- Takes queued, delayed and blocked jobs out of turn, for a holder that moves them to another queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; holder; number of ids, each id
-- returns  for each job that was there: id, token, payload, due time in ms ('' unless it was delayed),
--          and since when a queued job is due ('' if since it was enqueued)
--
-- If the holder dies, its leases run out and the jobs return to the queue; a delayed job not before
-- it is due.

-- include queue
-- include permits

local lease, holder, ids = number(1, GREATEST), take(), {}
for n = 1, number(0, NAMED) do ids[n] = take() end
done_reading()
read_all()

allow_writes()
local seq, taken = stored_number(call('HGET', meta, 'seq')), {}

local function leave_line(id)
  if call('ZREM', blocked, id) == 0 then return false end
  -- Its needs stay as they are noted, with its number: with that it returns to its place.
  permits().step_out_of_line(id, permits().read_needs(call('HGET', claims, '?' .. id)))
  return true
end

local function taken_out(id)
  local due = call('ZSCORE', delayed, id)
  local there = due and call('ZREM', delayed, id) == 1
    or any_blocked and leave_line(id)
    or any_ranked and call('ZREM', ranked, id) == 1
    or call('HEXISTS', jobs, id) == 1 and call('LREM', queued, 1, id) == 1
  return there, due
end

local function lease_to_holder(id, due)
  seq = seq + 1
  local token = string.format('%.0f@%.0f:', seq, now) .. holder .. ':0'
  call('HSET', tokens, id, token)
  call('ZADD', leases, math.max(now + lease, stored_number(due)), id)
  local since = any_due_since and call('ZSCORE', due_since, id)
  for _, word in ipairs({ id, token, call('HGET', jobs, id) or '', due or '', since or '' }) do
    taken[#taken + 1] = word
  end
end

for _, id in ipairs(ids) do
  local there, due = taken_out(id)
  if there then lease_to_holder(id, due) end
end
if #taken > 0 then call('HSET', meta, 'seq', seq) end
return taken
