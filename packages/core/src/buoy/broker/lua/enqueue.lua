-- Stores jobs and puts them into their queue, or among the delayed jobs. A known id is not stored
-- twice.
--
-- KEYS     see queue.lua; the one after those is the set that gets the name of the queue
-- ARGV     clock shift; max_length or ''; number of jobs; for each: id, payload, class ('' for a job
--          that comes from another queue: it is not counted, and keeps its due time, as one that is
--          handed over does), due time ('' for now, '+MS' after now, 'MS' since the epoch), claims,
--          numbers (how many, then field and number), commands; then, if another queue hands these
--          jobs over: 'handed over', and the name of each hand-over
-- returns  {answers, refusals of attached commands, 1 if the set did not have the name of the
--          queue, else 0}; an answer is 'queued', 'delayed', 'blocked', 'exists' (followed by
--          the id of the holder if another job holds the claim), 'throttled ID' (that job was
--          enqueued too short a time ago), 'replaced ID' (that job waits, and has got this
--          payload), 'running' (it was to replace the job of its id, which runs), 'ended' (a job
--          with this id ended moments ago), 'older FIELD', 'full LENGTH', or 'received' (this
--          hand-over came before)
--
-- push.lua does the common case. A full Redis refuses the first write, and so the whole script.

-- include queue
-- include claims
-- include attached
-- include enqueued
-- include replace
-- include throttle

local RECEIPT_MS, RECEIPTS_MOST = 7 * 24 * 3600 * 1000, 1000000

local word = take()
local limit = word ~= '' and number(0, GREATEST, word)
local there = call('LLEN', queued) + call('ZCARD', delayed)
if any_blocked then there = there + call('ZCARD', blocked) end
if any_ranked then there = there + call('ZCARD', ranked) end
local answers, pushed, accepted, any_needs, any_queued = {}, {}, {}, false, false
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
  local entry = { id = take(), payload = take(), class = take(), due = read_due() }
  entry.claims, entry.numbers, entry.commands = read_claims(), read_numbers(), read_commands()
  entry.replaces_id, entry.commands = take_replaces_id(entry.commands)
  prepare_to_replace(entry)
  any_needs = any_needs or any_need(entry.claims.needs) or #entry.claims.throttles > 0
  return entry
end

-- Returns the field of the first number that is not higher than the number in Redis, or nil.
local function older(numbers)
  for _, number in ipairs(numbers) do
    local last = call('HGET', meta, number[1])
    if last and stored_number(last) >= number[2] then return string.sub(number[1], 7) end
  end
end

