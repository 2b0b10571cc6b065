-- Drops what is kept of entries that are gone: from when they fired. Pauses stay.
--
-- KEYS     the schedule
-- ARGV     a queue that has no marks any more, or ''; names of entries

if ARGV[1] ~= '' then redis.call('HDEL', KEYS[1], 'queue:' .. ARGV[1]) end
for n = 2, #ARGV do
  local from = 'from:' .. ARGV[n]
  if redis.call('HGET', KEYS[1], from) ~= 'paused' and redis.call('HEXISTS', KEYS[1], 'entry:' .. ARGV[n]) == 0 then
    redis.call('HDEL', KEYS[1], from)
  end
end
