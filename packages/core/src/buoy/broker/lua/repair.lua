-- Checks jobs that seem not to be in exactly one place, claims whose job seems to be gone, and
-- permits; and mends them. Check and change are one script, so no job moves in between.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; 'look' or 'mend'; number of ids, for each: id, and '1' if it
--          was seen in the queue, else '0'; number of claims, each claim; number of
--          keys of permits, for each: key, and '1' if its permits are to be counted, else '0'
-- returns  for each id, then for each claim, then for each key what is wrong: '' for nothing;
--          'nowhere': the job is in no place; 'empty': the id is in a place but has no payload;
--          'twice STATE': the job is in several places and stays in this one; 'token': a token
--          without a lease; 'lease': a lease without a token; 'long': a lease that is longer than
--          any can be; 'claims': the job has ended and has claims; 'crashes': the job has ended and
--          has lost leases; 'claim': the job of this claim is gone; 'line': the job is blocked, and
--          in no line; 'holds': the job waits and holds permits; 'rank': its priority is not noted;
--          'count': a wrong number of permits is taken; 'idle': a job is blocked though there are
--          permits
--
-- A call goes through the list of queued jobs at most twice.

-- include queue
-- include free
-- include repair_permits

local PAGE = 1000
local LONGEST = 10 ^ 9 -- ms; no setting allows a longer lease
local lease, mode = number(1, GREATEST), take()
local ids, seen_queued, claim_keys = {}, {}, {}
for n = 1, number(0, NAMED) do ids[n], seen_queued[n] = take(), take() == '1' end
for n = 1, number(0, NAMED) do claim_keys[n] = '>' .. take() end
local permit_keys = read_keys()
done_reading()
if mode ~= 'look' and mode ~= 'mend' then refuse('mode', 'look or mend', mode) end
read_all()

-- Returns how often each of the ids is in the queue.
local function count_queued()
  local counts = {}
  for _, id in ipairs(ids) do counts[id] = 0 end
  for first = 0, call('LLEN', queued), PAGE do
    for _, id in ipairs(call('LRANGE', queued, first, first + PAGE - 1)) do
      if counts[id] then counts[id] = counts[id] + 1 end
    end
  end
  return counts
end

local queued_counts
local function look(n)
  local id = ids[n]
  local job = {
    id = id,
    stored = call('HEXISTS', jobs, id) == 1,
    lease = call('ZSCORE', leases, id),
    token = call('HGET', tokens, id),
    delayed = call('ZSCORE', delayed, id),
    failed = call('ZSCORE', failed, id),
    blocked = call('ZSCORE', blocked, id),
    ranked = call('ZSCORE', ranked, id),
    claims = call('HEXISTS', claims, '<' .. id) + call('HEXISTS', claims, '?' .. id) > 0,
  }
  job.times_queued = job.ranked and 1 or 0
  local places = (job.lease and 1 or 0) + (job.delayed and 1 or 0) + (job.failed and 1 or 0)
    + (job.blocked and 1 or 0)
  local plain = places + job.times_queued == (job.stored and 1 or 0) and not job.lease == not job.token
  if seen_queued[n] or not plain then
    queued_counts = queued_counts or count_queued()
    job.times_queued = job.times_queued + queued_counts[id]
  end
  job.places = places + job.times_queued
  return job
end

local function place_to_stay(job)
  if job.lease and job.token then return 'running' end
  if job.times_queued > 0 then return 'queued' end
  return job.blocked and 'blocked' or job.delayed and 'delayed' or job.failed and 'failed'
end

-- Whether a holder has taken the job out of turn: it holds a delayed job until this is due (take.lua).
local function is_taken(job)
  return string.sub(job.token, -2) == ':0'
end

local function diagnose(job)
  local stay = place_to_stay(job)
  if not job.stored then
    if job.places > 0 or job.token then return 'empty' end
    if job.claims then return 'claims' end
    return call('HEXISTS', crashes, job.id) == 1 and 'crashes' or ''
  end
  if job.places > 1 or (stay and stay ~= 'running' and job.token) then return 'twice ' .. stay end
  if job.token and not job.lease then return 'token' end
  if job.lease and not job.token then return 'lease' end
  if job.lease and not is_taken(job) and tonumber(job.lease) > now + LONGEST then return 'long' end
  if job.places == 0 then return 'nowhere' end
  if stay == 'failed' then return job.claims and 'claims' or '' end
  if job.ranked and call('HEXISTS', claims, '?' .. job.id) == 0 then return 'rank' end
  return wrong_permits(job.id, stay)
