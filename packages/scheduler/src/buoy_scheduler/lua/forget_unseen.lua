-- Deletes the checkpoints of entries in a queue that no daemon has touched for some time.
--
-- KEYS     checkpoints of the queue; its last ticks
-- ARGV     clock offset (ms); what the fields of last ticks begin with; after how many seconds an entry is forgotten
-- returns  {how many entries remain, names of the forgotten}

-- include clock

local checkpoints = redis.call('HGETALL', KEYS[1])
local remaining, forgotten = 0, {}
for n = 1, #checkpoints, 2 do
  local name = checkpoints[n]
  local touched = tonumber(string.match(checkpoints[n + 1], '^%d+ (%d+) ')) or 0
  if math.abs(now - touched) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], name)
    redis.call('HDEL', KEYS[2], ARGV[2] .. name)
    forgotten[#forgotten + 1] = name
  else
    remaining = remaining + 1
  end
end
return { remaining, forgotten }
