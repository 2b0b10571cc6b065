-- Included by scripts that change groups of jobs. A group lives in one queue, its home; its members
-- may be in any queues. Each counts once, by how it has ended, also if it is told several times.
--
-- In the hash of a group: `description`, `opened` and `completed` (ms), `closed` and `stopped` (1),
-- `noted` (ms): when the last member was noted; `total`, how many members have ended in each way, and
-- the hand-overs to be made on each event, one a line: on_death, on_complete, on_success; `parent`:
-- HOME GROUP MEMBER of the group in which this one is a member.
--
-- In the zset of names a complete group has the time of its last change (ms); one that is not, minus
-- when a worker last looked at it (groups_unseen.lua); versions that did not look wrote 0.

-- include queue
-- include groups_unseen

local GROUP_MS = 7 * 24 * 3600 * 1000 -- how long a group is known after its last change, once complete
local OUTCOMES = { done = true, failed = true, expired = true, cancelled = true, lost = true }
local names, opened, fired = KEYS[OWN + 1], {}, 0

-- Takes the number of a group: its three keys are in KEYS. Reads them, once for each group.
local function take_group()
  local first = number(OWN + 2, #KEYS - 2)
  local group = opened[first]
  if group then return group end
  group = { hash = KEYS[first], open = KEYS[first + 1], failed = KEYS[first + 2] }
  group.name = string.match(group.hash, '([^:]*)$')
  group.known = call('HLEN', group.hash) > 0
  group.open_count = call('ZCARD', group.open)
  call('SCARD', group.failed)
  opened[first] = group
  return group
end

local function read_groups()
  call('ZCARD', names)
  call('ZCARD', handovers)
  call('HLEN', meta)
end

local function add(group, field, much)
  local value = stored_number(call('HGET', group.hash, field)) + much
  call('HSET', group.hash, field, string.format('%.0f', value))
end

local function hand_over(text)
  call('ZADD', handovers, now, string.format('%.0f ', now) .. text)
  fired = fired + 1
end

-- Makes the hand-overs of an event, if it has not happened yet.
local function fire(group, event)
  local texts = call('HGET', group.hash, event)
  call('HDEL', group.hash, event)
  for text in string.gmatch(texts or '', '[^\n]+') do hand_over(text) end
end

local function tell_parent(group, outcome)
  local parent = call('HGET', group.hash, 'parent')
  if parent and parent ~= '' then hand_over('end ' .. outcome .. ' ' .. parent) end
end

-- A member has ended. One that has failed may end well later, when somebody has retried it.
local function end_member(group, member, outcome)
  if call('ZREM', group.open, member) == 1 then
    add(group, outcome, 1)
    if outcome == 'failed' then
      call('SADD', group.failed, member)
      fire(group, 'on_death')
    end
  elseif outcome == 'done' and call('SREM', group.failed, member) == 1 then
    add(group, 'failed', -1)
    add(group, 'done', 1)
  end
end

-- Completes a group that is closed and has no open members; and finds whether all have ended well. One
-- that was cancelled never does, since it may lack members. In the group around it, it has failed if any
-- member has, and is cancelled if others ended otherwise.
local function check(group)
  local fields = { 'closed', 'completed', 'total', 'done', 'succeeded', 'failed', 'stopped' }
  local closed, completed, total, done, succeeded, failures, stopped =
    unpack(ask('HMGET', group.hash, fields))
  if not closed or call('ZCARD', group.open) > 0 then return end
  local well = not stopped and stored_number(total) == stored_number(done)
  if not completed then
    call('HSET', group.hash, 'completed', now)
    fire(group, 'on_complete')
    if not well then tell_parent(group, stored_number(failures) > 0 and 'failed' or 'cancelled') end
  end
  if well and not succeeded then
    call('HSET', group.hash, 'succeeded', now)
    fire(group, 'on_success')
    tell_parent(group, 'done')
  end
  for _, key in ipairs({ group.hash, group.open, group.failed }) do call('PEXPIRE', key, GROUP_MS) end
  call('ZREMRANGEBYSCORE', names, '(0', now - GROUP_MS)
  call('ZADD', names, now, group.name)
end

-- Closes a group, or lets it take no more members at all.
local function close(group, stop)
  call('HSET', group.hash, 'closed', 1)
  if stop then call('HSET', group.hash, 'stopped', 1) end
  check(group)
end
