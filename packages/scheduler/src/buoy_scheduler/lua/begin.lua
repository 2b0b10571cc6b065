-- From where on do entries fire? After the last tick that was enqueued or passed over; an entry
-- that is new in this queue, or fires at other times than before, from now on. What is asked for
-- counts as seen: marks of entries that nobody asks for are forgotten (forget.lua).
--
-- KEYS     marks of the queue: per entry since when, when it was seen, its timing; its last ticks
-- ARGV     clock shift; what the fields of last ticks begin with; for each entry its name, its timing, and the second from which it was set
--          or resumed, or 0
-- returns  for each the epoch second after which its ticks count

local RARELY = 60 -- seconds: how exactly it is known when an entry was seen

local clock = redis.call('TIME')
local now = math.floor((clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[1]) / 1000)

local function second(text)
  return text and #text <= 11 and string.match(text, '^%d+$') and tonumber(text)
end

local function noted(name)
  local mark = redis.call('HGET', KEYS[1], name) or ''
  local since, seen, timing = string.match(mark, '^(%d+) (%d+) (.*)$')
  if not (second(since) and second(seen)) then return end
  return second(since), second(seen), timing
end

-- The last tick that was enqueued. What is no time there would let nothing through any more.
local function fired(name)
  local field = ARGV[2] .. name
  local last = redis.call('HGET', KEYS[2], field)
  if last and not second(last) then redis.call('HDEL', KEYS[2], field) end
  return second(last or nil) or 0
end

local function begin(name, timing, from)
  local since, seen, known = noted(name)
  local first = (known == timing) and since or now
  first = math.max(first, tonumber(from))
  local mark = string.format('%d %d %s', first, now, timing)
  if first ~= since or known ~= timing then
    redis.call('HSET', KEYS[1], name, mark)
  elseif math.abs(now - seen) >= RARELY then
    redis.pcall('HSET', KEYS[1], name, mark) -- a full Redis may refuse it
  end
  return math.max(first, fired(name))
end

local answers = {}
for n = 3, #ARGV, 3 do
  answers[#answers + 1] = begin(ARGV[n], ARGV[n + 1], ARGV[n + 2])
end
return answers
