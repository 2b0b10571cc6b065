-- Stores jobs and puts them on their queue, or among the delayed; a known id is never stored twice.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; max_length or ''; how many jobs; for each: id, payload, due ('' now, '+MS'
--          from now, 'MS' since the epoch), claims, numbers (how many, then field and number),
--          commands
-- returns  {answers, refusals}; an answer is 'queued', 'delayed', 'exists' (with the id of the
--          holder behind it when that is another job), 'older FIELD', or 'full LENGTH'
--
-- For the common case there is push.lua. The first write is one that a full Redis refuses, so it refuses the whole.

-- include queue

local limit = tonumber(take())
local length = limit and call('LLEN', ready) + call('ZCARD', delayed)
local answers, pushed = {}, {}

local function read_numbers()
  local numbers, older = {}, nil
  for n = 1, count() do
    local field, number = 'newer:' .. take(), take()
    numbers[n] = { field, number }
    local last = call('HGET', meta, field)
    if last and tonumber(last) >= tonumber(number) then older = older or field end
  end
  return numbers, older
end

local function due_at(due)
  if due == '' then return 0 end
  local after = string.match(due, '^%+(.*)')
  return after and now + tonumber(after) or tonumber(due)
end

-- Puts a job among the delayed; when it is the next one due, whoever sleeps must know.
local function delay(id, due)
  call('ZADD', delayed, due, id)
  if call('ZRANGE', delayed, 0, 0)[1] == id then ring() end
end

local function place(id, due)
  if length then length = length + 1 end
  if due <= now then
    pushed[#pushed + 1] = id
    return 'queued'
  end
  delay(id, due)
  return 'delayed'
end

local function enqueue()
  local id, payload, due = take(), take(), due_at(take())
  local holder, wanted = read_claims(id)
  local numbers, older = read_numbers()
  local commands = read_commands()
  if call('ZSCORE', recent, id) or call('HEXISTS', jobs, id) == 1 then return 'exists' end
  if holder then return 'exists ' .. holder end
  if older then return 'older ' .. string.sub(older, 7) end
  if limit and length >= limit then return 'full ' .. length end
  call('HSET', jobs, id, payload)
  write_claims(id, wanted)
  for _, number in ipairs(numbers) do call('HSET', meta, number[1], number[2]) end
  local answer = place(id, due)
  apply(commands)
  return answer
end

for n = 1, count() do answers[n] = enqueue() end
for first = 1, #pushed, 1000 do
  call('RPUSH', ready, unpack(pushed, first, math.min(first + 999, #pushed)))
end
if #pushed > 0 then ring() end
return { answers, refusals }
