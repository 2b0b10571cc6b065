-- Takes back from when entries were set or resumed, where that is ahead of the clock.
--
-- KEYS     the schedule
-- ARGV     clock shift; how many seconds ahead it may be; names of entries

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
local version = tonumber(redis.call('HGET', KEYS[1], 'version')) or 0 -- garbage counts as none
local mended = 0
for n = 3, #ARGV do
  local field = 'from:' .. ARGV[n]
  local from = tonumber(redis.call('HGET', KEYS[1], field))
  if from and from > now + ARGV[2] then
    redis.call('HSET', KEYS[1], field, string.format('%d', now))
    mended = mended + 1
  end
end
if mended > 0 then redis.call('HSET', KEYS[1], 'version', string.format('%d', version + 1)) end
