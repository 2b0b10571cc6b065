-- Sets the pace of a key, in place of the one that jobs declare, or takes it away again. The jobs that
-- wait for their times get new ones by it, in their order, and what has begun counts as before.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; key; microseconds between two jobs, or '' for what they declare; how many may
--          begin together, or ''
-- returns  how many jobs have got other times
--
-- A call looks at MANY delayed jobs at most: those beyond keep their times.

-- include queue
-- include permits

local key, word, together = take(), take(), take()
local micros, burst = word ~= '' and number(1, GREATEST, word), together ~= '' and number(1, GREATEST, together)
done_reading()
if string.find(key, '\n', 1, true) then refuse('key', 'one line', key) end
if not micros ~= not burst then refuse('burst', 'a number with a pace, and none without', together) end
read_all()

-- Returns what a job needs of this pace, if it waits for its time by it.
local function timed_need(needs)
  for _, need in ipairs(needs) do
    if need.burst and need.held and need.key == key then return need end
  end
end

-- Returns the jobs that wait for their times by this pace, the next one first.
local function find_waiting()
  local found = {}
  for first = 0, math.min(call('ZCARD', delayed), MANY) - 1, CHUNK / 2 do
    local page, ids, fields = call('ZRANGE', delayed, first, first + CHUNK / 2 - 1, 'WITHSCORES'), {}, {}
    for n = 1, #page, 2 do ids[#ids + 1], fields[#fields + 1] = page[n], '?' .. page[n] end
    for n, text in ipairs(ask('HMGET', claims, fields)) do
      if text and string.find(text, key, 1, true) then
        local needs = permits().read_needs(text)
        local need = timed_need(needs)
        if need then
          found[#found + 1] = { id = ids[n], due = tonumber(page[2 * n]), needs = needs, need = need }
        end
      end
    end
  end
  return found
end

-- Returns how many jobs count that have begun, in parts of a job: as many times as are given out, but
-- for those of the jobs that wait.
local function count_begun(first, interval, most)
  local given_until = stored_number(call('ZSCORE', paces, key))
  if first then given_until = math.min(given_until, first.due + interval * (most - 1)) end
  return math.min(math.max((given_until - now) / interval, 0), most)
end

-- Gives a job a time by the pace that counts now. A time by another pace may be later.
local function give_anew(job)
  local several = 0
  for _, need in ipairs(job.needs) do several = several + (need.burst and 1 or 0) end
  job.need.held = false
  local due = permits().give_time(job.needs)
  if several > 1 then due = math.max(due, job.due) end
  call('ZADD', delayed, due, job.id)
  return due ~= job.due
end

local field, waiting, changed = 'pace:' .. key, find_waiting(), 0
local declared = waiting[1] and string.format('%.0f:%.0f', waiting[1].need.most, waiting[1].need.burst)
  or call('HGET', paced, key)
local interval, most = permits().pace_in(call('HGET', meta, field) or declared)
local begun = interval and count_begun(waiting[1], interval, most) or 0
allow_writes()
if micros then
  call('HSET', meta, field, string.format('%.0f:%.0f', micros, burst))
else
  call('HDEL', meta, field)
end
call('ZREM', paces, key)
local counts = permits().pace_in(call('HGET', meta, field) or declared)
if counts and begun > 0 then call('ZADD', paces, now + begun * counts, key) end
for _, job in ipairs(waiting) do
  if give_anew(job) then changed = changed + 1 end
end
if #waiting > 0 then wake() end
return changed
