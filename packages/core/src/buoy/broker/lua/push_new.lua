-- Stores plain jobs as push.lua does, for ids that were made for this call and are sent for the
-- first time: they cannot be known, so nobody looks for them.
--
-- KEYS     ready, jobs, bell; the set in which the name of the queue is noted
-- ARGV     for each job: id, payload
-- returns  nothing: all are queued; or 1: the name was not noted, though it had been before
--
-- The first write is one that a full Redis refuses, so it refuses the whole.

-- All others read what may have a wrong type before they write; see base.lua. Here one command less
-- counts: what was stored is taken out again when the list is none, and nobody else knew of it.

local call = redis.call
local ready, jobs, bell, names = unpack(KEYS)
local rung = call('LLEN', bell)
if #ARGV % 2 == 1 or #ARGV > 200000 then error('REFUSED words: expected pairs, got ' .. #ARGV, 0) end

-- As many at a time as Lua's stack has room for.
local function chunks(send)
  for first = 1, #ARGV, 4000 do
    local answer = send(first, math.min(first + 3999, #ARGV))
    if answer then return answer end
  end
end

local function ids(first, last)
  local found = {}
  for n = first, last, 2 do found[#found + 1] = ARGV[n] end
  return unpack(found)
end

local waited
chunks(function(first, last) call('HSET', jobs, unpack(ARGV, first, last)) end)
local refused = chunks(function(first, last)
  local length = redis.pcall('RPUSH', ready, ids(first, last))
  if type(length) == 'table' then return length end
  if first == 1 then waited = length * 2 > last end
end)
if refused then
  chunks(function(first, last) call('HDEL', jobs, ids(first, last)) end)
  return refused
end
if rung == 0 then call('RPUSH', bell, 1) end
-- Where nothing waited, all may have been lost since.
if not waited and redis.pcall('SADD', names, string.match(ready, '{(.*)}')) == 1 then return 1 end
