-- Sets the pace of a key, in place of the one that jobs declare, or takes it away again. The jobs that
-- wait for their times get new ones by it, in their order, and what has begun counts as before.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; key; microseconds between two jobs, or '' for what they declare; how many may
--          begin together, or ''
-- returns  how many jobs have got other times
--
-- A call looks at MOST delayed jobs, those that are due first: those beyond keep their times.

-- include queue
-- include permits

local MOST = 20000

local key, word, together = take(), take(), take()
local micros = word ~= '' and number(1, GREATEST, word)
local burst = together ~= '' and number(1, GREATEST, together)
done_reading()
if string.find(key, '\n', 1, true) then refuse('key', 'one line', key) end
if not micros ~= not burst then refuse('burst', 'a number with a pace, and none without', together) end
read_all()

-- Returns the pace of a key in the needs of a job that waits for its time by it: milliseconds between two
-- jobs, how many may begin together; and how many paces the job has. Nil if it does not wait so.
local function timed_by(text)
  local interval, most, several = nil, nil, 0
  for micros, together, of_key in string.gmatch(text, '%f[^\n%z]p%+(%d+):(%d+) ([^\n]*)') do
    several = several + 1
    if of_key == key then interval, most = permits().pace_in(micros .. ':' .. together) end
  end
  return interval, most, several
end

-- Returns the jobs that wait for their times by this pace, the next one first.
local function find_waiting()
  local found, page_size = {}, CHUNK / 2
  for first = 0, math.min(call('ZCARD', delayed), MOST) - 1, page_size do
    local page, ids, fields = call('ZRANGE', delayed, first, first + page_size - 1, 'WITHSCORES'), {}, {}
    for n = 1, #page, 2 do ids[#ids + 1], fields[#fields + 1] = page[n], '?' .. page[n] end
    for n, text in ipairs(ask('HMGET', claims, fields)) do
      if text and string.find(text, key, 1, true) then
        local interval, most, several = timed_by(text)
        local job = { id = ids[n], due = tonumber(page[2 * n]), interval = interval, most = most }
        job.several = several > 1
        if interval then found[#found + 1] = job end
      end
    end
  end
  return found
end

-- Returns how many jobs count that have begun, in parts of a job: as many times as are given out, but
-- for those of the jobs that wait. No more than may begin together, before and now.
local function count_begun(first, interval, most)
  local given_until = stored_number(call('ZSCORE', paces, key))
  if first then given_until = math.min(given_until, first.due + interval * (most - 1)) end
  return math.min(math.max((given_until - now) / interval, 0), most)
end

local field, waiting, changed, scores = 'pace:' .. key, find_waiting(), 0, {}
local first = waiting[1]
local declared_interval, declared_most = permits().pace_in(call('HGET', paced, key))
if first then declared_interval, declared_most = first.interval, first.most end
local interval, most = permits().pace_in(call('HGET', meta, field))
if not interval then interval, most = declared_interval, declared_most end
local begun = interval and math.min(count_begun(first, interval, most), burst or declared_most or 0) or 0
allow_writes()
if micros then
  call('HSET', meta, field, string.format('%.0f:%.0f', micros, burst))
else
  call('HDEL', meta, field)
end

-- What give_time does in permits.lua, for many jobs. A time by another pace may be later.
local given_until = now + begun * (micros and micros / 1000 or declared_interval or 0)
for n, job in ipairs(waiting) do
  local between, together = job.interval, job.most
  if micros then between, together = micros / 1000, burst end
  local due = math.max(now, math.ceil(given_until - between * (together - 1)))
  if job.several then due = math.max(due, job.due) end
  given_until = given_until + between
  scores[2 * n - 1], scores[2 * n] = due, job.id
  if due ~= job.due then changed = changed + 1 end
end
call('ZREM', paces, key)
if given_until > now then call('ZADD', paces, given_until, key) end
send('ZADD', delayed, scores)
if first then wake() end
return changed
