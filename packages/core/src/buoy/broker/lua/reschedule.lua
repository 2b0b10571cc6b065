-- Makes delayed jobs due at another time.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; when (ms since the epoch, or '' for now); how many ids, each id
-- returns  for each 1 if it was delayed, else 0

-- include queue

local at, ids = take(), {}
local due = at == '' and now or number(-GREATEST, GREATEST, at)
for n = 1, number(0, MANY) do ids[n] = take() end
done_reading()
read_all()

make_way()
local answers = {}
for n, id in ipairs(ids) do
  answers[n] = call('ZREM', delayed, id)
  if answers[n] == 1 then
    if due > now then call('ZADD', delayed, due, id) else call('RPUSH', ready, id) end
  end
end
ring()
return answers
