-- Stores jobs and puts them into their queue, or among the delayed jobs. A known id is not stored
-- twice.
--
-- KEYS     see queue.lua; the 12th is the set that gets the name of the queue
-- ARGV     clock shift; max_length or ''; number of jobs; for each: id, payload, due time ('' for
--          now, '+MS' after now, 'MS' since the epoch), claims, numbers (how many, then field and
--          number), commands
-- returns  {answers, refusals of attached commands, 1 if the set did not have the name of the
--          queue, else 0}; an answer is 'queued', 'delayed', 'exists' (followed by the id of the
--          holder if another job holds the claim), 'ended' (a job with this id ended moments ago),
--          'older FIELD', or 'full LENGTH'
--
-- push.lua does the common case. A full Redis refuses the first write, and so the whole script.

-- include queue
-- include claims
-- include attached

local word = take()
local limit = word ~= '' and number(0, GREATEST, word)
local there = call('LLEN', queued) + call('ZCARD', delayed)
local answers, pushed = {}, {}
call('HLEN', jobs)
call('HLEN', meta)
call('ZCARD', ended)

local function read_due()
  local due = take()
  if due == '' then return 0 end
  local after = string.match(due, '^%+(.*)')
  return after and now + number(0, GREATEST, after) or number(-GREATEST, GREATEST, due)
end

local function read_numbers()
  local numbers = {}
  for n = 1, number(0, MANY) do
    numbers[n] = { 'newer:' .. take(), number(-GREATEST, GREATEST) }
  end
  return numbers
end

local function read_entry()
  local entry = { id = take(), payload = take(), due = read_due() }
  entry.claims, entry.numbers, entry.commands = read_claims(), read_numbers(), read_commands()
  return entry
end

-- Returns the field of the first number that is not higher than the number in Redis, or nil.
local function older(numbers)
  for _, number in ipairs(numbers) do
    local last = call('HGET', meta, number[1])
    if last and stored_number(last) >= number[2] then return string.sub(number[1], 7) end
  end
end

-- Puts a job among the delayed jobs. Wakes a worker if no other job is due earlier.
local function delay(id, due)
  call('ZADD', delayed, due, id)
  if call('ZRANGE', delayed, 0, 0)[1] == id then wake() end
end

local function place(id, due)
  there = there + 1
  if due <= now then
    pushed[#pushed + 1] = id
    return 'queued'
  end
  delay(id, due)
  return 'delayed'
end

local function enqueue(entry)
  local id = entry.id
  if call('HEXISTS', jobs, id) == 1 then return 'exists' end
  if call('ZSCORE', ended, id) then return 'ended' end
  local holder, field = holder_of(entry.claims, id), older(entry.numbers)
  if holder then return 'exists ' .. holder end
  if field then return 'older ' .. field end
  if limit and there >= limit then return 'full ' .. there end
  call('HSET', jobs, id, entry.payload)
  write_claims(id, entry.claims)
  for _, number in ipairs(entry.numbers) do
    call('HSET', meta, number[1], string.format('%.0f', number[2]))
  end
  attach(entry.commands)
  return place(id, entry.due)
end

local entries = {}
for n = 1, number(0, MANY) do entries[n] = read_entry() end
done_reading()
for n, entry in ipairs(entries) do answers[n] = enqueue(entry) end
send('RPUSH', queued, pushed)
if #pushed > 0 then wake() end
apply_attached()
local noted = redis.pcall('SADD', KEYS[12], string.match(queued, '{(.*)}'))
return { answers, refusals, noted == 1 and 1 or 0 }
