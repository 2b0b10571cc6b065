-- A worker's round trip: settles what it has finished, heals the queue, takes the next jobs.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; lost leases from which on a job runs alone; worker; number of
--          this call; 1 if it is asked again because its reply was lost; how many jobs are wanted;
--          how many the worker keeps in hand; then what it settles: how many done, for each id and
--          token; how many done with something attached, for each id, token, commands (see
--          queue.lua); how many others, for each id, token, act ('rejected', 'later', 'failed',
--          'release', 'crashed', 'moved'), payload, wait in ms, commands
-- returns  {now, next due or -1, whether jobs are left waiting, state ('', 'paused' or 'alone'), ids whose settling was refused,
--          refusals of attached commands, jobs as id, token, payload, lost leases}

-- include queue
-- include heal
-- include settle

local lease, alone = count(), count()
local worker, number, again, wanted, hands = take(), take(), take(), count(), count()
local caller = ':' .. worker .. ':' .. number
local seen, grace, since, paused, seq, done =
  unpack(call('HMGET', meta, 'seen', 'grace', 'since', 'paused', 'seq', 'done'))
local marked = call('EXISTS', crashes, claims) > 0
local refused, state, given = {}, '', {}

local function give(id, token, payload, lost)
  local n = #given
  given[n + 1], given[n + 2], given[n + 3], given[n + 4] = id, token, payload, lost
end

-- The reply to this call was lost: the same jobs are handed over again.
local function give_again()
  make_way()
  for _, id in ipairs(call('ZRANGE', leases, 0, -1)) do
    local token = call('HGET', runs, id)
    if token and string.sub(token, -#caller) == caller then
      call('ZADD', leases, now + lease, id)
      give(id, token, call('HGET', jobs, id), tonumber(call('HGET', crashes, id)) or 0)
    end
  end
end

-- How many of the popped jobs may be taken: a job that lost leases before runs with nothing else.
local function takeable(ids, lost)
  for n = 1, #ids do
    if (tonumber(lost[n]) or 0) >= alone then
      state = 'alone'
      return (n == 1 and hands == 0) and 1 or n - 1
    end
  end
  return #ids
end

local function lease_out(ids, payloads, lost)
  local held, deadlines, gone = {}, {}, {}
  for n, id in ipairs(ids) do
    if payloads[n] then
      seq = seq + 1
      local token = string.format('%d', seq) .. caller
      held[#held + 1], held[#held + 2] = id, token
      deadlines[#deadlines + 1], deadlines[#deadlines + 2] = now + lease, id
      give(id, token, payloads[n], tonumber(lost[n]) or 0)
    else
      gone[#gone + 1] = id
    end
  end
  if marked then free(ids, true) end
  if marked and #gone > 0 then
    free(gone)
    call('HDEL', crashes, unpack(gone))
  end
  if #held == 0 then return end
  call('HSET', runs, unpack(held))
  call('ZADD', leases, unpack(deadlines))
end

local function reserve()
  local ids = call('LPOP', ready, wanted)
  if not ids or #ids == 0 then return 0 end
  local lost = marked and call('HMGET', crashes, unpack(ids)) or {}
  local most = takeable(ids, lost)
  for n = #ids, most + 1, -1 do
    call('LPUSH', ready, ids[n])
    ids[n] = nil
  end
  if most > 0 then lease_out(ids, call('HMGET', jobs, unpack(ids)), lost) end
  return most
end

seq, done = tonumber(seq) or 0, tonumber(done) or 0
local before = seq
settle_done(marked, refused)
settle_others(refused)
heal(lease, seen, grace, since)
local due = promote()
marked = marked or call('EXISTS', crashes, claims) > 0

if again == '1' then give_again() end
if #given == 0 and wanted > 0 then
  if paused then state = 'paused' else wanted = wanted - reserve() end
end

if seq > before or done_now > 0 then call('HSET', meta, 'seq', seq, 'done', done + done_now) end
if ended_failed > 0 then call('HINCRBY', meta, 'failed', ended_failed) end
if ended_rejected > 0 then call('HINCRBY', meta, 'rejected', ended_rejected) end
-- Who takes all that it can must wake another for what it leaves behind.
local left = 0
if not paused and (wanted == 0 or state == 'alone') then
  left = call('LLEN', ready)
  if left > 0 or due >= 0 then ring() end
end
return { now, due, left, state, refused, refusals, given }
