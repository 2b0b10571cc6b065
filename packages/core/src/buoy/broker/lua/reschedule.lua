-- Gives delayed jobs another due time.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; due time (ms since the epoch, or '' for now); number of ids, each id
-- returns  for each id 1 if the job was delayed, else 0

-- include queue

local at, ids = take(), {}
local due = at == '' and now or number(-GREATEST, GREATEST, at)
for n = 1, number(0, MANY) do ids[n] = take() end
done_reading()
read_all()

allow_writes()
local answers = {}
for n, id in ipairs(ids) do
  answers[n] = call('ZREM', delayed, id)
  if answers[n] == 1 then
    if due > now then call('ZADD', delayed, due, id) else call('RPUSH', queued, id) end
  end
end
wake()
return answers
