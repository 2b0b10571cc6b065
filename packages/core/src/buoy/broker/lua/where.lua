-- Returns where a job is, of several queues of one server. Skips keys of a wrong type.
--
-- KEYS     for each queue: jobs, delayed, failed, tokens, ended, blocked
-- ARGV     id
-- returns  {number of the queue (from 1), payload, state, detail}, as lua/find.lua returns them; or, if
--          none of them has the job: {0}, then the number of each queue in which it has ended, and
--          when (in ms)

local PARTS = 6
local id = ARGV[1]

-- include state

local ends = { 0 }
for n = 1, #KEYS / PARTS do
  local jobs, delayed, failed, tokens, ended, blocked = unpack(KEYS, PARTS * n - 5, PARTS * n)
  local payload = try('HGET', jobs, id)
  if payload then return { n, payload, state_of(id, try, delayed, failed, blocked, tokens) } end
  local ended_at = try('ZSCORE', ended, id)
  if ended_at then ends[#ends + 1], ends[#ends + 2] = n, string.match(ended_at, '^%d+') or '0' end
end
return ends
