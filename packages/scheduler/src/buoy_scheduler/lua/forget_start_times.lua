-- Deletes the start times of entries that are gone. Pauses stay.
--
-- KEYS     the runtime schedule
-- ARGV     a queue that has no checkpoints any longer, or ''; names of entries

if ARGV[1] ~= '' then redis.call('HDEL', KEYS[1], 'queue:' .. ARGV[1]) end
for n = 2, #ARGV do
  local field = 'start:' .. ARGV[n]
  local is_set = redis.call('HEXISTS', KEYS[1], 'entry:' .. ARGV[n]) == 1
  if not is_set and redis.call('HGET', KEYS[1], field) ~= 'paused' then
    redis.call('HDEL', KEYS[1], field)
  end
end
