-- Returns where several jobs of a queue are, all at one moment.
--
-- KEYS     of a queue: jobs, delayed, failed, tokens, blocked
-- ARGV     ids
-- returns  for each id the payload, and the state and the detail as in state.lua; all three '' if the
--          queue does not have it, or if a key has a wrong type

-- include state

local jobs, delayed, failed, tokens, blocked = unpack(KEYS)
local found, at = {}, 1
for _, id in ipairs(ARGV) do
  local payload, state, detail = try('HGET', jobs, id) or '', '', ''
  if payload ~= '' then state, detail = state_of(id, try, delayed, failed, blocked, tokens) end
  found[at], found[at + 1], found[at + 2] = payload, state, detail
  at = at + 3
end
return found
