-- A glance at several queues of one server: what could be taken from them?
--
-- KEYS     for each queue: ready, delayed, meta
-- returns  for each: length of ready and next due time or -1; 0 and -1 while it is paused

local seen = {}
for n = 1, #KEYS, 3 do
  local length, due = 0, -1
  if redis.call('HEXISTS', KEYS[n + 2], 'paused') == 0 then
    length = redis.call('LLEN', KEYS[n])
    local first = redis.call('ZRANGE', KEYS[n + 1], 0, 0, 'WITHSCORES')
    due = first[1] and tonumber(first[2]) or -1
  end
  seen[#seen + 1], seen[#seen + 2] = length, due
end
return seen
