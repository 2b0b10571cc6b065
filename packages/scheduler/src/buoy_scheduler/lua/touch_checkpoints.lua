-- Touches the checkpoints of entries, and returns from when on the entries fire: after the last tick
-- that was enqueued or skipped. An entry that is new in this queue, or whose timing has changed,
-- fires from now on. Checkpoints that nobody touches are forgotten (forget_unseen.lua).
--
-- KEYS     checkpoints of the queue (for each entry: the second after which it fires, when it was
--          touched, its timing); the last ticks of the queue
-- ARGV     clock offset (ms); what the fields of last ticks begin with; for each entry its name, its timing, and the second at which it was set or
--          resumed, or 0
-- returns  for each entry the epoch second after which its ticks count

-- include clock

local PRECISION = 60 -- seconds: how exactly it is stored when an entry was touched

local function second(text)
  return text and #text <= 11 and string.match(text, '^%d+$') and tonumber(text)
end

local function read_checkpoint(name)
  local checkpoint = redis.call('HGET', KEYS[1], name) or ''
  local start, touched, timing = string.match(checkpoint, '^(%d+) (%d+) (.*)$')
  if not (second(start) and second(touched)) then return end
  return second(start), second(touched), timing
end

-- The last tick that was enqueued. A value that is no time is deleted: it would let no tick through.
local function last_tick(name)
  local field = ARGV[2] .. name
  local tick = redis.call('HGET', KEYS[2], field)
  if tick and not second(tick) then redis.call('HDEL', KEYS[2], field) end
  return second(tick or nil) or 0
end

local function touch(name, timing, set_at)
  local start, touched, known_timing = read_checkpoint(name)
  local first = (known_timing == timing) and start or now
  first = math.max(first, tonumber(set_at))
  local checkpoint = string.format('%d %d %s', first, now, timing)
  if first ~= start or known_timing ~= timing then
    redis.call('HSET', KEYS[1], name, checkpoint)
  elseif math.abs(now - touched) >= PRECISION then
    redis.pcall('HSET', KEYS[1], name, checkpoint) -- a full Redis may refuse it
  end
  return math.max(first, last_tick(name))
end

local seconds = {}
for n = 3, #ARGV, 3 do
  seconds[#seconds + 1] = touch(ARGV[n], ARGV[n + 1], ARGV[n + 2])
end
return seconds
