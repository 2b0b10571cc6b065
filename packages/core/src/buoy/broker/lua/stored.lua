-- Tells which jobs several queues of one server have, in any state.
--
-- KEYS     the jobs of each queue
-- ARGV     ids
-- returns  for each id 1 if any of them has the job, or cannot be read: it may be there; else 0

local found = {}
for n, id in ipairs(ARGV) do
  found[n] = 0
  for _, jobs in ipairs(KEYS) do
    if redis.pcall('HEXISTS', jobs, id) ~= 0 then
      found[n] = 1
      break
    end
  end
end
return found
