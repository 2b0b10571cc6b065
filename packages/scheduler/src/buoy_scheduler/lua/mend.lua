-- Takes marks back that are ahead of the clock: it was wrong when they were made. Nothing else would
-- ever fire until then.
--
-- KEYS     marks of the queue, its last ticks
-- ARGV     clock shift; what the fields of last ticks begin with; how many seconds ahead a mark may be; names of entries

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
local latest = now + ARGV[3]
for n = 4, #ARGV do
  local name = ARGV[n]
  local mark = redis.call('HGET', KEYS[1], name) or ''
  local since, rest = string.match(mark, '^(%d+)( .*)$')
  if since and tonumber(since) > latest then
    redis.call('HSET', KEYS[1], name, string.format('%d', now) .. rest)
  end
  local field = ARGV[2] .. name
  local fired = tonumber(redis.call('HGET', KEYS[2], field))
  if fired and fired > latest then
    redis.call('HSET', KEYS[2], field, string.format('%d', now))
  end
end
