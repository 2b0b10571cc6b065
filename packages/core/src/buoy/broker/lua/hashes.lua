-- Returns what is in several hashes of one server.
--
-- KEYS     hashes
-- ARGV     names of fields; none for all fields
-- returns  for each hash the values of these fields, or all fields and values; false if the key has a
--          wrong type

local command = #ARGV > 0 and 'HMGET' or 'HGETALL'
local found = {}
for n, key in ipairs(KEYS) do
  local answer = redis.pcall(command, key, unpack(ARGV))
  found[n] = not answer.err and answer
end
return found
