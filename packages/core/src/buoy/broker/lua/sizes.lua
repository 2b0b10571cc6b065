-- Returns how many elements several keys of one server have.
--
-- KEYS     lists, hashes and sorted sets
-- ARGV     the command that tells it of the first key (LLEN, HLEN or ZCARD), of the second, and so on;
--          after the last one comes the first one again
-- returns  the size of each; -1 for a key of a wrong type

local pcall, commands = redis.pcall, #ARGV
local found = {}
for n, key in ipairs(KEYS) do
  local size = pcall(ARGV[(n - 1) % commands + 1], key)
  found[n] = type(size) == 'number' and size or -1
end
return found
