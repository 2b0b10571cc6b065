-- What every script over a queue begins with: its keys by name, the time, and the moves that
-- several acts share.
--
-- KEYS  1-11 the keys of the queue in the order of keys.py; then those that plugins attached
-- ARGV  1    milliseconds to add to the clock of the server (0 outside tests); the rest is taken
--            in order, one by one

-- include base

local OWN = 11
local ready, jobs, leases, runs, delayed, failed, claims, crashes, recent, meta, bell =
  unpack(KEYS, 1, OWN)
local NAMED = 1000 -- how many jobs one call may name that are looked for in a long list
local RECENT_SECONDS, RECENT_MOST = 120, 100000

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000) + number(-GREATEST, GREATEST)

local rung = call('LLEN', bell)
-- Whether there are claims, or lost leases.
local marked = call('EXISTS', crashes, claims) > 0
if marked then
  call('HLEN', crashes)
  call('HLEN', claims)
end

-- Reads all other keys. Acts that happen for each job read only what they write to.
local function read_all()
  call('LLEN', ready)
  for _, hash in ipairs({ jobs, runs, meta }) do call('HLEN', hash) end
  for _, zset in ipairs({ leases, delayed, failed, recent }) do call('ZCARD', zset) end
end

-- A number that Redis holds; what is none there counts as 0.
local function kept(text)
  local number = tonumber(text) or 0
  return math.abs(number) <= GREATEST and number or 0
end

-- A full Redis refuses writes that grow until a script has removed something, be it nothing. All
-- acts but enqueueing must go through, so each begins with a removal of its own, or with this.
local function make_way()
  call('HDEL', meta, '-')
end

-- Wakes one idle worker. One token is enough: who takes it and leaves jobs behind rings on.
local function ring()
  if rung > 0 then return end
  make_way()
  rung = call('RPUSH', bell, 1)
end

-- Counts a lost lease of a job.
local function lose(id)
  call('HSET', crashes, id, kept(call('HGET', crashes, id)) + 1)
  marked = true
end
