-- A worker's sign of life: renews the leases of the jobs in its hands, and heals the queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; how many jobs, for each id and token
-- returns  {the tokens that hold their job no longer, 1 if some holder has missed a beat, else 0}

-- include queue
-- include heal

local lease, ids, tokens = number(1, GREATEST), {}, {}
for n = 1, number(0, MANY) do ids[n], tokens[n] = take(), take() end
done_reading()

read_all()
local renewed, lost = {}, {}
make_way()
for n, token in ipairs(ask('HMGET', runs, ids)) do
  if token == tokens[n] then
    renewed[#renewed + 1], renewed[#renewed + 2] = now + lease, ids[n]
  else
    lost[#lost + 1] = tokens[n]
  end
end
each('ZADD', leases, renewed)
heal(lease, unpack(call('HMGET', meta, 'seen', 'grace')))
promote()
if stirred then ring() end
return { lost, some_late(lease) and 1 or 0 }
