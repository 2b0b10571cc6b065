-- A worker's sign of life: renews the leases of the jobs in its hands, and heals the queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; how many jobs, for each id and token
-- returns  the ids that are no longer held by these tokens

-- include queue
-- include heal

local lease = count()
local lost = {}
make_way()
for _ = 1, count() do
  local id, token = take(), take()
  if call('HGET', runs, id) == token then
    call('ZADD', leases, now + lease, id)
  else
    lost[#lost + 1] = id
  end
end
heal(lease, unpack(call('HMGET', meta, 'seen', 'grace', 'since')))
promote()
if stirred then ring() end
return lost
