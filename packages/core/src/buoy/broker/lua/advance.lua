-- One round trip of a worker: settles what has finished, heals the queue, takes the next jobs.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; number of lost leases from which on a job runs alone; worker;
--          number of this call; 1 if the call is repeated because its reply was lost, else 0; how
--          many jobs the worker wants; how many it has in flight; after how many ms queued jobs of low
--          priority wait like normal ones, or 0; then the settlements: their kinds (see settle.lua);
--          number of kinds of done jobs, for each its number, number of jobs, for each id and token;
--          number of done jobs with attachments, for each id, token, kind,
--          commands (see attached.lua), jobs that it has enqueued (see settle.lua); number of other
--          jobs, for each id, token, outcome
--          ('rejected', 'delayed', 'failed', 'released', 'crashed', 'moved'), kind, payload, wait in
--          ms (of a released job its due time, or 0), commands
-- returns  {now in ms, next due time in ms or -1, how many jobs are left in the queue, state ('',
--          'paused' or 'alone'), tokens whose settlement was refused, refusals of attached
--          commands, jobs as id, token, payload, number of lost leases (-1 if it has lost none, and a
--          run has begun that was released), and since when the job is
--          due ('' if since it was enqueued); and how many jobs are to be handed over to other
--          queues, if there are any}

-- include queue
-- include heal
-- include settle

local MOST_GIVEN = 4000 -- jobs in one call, even if more are wanted

local lease, alone = number(1, GREATEST), number(0, GREATEST)
local worker, call_number, repeated = take(), take(), take() == '1'
local wanted, in_flight = math.min(number(0, GREATEST), MOST_GIVEN), number(0, GREATEST)
local ageing = number(0, GREATEST)
read_kinds()
local done_ids, done_tokens, done_kinds, done_commands, done_children = read_done()
local others = read_others()
done_reading()

local running = call('ZCARD', leases)
call('LLEN', queued)
call('HLEN', jobs)
call('HLEN', tokens)
call('ZCARD', ended)
local caller = ':' .. worker .. ':' .. call_number
local fields = { 'seen', 'grace', 'paused', 'seq', 'done', 'failed', 'rejected' }
for n, class in ipairs(kind_classes) do fields[7 + n] = 'counts:' .. class end
local values = ask('HMGET', meta, fields)
local seen, grace, paused, seq, done, ended_failed, rejected = unpack(values, 1, 7)
for n, class in ipairs(kind_classes) do stored_counts[class] = values[7 + n] end
local refused, state, given = {}, '', {}

local function lost_leases(noted)
  if not noted then return 0 end
  local lost = stored_number(noted)
  return lost > 0 and lost or -1
end

local function give(id, token, payload, lost, since)
  local n = #given
  given[n + 1], given[n + 2], given[n + 3] = id, token, payload or ''
  given[n + 4], given[n + 5] = lost_leases(lost), since or ''
end

-- Returns since when these jobs are due, false for a job that is so since it was enqueued.
local function due_times(ids)
  return any_due_since and ask('ZMSCORE', due_since, ids) or {}
end

