-- Moves jobs from the failed set back to the tail of their queue.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; how many jobs, for each: id, when it failed (in ms; another time means that
--          it ran and failed anew), payload of a first attempt, claims
-- returns  for each 'queued', 'gone', or 'exists' with the id of the job that holds its claim

-- include queue

local answers = {}
local function retry()
  local id, at, payload = take(), take(), take()
  local holder, wanted = read_claims(id)
  local failed_at = call('ZSCORE', failed, id)
  if not failed_at or tonumber(failed_at) ~= tonumber(at) then return 'gone' end
  if holder then return 'exists ' .. holder end
  call('ZREM', failed, id)
  call('HSET', jobs, id, payload)
  write_claims(id, wanted)
  call('RPUSH', ready, id)
  return 'queued'
end

for n = 1, count() do answers[n] = retry() end
if call('EXISTS', ready) == 1 then ring() end
return answers