end

local function leave(id, stay)
  if stay ~= 'running' and stay ~= 'queued' then forget_due({ id }) end
  if stay ~= 'queued' then call('ZREM', ranked, id) end
  if stay ~= 'running' then
    call('ZREM', leases, id)
    call('HDEL', tokens, id)
  end
  if stay ~= 'delayed' then call('ZREM', delayed, id) end
  if stay ~= 'blocked' and call('ZREM', blocked, id) == 1 then
    local needs = permits().read_needs(call('HGET', claims, '?' .. id))
    permits().step_out_of_line(id, needs)
    permits().note_needs(id, needs)
  end
  if stay ~= 'failed' then call('ZREM', failed, id) end
end

-- For ids that are in the queue too often: how often each may stay. drop_surplus removes the others
-- of all these ids in one pass through the list.
local may_stay = {}
local function drop_surplus()
  local left = call('LLEN', queued)
  while left > 0 do
    local stay, page = {}, call('LPOP', queued, math.min(left, PAGE))
    left = left - #page
    for _, id in ipairs(page) do
      local times = may_stay[id] or 1
      if times > 0 then stay[#stay + 1] = id end
      if may_stay[id] then may_stay[id] = times - 1 end
    end
    send('RPUSH', queued, stay)
  end
end

local mends = {}

function mends.nowhere(job)
  if requeue(job.id) then
    note_due({ now, job.id })
    wake()
  end
end

function mends.lease(job)
  leave(job.id)
  mends.nowhere(job)
end

mends.rank = mends.lease

function mends.token(job)
  call('ZADD', leases, now + lease, job.id)
end

mends.long = mends.token

function mends.twice(job)
  local stay = place_to_stay(job)
  leave(job.id, stay)
  may_stay[job.id] = stay == 'queued' and not job.ranked and 1 or 0
end

function mends.empty(job)
  leave(job.id)
  if job.times_queued > 0 then may_stay[job.id] = 0 end
  mends.crashes(job)
  mends.claims(job)
end

-- What is freed lets blocked jobs into the queue: so first all jobs are looked at.
local to_free, to_take_back = { failed = {}, lost = {} }, {}

function mends.claims(job)
  local ids_to_free = to_free[job.stored and 'failed' or 'lost']
  ids_to_free[#ids_to_free + 1] = job.id
end

local function take_back(id)
  permits().take_back({ id }, { call('HGET', claims, '?' .. id) }, 'waits')
end

function mends.holds(job)
  to_take_back[#to_take_back + 1] = job.id
end

function mends.line(job)
  leave(job.id)
  take_back(job.id)
  mends.nowhere(job)
end

function mends.crashes(job)
  call('HDEL', crashes, job.id)
end

local answers, owners, freed = {}, {}, {}
for n, claim in ipairs(claim_keys) do
  local owner = call('HGET', claims, claim)
  local gone = owner and call('HEXISTS', jobs, owner) == 0
  if gone then owners[#owners + 1], freed[#freed + 1] = owner, claim end
  answers[#ids + n] = gone and 'claim' or ''
end
if mode == 'mend' then allow_writes() end
for n in ipairs(ids) do
  local job = look(n)
  answers[n] = diagnose(job)
  if mode == 'mend' and answers[n] ~= '' then mends[string.match(answers[n], '%l+')](job) end
end
if next(may_stay) then drop_surplus() end
if mode == 'mend' then
  for outcome, ids_to_free in pairs(to_free) do free(ids_to_free, outcome) end
  for _, id in ipairs(to_take_back) do take_back(id) end
  free(owners, 'lost')
  send('HDEL', claims, freed)
end
for n, answer in ipairs(check_keys(permit_keys, mode == 'mend')) do
  answers[#ids + #claim_keys + n] = answer
end
if admitted then wake() end
return answers
