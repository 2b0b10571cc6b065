-- Stores plain jobs like push.lua. Their ids were made for this call, and this is its first try: no
-- job can have these ids, so the script does not look for them.
--
-- KEYS     queued, jobs, wakeup; the set that gets the name of the queue
-- ARGV     for each job: id, payload
-- returns  nothing: all jobs are queued; or 1: all are queued, and the set did not have the name of
--          the queue
--
-- A full Redis refuses the first write, and so the whole script.

-- All other scripts read a key that may have a wrong type before they write; see base.lua. This
-- script must be fast, so it saves that command: if `queued` is no list, it deletes the payloads
-- again. Nobody else knows these ids.

local call = redis.call
local queued, jobs, wakeup, names = unpack(KEYS)
local wakeups = call('LLEN', wakeup)
if #ARGV % 2 == 1 or #ARGV > 200000 then error('REFUSED words: expected pairs, got ' .. #ARGV, 0) end

-- Calls `send` for chunks of ARGV for which the stack of Lua has room.
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

local not_empty
chunks(function(first, last) call('HSET', jobs, unpack(ARGV, first, last)) end)
local refused = chunks(function(first, last)
  local length = redis.pcall('RPUSH', queued, ids(first, last))
  if type(length) == 'table' then return length end
  if first == 1 then not_empty = length * 2 > last end
end)
if refused then
  chunks(function(first, last) call('HDEL', jobs, ids(first, last)) end)
  return refused
end
if wakeups == 0 then call('RPUSH', wakeup, 1) end
-- If the queue was empty, Redis may have lost all data since the name was added to the set.
if not not_empty and redis.pcall('SADD', names, string.match(queued, '{(.*)}')) == 1 then return 1 end
