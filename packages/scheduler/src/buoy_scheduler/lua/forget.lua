-- Forgets the entries of a queue that no daemon has seen for a day, though daemons run.
--
-- KEYS     marks of the queue, its last ticks
-- ARGV     clock shift; what the fields of last ticks begin with; how many seconds it takes to be forgotten
-- returns  {how many are left, names of the forgotten}

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
local marks = redis.call('HGETALL', KEYS[1])
local left, forgotten = 0, {}
for n = 1, #marks, 2 do
  local name = marks[n]
  local seen = tonumber(string.match(marks[n + 1], '^%d+ (%d+) ')) or 0
  if math.abs(now - seen) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], name)
    redis.call('HDEL', KEYS[2], ARGV[2] .. name)
    forgotten[#forgotten + 1] = name
  else
    left = left + 1
  end
end
return { left, forgotten }
