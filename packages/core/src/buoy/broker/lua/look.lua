-- Returns for several queues of one server what a worker could take from them.
--
-- KEYS     for each queue: queued, delayed, meta, ranked
-- returns  for each queue: number of queued jobs (without those in ranked, if there are others), and
--          next due time (in ms) or -1; 0 and -1 if it is paused; 1 and -1 if a key has a wrong type,
--          so that a worker goes there and gets the error

local function ask(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return nil end
  return answer
end

local function look(queued, delayed, meta, ranked)
  local paused, length = ask('HEXISTS', meta, 'paused'), ask('LLEN', queued)
  local first = ask('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if not (paused and length and first) then return 1, -1 end
  if paused == 1 then return 0, -1 end
  if length == 0 then length = ask('ZCARD', ranked) or 1 end
  return length, first[1] and math.min(tonumber(first[2]), 2 ^ 53) or -1
end

local seen = {}
for n = 1, #KEYS, 4 do
  seen[#seen + 1], seen[#seen + 2] = look(unpack(KEYS, n, n + 3))
end
return seen
