-- Sets checkpoints that are ahead of the clock to now: the clock was wrong when they were written.
-- Otherwise their entries would not fire until the clock reaches them.
--
-- KEYS     checkpoints of the queue; its last ticks
-- ARGV     clock offset (ms); what the fields of last ticks begin with; how many seconds a checkpoint may be ahead; names of entries

-- include clock

local latest = now + ARGV[3]
for n = 4, #ARGV do
  local name = ARGV[n]
  local checkpoint = redis.call('HGET', KEYS[1], name) or ''
  local start, rest = string.match(checkpoint, '^(%d+)( .*)$')
  if start and tonumber(start) > latest then
    redis.call('HSET', KEYS[1], name, string.format('%d', now) .. rest)
  end
  local field = ARGV[2] .. name
  local last_tick = tonumber(redis.call('HGET', KEYS[2], field))
  if last_tick and last_tick > latest then
    redis.call('HSET', KEYS[2], field, string.format('%d', now))
  end
end
