-- Included by every script over one queue: names its keys, reads the clock, and holds the changes
-- that several scripts share.
--
-- KEYS  1-23 the keys of the queue in the order of keys.py; then the keys that plugins attached
-- ARGV  1    milliseconds that are added to the clock of the server (0 outside tests); the script
--            takes the other words one by one

-- include base

local OWN = 23
local queued, jobs, leases, tokens, delayed, failed, claims, crashes, ended, meta, wakeup, due_since,
  minutes, hours, days, handovers, receipts, blocked, lines, paces, ranked,
  throttles, paced = unpack(KEYS, 1, OWN)
local NAMED = 1000 -- how many jobs one call may name if it searches a long list for them
local ENDED_SECONDS, ENDED_MOST = 120, 100000

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + number(-GREATEST, GREATEST)

local wakeups = call('LLEN', wakeup)
-- Most queues have none of these, and then no script needs a command for them.
local claims_or_crashes, any_due_since, any_blocked, any_ranked = false, false, false, false
if call('EXISTS', crashes, claims, due_since) > 0 then
  claims_or_crashes = call('HLEN', crashes) + call('HLEN', claims) > 0
  any_due_since = call('ZCARD', due_since) > 0
end

local function read_lines()
  any_blocked = call('ZCARD', blocked) + call('ZCARD', lines) > 0
  call('ZCARD', paces)
  call('ZCARD', throttles)
  call('HLEN', paced)
  any_ranked = call('ZCARD', ranked) > 0
  call('ZCARD', handovers)
end

-- Who is blocked or has a priority is noted among the claims, too, and who is told of an end.
if claims_or_crashes and call('EXISTS', blocked, lines, paces, ranked, handovers, throttles, paced) > 0 then
  read_lines()
end

-- Reads all other keys. Scripts that run for every job read only the keys that they write to.
local function read_all()
  call('LLEN', queued)
  for _, hash in ipairs({ jobs, tokens, meta }) do call('HLEN', hash) end
  for _, zset in ipairs({ leases, delayed, failed, ended }) do call('ZCARD', zset) end
  read_lines()
end

-- Returns the number in a text from Redis, or 0 if it is no number.
local function stored_number(text)
  local number = tonumber(text) or 0
  return math.abs(number) <= GREATEST and number or 0
end

-- A full Redis refuses a script's growing writes, unless the script has called a removing command
-- before, even one that removed nothing. Every script except enqueueing must succeed on a full
-- Redis, so it first removes something, or calls this.
local function allow_writes()
  call('HDEL', meta, '-')
end

-- Wakes one idle worker. One element in the list is enough: a worker that takes it, and leaves jobs
-- in the queue, wakes the next worker.
local function wake()
  if wakeups > 0 then return end
  allow_writes()
  wakeups = call('RPUSH', wakeup, 1)
end

-- Notes since when queued jobs are due that were not due when they were enqueued. The note stays
-- until the job has ended, is delayed or has failed: if its worker gives it back unbegun, it is due
-- since then.
local function note_due(scores_and_ids)
  send('ZADD', due_since, scores_and_ids)
  any_due_since = true
end

local function forget_due(ids)
  if any_due_since then send('ZREM', due_since, ids) end
end

-- Notes that a run of a job had begun, without a lost lease.
local function note_begun(id)
  call('HSETNX', crashes, id, 0)
  claims_or_crashes = true
end

local function limit_ended()
  call('ZREMRANGEBYRANK', ended, 0, -ENDED_MOST - 1)
end

-- Adds 1 to the lost leases of a job.
local function count_lost_lease(id)
  call('HSET', crashes, id, stored_number(call('HGET', crashes, id)) + 1)
  claims_or_crashes = true
end
