-- Takes waiting and delayed jobs out of turn, into the hands of who moves them to another queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; who takes them; how many ids, each id
-- returns  {now, jobs}; of each that was there: id, token, payload, due in ms ('' if it waited)
--
-- If who holds them vanishes, they are put back: a delayed one not before it is due.

-- include queue

make_way()
local lease, holder, taken = count(), take(), {}
for _ = 1, count() do
  local id = take()
  local due = call('ZSCORE', delayed, id)
  local there = due and call('ZREM', delayed, id) == 1
    or call('HEXISTS', jobs, id) == 1 and call('LREM', ready, 1, id) == 1
  if there then
    local token = string.format('%d', call('HINCRBY', meta, 'seq', 1)) .. ':' .. holder .. ':0'
    call('HSET', runs, id, token)
    call('ZADD', leases, math.max(now + lease, tonumber(due) or 0), id)
    for _, word in ipairs({ id, token, call('HGET', jobs, id), due or '' }) do
      taken[#taken + 1] = word
    end
  end
end
return { now, taken }
