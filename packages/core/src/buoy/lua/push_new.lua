-- Stores plain jobs as push.lua does, for ids that were made for this call and are sent for the
-- first time: they cannot be known, so nobody looks for them.
--
-- KEYS     ready, jobs, bell; the set in which the name of the queue is noted
-- ARGV     for each job: id, payload
-- returns  nothing: all are queued; or 1: the name was not noted, though it had been before
--
-- The first write is one that a full Redis refuses, so it refuses the whole.

-- It reads what may have a wrong type before it writes, as all do; see base.lua.

local call = redis.call
local ready, jobs, bell, names = unpack(KEYS)
local rung = call('LLEN', bell)
local waiting = call('LLEN', ready)
if #ARGV % 2 == 1 or #ARGV > 200000 then error('REFUSED words: expected pairs, got ' .. #ARGV, 0) end
-- As many at a time as Lua's stack has room for.
for first = 1, #ARGV, 4000 do
  call('HSET', jobs, unpack(ARGV, first, math.min(first + 3999, #ARGV)))
end
for first = 1, #ARGV, 4000 do
  local ids = {}
  for n = first, math.min(first + 3999, #ARGV), 2 do ids[#ids + 1] = ARGV[n] end
  call('RPUSH', ready, unpack(ids))
end
if rung == 0 then call('RPUSH', bell, 1) end
-- Where nothing waits, all may have been lost since.
if waiting == 0 and redis.pcall('SADD', names, string.match(ready, '{(.*)}')) == 1 then return 1 end
