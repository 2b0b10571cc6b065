-- Takes waiting and delayed jobs out of turn, into the hands of who moves them to another queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; who takes them; how many ids, each id
-- returns  {now, jobs}; of each that was there: id, token, payload, due in ms ('' if it waited)
--
-- If who holds them vanishes, they are put back: a delayed one not before it is due.

-- include queue

local lease, holder, ids = number(1, GREATEST), take(), {}
for n = 1, number(0, NAMED) do ids[n] = take() end
done_reading()
read_all()

make_way()
local seq, taken = kept(call('HGET', meta, 'seq')), {}

local function taken_out(id)
  local due = call('ZSCORE', delayed, id)
  local there = due and call('ZREM', delayed, id) == 1
    or call('HEXISTS', jobs, id) == 1 and call('LREM', ready, 1, id) == 1
  return there, due
end

local function lease_to_holder(id, due)
  seq = seq + 1
  local token = string.format('%.0f', seq) .. ':' .. holder .. ':0'
  call('HSET', runs, id, token)
  call('ZADD', leases, math.max(now + lease, kept(due)), id)
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
