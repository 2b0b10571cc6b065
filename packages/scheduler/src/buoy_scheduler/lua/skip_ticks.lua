-- Notes ticks that are handled though no job was enqueued: a plugin or a claim kept it out.
--
-- KEYS     checkpoints of the queue
-- ARGV     for each entry its name and the tick

for n = 1, #ARGV, 2 do
  local name, tick = ARGV[n], ARGV[n + 1]
  local checkpoint = redis.call('HGET', KEYS[1], name) or ''
  local start, rest = string.match(checkpoint, '^(%d+) (.*)$')
  if start and tonumber(start) < tonumber(tick) then
    redis.call('HSET', KEYS[1], name, tick .. ' ' .. rest)
  end
end
