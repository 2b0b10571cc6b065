-- Stores plain jobs (due now, without max_length, nothing attached) and puts them into their queue.
-- A known id is not stored twice. For plain jobs it does what enqueue.lua does, in fewer commands.
--
-- KEYS     queued, jobs, ended, wakeup, meta; the set that gets the name of the queue
-- ARGV     for each job: id, payload; then the class of all jobs
-- returns  what enqueue.lua returns: {answers, no refusals, 1 or 0}; an answer is 'queued',
--          'exists' or 'ended'
--
-- A full Redis refuses the first write, and so the whole script.

-- include base

local queued, jobs, ended, wakeup, meta, names = unpack(KEYS)

-- include enqueued

local ids, words, answers, pushed, again, known = {}, {}, {}, {}, {}, {}
for n = 1, #ARGV - 1, 2 do ids[#ids + 1] = ARGV[n] end
if #ARGV % 2 == 0 or #ids > MANY then refuse('words', 'pairs and a class', #ARGV) end

local wakeups = call('LLEN', wakeup)
call('LLEN', queued)
local stored, ended_at = ask('HMGET', jobs, ids), ask('ZMSCORE', ended, ids)
for n, id in ipairs(ids) do
  if stored[n] or known[id] then
    answers[n] = 'exists'
  elseif is_over(ended_at[n]) then
    answers[n] = 'ended'
  else
    known[id], answers[n], pushed[#pushed + 1] = true, 'queued', id
    if ended_at[n] then again[#again + 1] = id end
    words[#words + 1], words[#words + 2] = id, ARGV[2 * n]
  end
end
send('HSET', jobs, words)
send('ZREM', ended, again)
send('RPUSH', queued, pushed)
if #pushed > 0 and wakeups == 0 then call('RPUSH', wakeup, 1) end
if #pushed > 0 then count_enqueued(ARGV[#ARGV], #pushed) end
local noted = redis.pcall('SADD', names, string.match(queued, '{(.*)}'))
return { answers, {}, noted == 1 and 1 or 0 }
