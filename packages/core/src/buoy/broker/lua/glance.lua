-- Returns how much several queues of one server hold.
--
-- KEYS     for each queue: queued, delayed, leases, failed, blocked, ranked, meta
-- ARGV     clock shift
-- returns  {now in ms}; then for each queue the sizes of the first six, -1 for a key of a wrong type;
--          the fields done, rejected, paused and seen of meta, '' for none, false for each if meta has
--          a wrong type; and when the first delayed job is due (in ms), '' for none

local pcall, unpack = redis.pcall, unpack

local function size(command, key)
  local answer = pcall(command, key)
  return type(answer) == 'number' and answer or -1
end

local function facts(meta)
  local found = pcall('HMGET', meta, 'done', 'rejected', 'paused', 'seen')
  if found.err then return false, false, false, false end
  return found[1] or '', found[2] or '', found[3] or '', found[4] or ''
end

local clock = redis.call('TIME')
local found, at = { clock[1] * 1000 + math.floor(clock[2] / 1000) + tonumber(ARGV[1]) }, 2
for n = 1, #KEYS, 7 do
  local queued, delayed, leases, failed, blocked, ranked, meta = unpack(KEYS, n, n + 6)
  local waiting, due = size('ZCARD', delayed), ''
  if waiting > 0 then due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2] end
  found[at], found[at + 1] = size('LLEN', queued), waiting
  found[at + 2], found[at + 3] = size('ZCARD', leases), size('ZCARD', failed)
  found[at + 4], found[at + 5] = size('ZCARD', blocked), size('ZCARD', ranked)
  found[at + 6], found[at + 7], found[at + 8], found[at + 9] = facts(meta)
  found[at + 10] = due
  at = at + 11
end
return found
