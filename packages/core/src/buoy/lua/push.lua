-- Stores plain jobs (due now, without a limit, nothing attached) and puts them on their queue; a
-- known id is never stored twice. What enqueue.lua does for all, in the fewest commands.
--
-- KEYS     ready, jobs, recent, bell
-- ARGV     for each job: id, payload
-- returns  as enqueue.lua: {answers, no refusals}; an answer is 'queued' or 'exists'
--
-- The first write is one that a full Redis refuses, so it refuses the whole.

local call = redis.call
local ready, jobs, recent, bell = unpack(KEYS)
local ids, fields, answers, pushed, known = {}, {}, {}, {}, {}
for n = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[n] end
local stored, ended = call('HMGET', jobs, unpack(ids)), call('ZMSCORE', recent, unpack(ids))
for n, id in ipairs(ids) do
  if stored[n] or ended[n] or known[id] then
    answers[n] = 'exists'
  else
    known[id], answers[n], pushed[#pushed + 1] = true, 'queued', id
    fields[#fields + 1], fields[#fields + 2] = id, ARGV[2 * n]
  end
end
if #pushed > 0 then
  call('HSET', jobs, unpack(fields))
  call('RPUSH', ready, unpack(pushed))
  if call('LLEN', bell) == 0 then call('RPUSH', bell, 1) end
end
return { answers, {} }
