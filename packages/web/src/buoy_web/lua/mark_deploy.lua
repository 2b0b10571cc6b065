-- Notes a deploy, unless its label was noted a moment ago.
--
-- KEYS     the stream of deploys
-- ARGV     label; how long a label counts as one deploy (ms); how many deploys are kept
-- returns  1, or 0 if the label was noted before

local label, once, kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = redis.call('TIME')
local since = tonumber(now[1]) * 1000 - once

for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', string.format('%.0f', since))) do
  if entry[2][2] == label then return 0 end
end
redis.call('XADD', KEYS[1], 'MAXLEN', kept, '*', 'label', label)
return 1
