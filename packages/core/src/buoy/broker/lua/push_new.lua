-- Stores plain jobs like push.lua. Their ids were made for this call, and this is its first try: no
-- job can have these ids, so the script does not look for them.
--
-- KEYS     queued, jobs, wakeup, meta; the set that gets the name of the queue
-- ARGV     for each job: id, payload; then the class of all jobs
-- returns  nothing: all jobs are queued; or 1: all are queued, and the set did not have the name of
--          the queue
--
-- A full Redis refuses the first write, and so the whole script.

-- All other scripts read a key that may have a wrong type before they write; see base.lua. This
-- script must be fast, so it saves that command: if `queued` is no list, it deletes the payloads
-- again. Nobody else knows these ids. Of `wakeup` and `meta` the workers will tell.

local call = redis.call
local queued, jobs, wakeup, meta, names = unpack(KEYS)
local words, class = #ARGV - 1, ARGV[#ARGV]
if words % 2 ~= 0 or words > 200000 then
  error('REFUSED words: expected pairs and a class, got ' .. #ARGV, 0)
end

local CHUNK, length = 4000 -- as many words as the stack of Lua has room for
for first = 1, words, CHUNK do
  call('HSET', jobs, unpack(ARGV, first, math.min(first + CHUNK - 1, words)))
end
for first = 1, words, CHUNK do
  local ids = {}
  for n = first, math.min(first + CHUNK - 1, words), 2 do ids[#ids + 1] = ARGV[n] end
  length = redis.pcall('RPUSH', queued, unpack(ids))
  if type(length) == 'table' then
    for n = 1, words, 2 do call('HDEL', jobs, ARGV[n]) end
    return length
  end
end

-- Where jobs wait already, a worker has been woken. But its wakeup may have been lost with it: so
-- the script looks at every 16th job, and where few jobs wait, at each.
local pushed = words / 2
if (length - pushed < 16 or length % 16 < pushed) and redis.pcall('LLEN', wakeup) == 0 then
  call('RPUSH', wakeup, 1)
end

-- If the queue was empty, Redis may have lost all data since the name was added to the set.
local noted = length == pushed and redis.pcall('SADD', names, string.match(queued, '{(.*)}'))
local field = 'enqueued:' .. class
local total = redis.pcall('HINCRBY', meta, field, pushed)
if total == pushed or type(total) ~= 'number' then
  if total == pushed then call('HDEL', meta, field) end

-- include enqueued

  count_enqueued(class, pushed)
end
if noted == 1 then return 1 end
