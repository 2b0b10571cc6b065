-- Returns what is wrong with the keys of several queues of one server, and how many jobs failed.
--
-- KEYS     for each queue all of its keys, in the order of keys.py
-- ARGV     for each key of a queue, in that order, the command that tells its size, which only a key of
--          the right type takes; then two times in ms
-- returns  for each queue: how many jobs failed since the first time, and since the second; and a
--          list of the keys of a wrong type, for each its number among the keys of the queue
--          (from 1) and its type

local pcall, PARTS, FAILED = redis.pcall, #ARGV - 2, 6
local found = {}

local function failed_since(key, time)
  local answer = pcall('ZCOUNT', key, time, '+inf')
  return type(answer) == 'number' and answer or 0
end

for first = 0, #KEYS - 1, PARTS do
  local wrong = {}
  for n = 1, PARTS do
    local key = KEYS[first + n]
    if type(pcall(ARGV[n], key)) ~= 'number' then
      wrong[#wrong + 1], wrong[#wrong + 2] = n, redis.call('TYPE', key).ok
    end
  end
  local failed = KEYS[first + FAILED]
  found[#found + 1] = failed_since(failed, ARGV[PARTS + 1])
  found[#found + 1] = failed_since(failed, ARGV[PARTS + 2])
  found[#found + 1] = wrong
end
return found
