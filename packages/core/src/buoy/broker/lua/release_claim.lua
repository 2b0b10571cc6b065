-- Frees one claim, whichever job holds it. The job itself does not change.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; the claim
-- returns  the id of the job that held it, or nothing

-- include queue

local key = take()
done_reading()
read_all()
local id = call('HGET', claims, '>' .. key)
if not id then return false end
call('HDEL', claims, '>' .. key)
local rest = {}
for line, claim in string.gmatch(call('HGET', claims, '<' .. id) or '', '(%l([^\n]*)\n)') do
  if claim ~= key then rest[#rest + 1] = line end
end
if #rest == 0 then
  call('HDEL', claims, '<' .. id)
else
  call('HSET', claims, '<' .. id, table.concat(rest))
end
return id
