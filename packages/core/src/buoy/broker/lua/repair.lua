-- Finds out what is wrong with jobs that seemed not to be in exactly one place, and with claims
-- whose job seemed to be gone; and mends it. In the same instant, so nobody is moving them.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; lease in ms; 'look' or 'mend'; how many ids, for each: id, and '1' if it was
--          seen waiting; how many claims, each claim
-- returns  what is wrong, for each id and then for each claim: '' for nothing; 'nowhere'; 'empty':
--          it lies somewhere without a payload; 'twice' and the place where it stays; 'run': one
--          without a lease; 'lease': one without a run; 'long': its lease is longer than any can be;
--          'claims': it has ended, and has some; 'crashes': it has ended, and has lost leases;
--          'claim': its job is gone
--
-- A long list of waiting jobs is gone through at most twice a call.

-- include queue
-- include free

local PAGE = 1000
local LONGEST = 10 ^ 9 -- ms; no setting makes a lease longer
local lease, act = number(1, GREATEST), take()
local ids, seen_waiting, held = {}, {}, {}
for n = 1, number(0, NAMED) do ids[n], seen_waiting[n] = take(), take() == '1' end
for n = 1, number(0, NAMED) do held[n] = '>' .. take() end
done_reading()
if act ~= 'look' and act ~= 'mend' then refuse('act', 'look or mend', act) end
read_all()

-- How often each of the ids waits.
local function count_waiting()
  local counts = {}
  for _, id in ipairs(ids) do counts[id] = 0 end
  for first = 0, call('LLEN', ready), PAGE do
    for _, id in ipairs(call('LRANGE', ready, first, first + PAGE - 1)) do
      if counts[id] then counts[id] = counts[id] + 1 end
    end
  end
  return counts
end

local waiting
local function look(n)
  local id = ids[n]
  local job = {
    id = id,
    stored = call('HEXISTS', jobs, id) == 1,
    lease = call('ZSCORE', leases, id),
    run = call('HGET', runs, id),
    delayed = call('ZSCORE', delayed, id),
    failed = call('ZSCORE', failed, id),
    claims = call('HEXISTS', claims, '<' .. id) == 1,
    waits = 0,
  }
  local places = (job.lease and 1 or 0) + (job.delayed and 1 or 0) + (job.failed and 1 or 0)
  local plain = places == (job.stored and 1 or 0) and not job.lease == not job.run
  if seen_waiting[n] or not plain then
    waiting = waiting or count_waiting()
    job.waits = waiting[id]
  end
  job.places = places + job.waits
  return job
end

local function place_to_stay(job)
  if job.lease and job.run then return 'running' end
  if job.waits > 0 then return 'waiting' end
  return job.delayed and 'delayed' or job.failed and 'failed'
end

local function diagnose(job)
  local stay = place_to_stay(job)
  if not job.stored then
    if job.places > 0 or job.run then return 'empty' end
    if job.claims then return 'claims' end
    return call('HEXISTS', crashes, job.id) == 1 and 'crashes' or ''
  end
  if job.places > 1 or (stay and stay ~= 'running' and job.run) then return 'twice ' .. stay end
  if job.run and not job.lease then return 'run' end
  if job.lease and not job.run then return 'lease' end
  if job.lease and tonumber(job.lease) > now + LONGEST then return 'long' end
  if job.places == 0 then return 'nowhere' end
  return stay == 'failed' and job.claims and 'claims' or ''
end

local function leave(id, stay)
  if stay ~= 'running' then
    call('ZREM', leases, id)
    call('HDEL', runs, id)
  end
  if stay ~= 'delayed' then call('ZREM', delayed, id) end
  if stay ~= 'failed' then call('ZREM', failed, id) end
end

-- How often an id may wait, of those that wait too often. The surplus is dropped all together: the
-- list goes round once.
local may_wait = {}
local function drop_surplus()
  local left = call('LLEN', ready)
  while left > 0 do
    local stay, page = {}, call('LPOP', ready, math.min(left, PAGE))
    left = left - #page
    for _, id in ipairs(page) do
      local times = may_wait[id] or 1
      if times > 0 then stay[#stay + 1] = id end
      if may_wait[id] then may_wait[id] = times - 1 end
    end
    each('RPUSH', ready, stay)
  end
end

local mends = {}

function mends.nowhere(job)
  call('LPUSH', ready, job.id)
  ring()
end

function mends.lease(job)
  leave(job.id)
  mends.nowhere(job)
end

function mends.run(job)
  call('ZADD', leases, now + lease, job.id)
end

mends.long = mends.run

function mends.twice(job)
  local stay = place_to_stay(job)
  leave(job.id, stay)
  may_wait[job.id] = stay == 'waiting' and 1 or 0
end

function mends.empty(job)
  leave(job.id)
  if job.waits > 0 then may_wait[job.id] = 0 end
  mends.crashes(job)
  mends.claims(job)
end

function mends.claims(job)
  free({ job.id })
end

function mends.crashes(job)
  call('HDEL', crashes, job.id)
end

local answers, owners, freed = {}, {}, {}
for n, claim in ipairs(held) do
  local owner = call('HGET', claims, claim)
  local gone = owner and call('HEXISTS', jobs, owner) == 0
  if gone then owners[#owners + 1], freed[#freed + 1] = owner, claim end
  answers[#ids + n] = gone and 'claim' or ''
end
if act == 'mend' then make_way() end
for n in ipairs(ids) do
  local job = look(n)
  answers[n] = diagnose(job)
  if act == 'mend' and answers[n] ~= '' then mends[string.match(answers[n], '%l+')](job) end
end
if next(may_wait) then drop_surplus() end
if act == 'mend' then
  free(owners)
  each('HDEL', claims, freed)
end
return answers
