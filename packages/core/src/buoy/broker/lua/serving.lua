-- Returns how many of several workers have each list of queues.
--
-- KEYS     registrations of workers on one server
-- returns  each list of queues that one of them has, and how many workers have it; a registration
--          that is gone, or that has a wrong type, counts as none

local pcall = redis.pcall
local found, places = {}, {}
for _, key in ipairs(KEYS) do
  local queues = pcall('HGET', key, 'queues')
  if type(queues) == 'string' then
    local place = places[queues]
    if place then
      found[place] = found[place] + 1
    else
      places[queues] = #found + 2
      found[#found + 1], found[#found + 2] = queues, 1
    end
  end
end
return found