-- Queues a job if it gets what it needs. Returns what has become of it.
local function queue_now(id, needs)
  local ranked_now = false
  if any_need(needs) then
    local entered, instead = permits().enter(id, needs)
    if not entered then return instead end
    ranked_now = permits().rank(id, needs)
  end
  any_queued = true
  if not ranked_now then pushed[#pushed + 1] = id end
  return 'queued'
end

-- Takes a job out of its line. It may have been put there by this call.
local function leave_line(id)
  if call('ZREM', ranked, id) + call('LREM', queued, 1, id) > 0 then return end
  for n, each in ipairs(pushed) do
    if each == id then table.remove(pushed, n) break end
  end
end

-- Puts a job that was replaced into its place: see exchange_needs.
local function put_into(place, id, needs)
  if place == 'enters' then queue_now(id, needs) end
  if place == 'leaves' or place == 'moves' then leave_line(id) end
  if place == 'leaves' then forget_due({ id }) end
  if place == 'is let in' then
    any_queued = true
    note_due({ now, id })
  end
  if place == 'is let in' or place == 'moves' then
    if not permits().rank(id, needs) then pushed[#pushed + 1] = id end
  end
end

local function place(id, class, due, needs, handed_over)
  there, accepted[class] = there + 1, (accepted[class] or 0) + 1
  if due > now then
    delay(id, due)
    if any_need(needs) then permits().note_needs(id, needs) end
    return 'delayed'
  end
  local answer = queue_now(id, needs)
  local since = due > 0 and (class == '' or handed_over)
  if answer == 'queued' and since then note_due({ due, id }) end
  return answer
end

local function note_numbers(numbers)
  for _, number in ipairs(numbers) do
    call('HSET', meta, number[1], string.format('%.0f', number[2]))
  end
end

-- Returns the answer for a job if another one holds its claim and keeps it out, or nil. `field`: of a
-- number of the job that is not newer, or nil.
local function kept_out(entry, field)
  local holder, claim = holder_of(entry.claims, entry.id)
  if not holder then return end
  if not claim or not entry.head then return 'exists ' .. holder end
  if waits(holder) then
    if field then return 'older ' .. field end
    note_numbers(entry.numbers)
    put_into(replace(holder, claim, entry), holder, entry.claims.needs)
    return 'replaced ' .. holder
  end
  if claim[2] == 'finished' then return 'exists ' .. holder end
end

-- Returns the answer for a job that replaces the one of its id, which exists.
local function replaced(entry)
  local id = entry.id
  if call('HEXISTS', tokens, id) == 1 then return 'running' end
  if call('ZSCORE', failed, id) then return 'exists' end
  local holder, field = holder_of(entry.claims, id), older(entry.numbers)
  if holder then return 'exists ' .. holder end
  if field then return 'older ' .. field end
  note_numbers(entry.numbers)
  attach(entry.commands)
  put_into(replace_same(entry), id, entry.claims.needs)
  return 'replaced ' .. id
end

local function enqueue(entry)
  local id = entry.id
  if entry.handover and call('ZSCORE', receipts, entry.handover) then return 'received' end
  if call('HEXISTS', jobs, id) == 1 then return entry.replaces_id and replaced(entry) or 'exists' end
  local removed = call('ZSCORE', ended, id)
  if is_over(removed) then return 'ended' end
  local earlier, field = throttled_by(entry), older(entry.numbers)
  if earlier then return 'throttled ' .. earlier end
  local instead = kept_out(entry, field)
  if instead then return instead end
  if field then return 'older ' .. field end
  if limit and there >= limit then return 'full ' .. there end
  call('HSET', jobs, id, entry.payload)
  if removed then call('ZREM', ended, id) end
  write_claims(id, entry.claims)
  note_numbers(entry.numbers)
  note_throttles(entry)
  attach(entry.commands)
  return place(id, entry.class, first_due(entry), entry.claims.needs, entry.handover)
end

-- Whatever the answer is, the hand-over is over; only a full queue gets it again.
local function note_received(entries, answers)
  local scores = {}
  for n, entry in ipairs(entries) do
    if not string.find(answers[n], '^full') then
      scores[#scores + 1], scores[#scores + 2] = now, entry.handover
    end
  end
  if #scores == 0 then return end
  send('ZADD', receipts, scores)
  call('ZREMRANGEBYSCORE', receipts, '-inf', now - RECEIPT_MS)
  call('ZREMRANGEBYRANK', receipts, 0, -RECEIPTS_MOST - 1)
  call('PEXPIRE', receipts, RECEIPT_MS)
end

local entries = {}
for n = 1, number(0, MANY) do entries[n] = read_entry() end
local handed_over = cursor < #ARGV
if handed_over then
  local word = take()
  if word ~= 'handed over' then refuse('word', 'handed over', word) end
  for _, entry in ipairs(entries) do entry.handover = take() end
  call('ZCARD', receipts)
end
done_reading()
if any_needs then read_lines() end
for n, entry in ipairs(entries) do answers[n] = enqueue(entry) end
if handed_over then note_received(entries, answers) end
send('RPUSH', queued, pushed)
if any_queued or admitted then wake() end
apply_attached()
for class, number in pairs(accepted) do
  if class ~= '' then count_enqueued(class, number) end
end
local noted = redis.pcall('SADD', KEYS[OWN + 1], string.match(queued, '{(.*)}'))
return { answers, refusals, noted == 1 and 1 or 0 }
