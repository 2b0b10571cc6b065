-- Stores plain jobs (due now, without a limit, nothing attached) and puts them on their queue; a
-- known id is never stored twice. What enqueue.lua does for all, in the fewest commands.
--
-- KEYS     ready, jobs, recent, bell; the set in which the name of the queue is noted
-- ARGV     for each job: id, payload
-- returns  as enqueue.lua: {answers, no refusals, 1 or 0}; an answer is 'queued', 'exists'
--          or 'ended'
--
-- The first write is one that a full Redis refuses, so it refuses the whole.

-- include base

local ready, jobs, recent, bell, names = unpack(KEYS)
local ids, words, answers, pushed, known = {}, {}, {}, {}, {}
for n = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[n] end
if #ARGV % 2 == 1 or #ids > MANY then refuse('words', 'pairs', #ARGV) end

local rung = call('LLEN', bell)
call('LLEN', ready)
local stored, ended = ask('HMGET', jobs, ids), ask('ZMSCORE', recent, ids)
for n, id in ipairs(ids) do
  if stored[n] or known[id] then
    answers[n] = 'exists'
  elseif ended[n] then
    answers[n] = 'ended'
  else
    known[id], answers[n], pushed[#pushed + 1] = true, 'queued', id
    words[#words + 1], words[#words + 2] = id, ARGV[2 * n]
  end
end
each('HSET', jobs, words)
each('RPUSH', ready, pushed)
if #pushed > 0 and rung == 0 then call('RPUSH', bell, 1) end
local noted = redis.pcall('SADD', names, string.match(ready, '{(.*)}'))
return { answers, {}, noted == 1 and 1 or 0 }
