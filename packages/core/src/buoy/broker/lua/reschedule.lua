-- Gives delayed jobs another due time.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; due time (ms since the epoch, or '' for now); number of ids, each id
-- returns  for each id '' if the job was not delayed, else where it is now: 'delayed', 'queued', 'blocked'

-- include queue
-- include permits

local at, ids = take(), {}
local due = at == '' and now or number(-GREATEST, GREATEST, at)
for n = 1, number(0, MANY) do ids[n] = take() end
done_reading()
read_all()

allow_writes()
local answers = {}
for n, id in ipairs(ids) do
  answers[n] = ''
  if call('ZREM', delayed, id) == 1 then
    answers[n] = 'delayed'
    if due > now then
      call('ZADD', delayed, due, id)
    else
      local entered, plain = enter_all({ id })
      send('RPUSH', queued, plain)
      if #entered == 1 then
        note_due({ now, id })
        answers[n] = 'queued'
      elseif not call('ZSCORE', delayed, id) then
        answers[n] = 'blocked'
      end
    end
  end
end
wake()
return answers
