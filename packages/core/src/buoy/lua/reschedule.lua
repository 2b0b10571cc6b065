-- Makes delayed jobs due at another time.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; when (ms since the epoch, or '' for now); how many ids, each id
-- returns  for each 1 if it was delayed, else 0

-- include queue

make_way()
local due = tonumber(take()) or now
local answers = {}
for n = 1, count() do
  local id = take()
  answers[n] = call('ZREM', delayed, id)
  if answers[n] == 1 then
    if due > now then call('ZADD', delayed, due, id) else call('RPUSH', ready, id) end
  end
end
ring()
return answers
