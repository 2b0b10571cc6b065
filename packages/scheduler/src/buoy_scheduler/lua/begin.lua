-- From where on do entries fire? After the last tick that was enqueued or passed over; an entry
-- that is new in this queue, or fires at other times than before, from now on.
--
-- KEYS     beginnings of the queue, its meta
-- ARGV     clock shift; for each entry its name and its timing
-- returns  for each the epoch second after which its ticks count

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)
local answers = {}
for n = 2, #ARGV, 2 do
  local name, timing = ARGV[n], ARGV[n + 1]
  local since, known = string.match(redis.call('HGET', KEYS[1], name) or '', '^(%d+) (.*)$')
  if known ~= timing then
    since = now
    redis.call('HSET', KEYS[1], name, string.format('%d', now) .. ' ' .. timing)
  end
  local fired = redis.call('HGET', KEYS[2], 'newer:cron:' .. name)
  answers[#answers + 1] = math.max(tonumber(since), tonumber(fired) or 0)
end
return answers