-- The reply to this call was lost, so the worker gets the jobs that it has already taken once more.
local function give_repeated()
  -- Returns the ids and tokens that the call of this number has taken.
  local function taken_before()
    local ids, found = {}, {}
    for first = 0, running, CHUNK do
      local some = call('ZRANGE', leases, first, first + CHUNK - 1)
      for n, token in ipairs(ask('HMGET', tokens, some)) do
        if token and string.sub(token, -#caller) == caller then
          ids[#ids + 1], found[#found + 1] = some[n], token
        end
      end
    end
    return ids, found
  end

  allow_writes()
  local ids, taken = taken_before()
  local payloads, lost = ask('HMGET', jobs, ids), ask('HMGET', crashes, ids)
  local deadlines, since = {}, due_times(ids)
  for n, id in ipairs(ids) do
    deadlines[2 * n - 1], deadlines[2 * n] = now + lease, id
    give(id, taken[n], payloads[n], lost[n], since[n])
  end
  send('ZADD', leases, deadlines)
end

-- Returns how many of the popped jobs the worker may take. A job that has lost leases runs alone.
local function takeable(ids, lost)
  for n = 1, #ids do
    if lost[n] and stored_number(lost[n]) >= alone then
      state = 'alone'
      return (n == 1 and in_flight == 0) and 1 or n - 1
    end
  end
  return #ids
end

local function lease_out(ids, payloads, lost)
  local deadlines, id_tokens, gone, since = {}, {}, {}, due_times(ids)
  for n, id in ipairs(ids) do
    if payloads[n] then
      seq = seq + 1
      local token = string.format('%.0f@%.0f', seq, now) .. caller
      id_tokens[#id_tokens + 1], id_tokens[#id_tokens + 2] = id, token
      deadlines[#deadlines + 1], deadlines[#deadlines + 2] = now + lease, id
      give(id, token, payloads[n], lost[n], since[n])
    else
      gone[#gone + 1] = id
    end
  end
  if claims_or_crashes then free(ids, nil, true) end
  if claims_or_crashes and #gone > 0 then
    free(gone, 'lost')
    send('HDEL', crashes, gone)
  end
  forget_due(gone)
  send('HSET', tokens, id_tokens)
  send('ZADD', leases, deadlines)
end

local function put_back_from(ids, first)
  local back = {}
  for n = #ids, first, -1 do
    back[#back + 1], ids[n] = ids[n], nil
  end
  send('LPUSH', queued, back)
end

local function reserve_normal(many)
  local ids = call('LPOP', queued, many)
  if not ids or #ids == 0 then return 0 end
  local lost = claims_or_crashes and ask('HMGET', crashes, ids) or {}
  local most = claims_or_crashes and takeable(ids, lost) or #ids
  if most < #ids then put_back_from(ids, most + 1) end
  if most > 0 then lease_out(ids, ask('HMGET', jobs, ids), lost) end
  return most
end

-- Takes jobs whose score in `ranked` is in this range.
local function reserve_ranked(low, high, many)
  local ids = call('ZRANGEBYSCORE', ranked, low, high, 'LIMIT', 0, many)
  local lost = ask('HMGET', crashes, ids)
  local most = takeable(ids, lost)
  for n = #ids, most + 1, -1 do ids[n] = nil end
  send('ZREM', ranked, ids)
  if most > 0 then lease_out(ids, ask('HMGET', jobs, ids), lost) end
  return most
end

-- Takes the jobs that are next, as many as are wanted.
local function reserve()
  local function enough(taken)
    wanted, in_flight = wanted - taken, in_flight + taken
    return wanted == 0 or state ~= ''
  end

  if not any_ranked then return enough(reserve_normal(wanted)) end
  return enough(reserve_ranked('-inf', '(0', wanted)) or enough(reserve_normal(wanted))
    or enough(reserve_ranked(0, '+inf', wanted))
end

local function write_counts()
  local words = { 'seq', seq, 'done', stored_number(done) + settled.done }
  if settled.failed + settled.rejected > 0 then
    words[5], words[6] = 'failed', stored_number(ended_failed) + settled.failed
    words[7], words[8] = 'rejected', stored_number(rejected) + settled.rejected
  end
  if next(counted) then
    for _, word in ipairs(counted_words()) do words[#words + 1] = word end
  end
  send('HSET', meta, words)
end

seq = stored_number(seq)
local before = seq
settle_done(done_ids, done_tokens, done_kinds, done_commands, done_children, refused)
if #others > 0 then settle_others(others, refused) end
count_kinds()
heal(lease, seen, grace)
local due = promote()
age(ageing)

if repeated then give_repeated() end
if #given == 0 and wanted > 0 then
  if paused then state = 'paused' end
  repeat -- jobs that start may let blocked ones into the queue: the worker takes these, too
    admitted = false
    if not paused then reserve() end
  until not admitted or wanted == 0 or state ~= ''
end

if seq > before or settled.done + settled.failed + settled.rejected > 0 or next(counted) then
  write_counts()
end
-- A worker that takes as many jobs as it can wakes another one for the jobs that it leaves.
local left = 0
if not paused and (wanted == 0 or state == 'alone') then
  left = call('LLEN', queued) + (any_ranked and call('ZCARD', ranked) or 0)
  if left > 0 or due >= 0 then wake() end
end
apply_attached()
handovers_due = handovers_due + told
local to_hand_over = handovers_due > 0 and handovers_due or nil
return { now, due, left, state, refused, refusals, given, to_hand_over }
