-- A worker's round trip: settles what it has finished, heals the queue, takes the next jobs.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; lost leases from which on a job runs alone; worker; number of
--          this call; 1 if it is asked again because its reply was lost; how many jobs are wanted;
--          how many the worker keeps in hand; then what it settles: how many done, for each id and
--          token; how many done with something attached, for each id, token, commands (see
--          queue.lua); how many others, for each id, token, act ('rejected', 'later', 'failed',
--          'release', 'crashed', 'moved'), payload, wait in ms, commands
-- returns  {now, next due or -1, whether jobs are left waiting, state ('', 'paused' or 'alone'),
--          tokens whose settling was refused, refusals of attached commands, jobs as id, token,
--          payload, lost leases}

-- include queue
-- include heal
-- include settle

local MOST_GIVEN = 4000 -- jobs at a time, however many are wanted

local lease, alone = number(1, GREATEST), number(0, GREATEST)
local worker, call_number, again = take(), take(), take() == '1'
local wanted, hands = math.min(number(0, GREATEST), MOST_GIVEN), number(0, GREATEST)
local done_ids, done_tokens, done_commands = read_done()
local others = read_others()
done_reading()

local held = call('ZCARD', leases)
call('LLEN', ready)
call('HLEN', jobs)
call('HLEN', runs)
call('ZCARD', recent)
local caller = ':' .. worker .. ':' .. call_number
local seen, grace, paused, seq, done, ended_failed, rejected = unpack(
  call('HMGET', meta, 'seen', 'grace', 'paused', 'seq', 'done', 'failed', 'rejected')
)
local refused, state, given = {}, '', {}

local function give(id, token, payload, lost)
  local n = #given
  given[n + 1], given[n + 2], given[n + 3] = id, token, payload or ''
  given[n + 4] = lost and kept(lost) or 0
end

-- The reply to this call was lost: the same jobs are handed over again.
local function give_again()
  -- The ids and tokens that the call of this number has taken.
  local function taken_before()
    local ids, tokens = {}, {}
    for first = 0, held, CHUNK do
      local some = call('ZRANGE', leases, first, first + CHUNK - 1)
      for n, token in ipairs(ask('HMGET', runs, some)) do
        if token and string.sub(token, -#caller) == caller then
          ids[#ids + 1], tokens[#tokens + 1] = some[n], token
        end
      end
    end
    return ids, tokens
  end

  make_way()
  local ids, tokens = taken_before()
  local payloads, lost = ask('HMGET', jobs, ids), ask('HMGET', crashes, ids)
  local deadlines = {}
  for n, id in ipairs(ids) do
    deadlines[2 * n - 1], deadlines[2 * n] = now + lease, id
    give(id, tokens[n], payloads[n], lost[n])
  end
  each('ZADD', leases, deadlines)
end

-- How many of the popped jobs may be taken: a job that lost leases before runs with nothing else.
local function takeable(ids, lost)
  for n = 1, #ids do
    if lost[n] and kept(lost[n]) >= alone then
      state = 'alone'
      return (n == 1 and hands == 0) and 1 or n - 1
    end
  end
  return #ids
end

local function lease_out(ids, payloads, lost)
  local deadlines, tokens, gone = {}, {}, {}
  for n, id in ipairs(ids) do
    if payloads[n] then
      seq = seq + 1
      local token = string.format('%.0f', seq) .. caller
      tokens[#tokens + 1], tokens[#tokens + 2] = id, token
      deadlines[#deadlines + 1], deadlines[#deadlines + 2] = now + lease, id
      give(id, token, payloads[n], lost[n])
    else
      gone[#gone + 1] = id
    end
  end
  if marked then free(ids, true) end
  if marked and #gone > 0 then
    free(gone)
    each('HDEL', crashes, gone)
  end
  each('HSET', runs, tokens)
  each('ZADD', leases, deadlines)
end

local function put_back_from(ids, first)
  local back = {}
  for n = #ids, first, -1 do
    back[#back + 1], ids[n] = ids[n], nil
  end
  each('LPUSH', ready, back)
end

local function reserve()
  local ids = call('LPOP', ready, wanted)
  if not ids or #ids == 0 then return 0 end
  local lost = marked and ask('HMGET', crashes, ids) or {}
  local most = marked and takeable(ids, lost) or #ids
  if most < #ids then put_back_from(ids, most + 1) end
  if most > 0 then lease_out(ids, ask('HMGET', jobs, ids), lost) end
  return most
end

local function write_counts()
  local words = { 'seq', seq, 'done', kept(done) + settled.done }
  if settled.failed + settled.rejected > 0 then
    words[5], words[6] = 'failed', kept(ended_failed) + settled.failed
    words[7], words[8] = 'rejected', kept(rejected) + settled.rejected
  end
  call('HSET', meta, unpack(words))
end

seq = kept(seq)
local before = seq
settle_done(done_ids, done_tokens, done_commands, refused)
settle_others(others, refused)
heal(lease, seen, grace)
local due = promote()

if again then give_again() end
if #given == 0 and wanted > 0 then
  if paused then state = 'paused' else wanted = wanted - reserve() end
end

if seq > before or settled.done + settled.failed + settled.rejected > 0 then write_counts() end
-- Who takes all that it can must wake another for what it leaves behind.
local left = 0
if not paused and (wanted == 0 or state == 'alone') then
  left = call('LLEN', ready)
  if left > 0 or due >= 0 then ring() end
end
apply()
return { now, due, left, state, refused, refusals, given }
