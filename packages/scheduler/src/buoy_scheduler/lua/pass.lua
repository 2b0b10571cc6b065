-- Notes ticks that were not enqueued and are not to be made up for: somebody kept the job out.
--
-- KEYS     beginnings of the queue
-- ARGV     for each entry its name and the tick

for n = 1, #ARGV, 2 do
  local name, tick = ARGV[n], ARGV[n + 1]
  local since, timing = string.match(redis.call('HGET', KEYS[1], name) or '', '^(%d+) (.*)$')
  if since and tonumber(since) < tonumber(tick) then
    redis.call('HSET', KEYS[1], name, tick .. ' ' .. timing)
  end
end
