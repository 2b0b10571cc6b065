-- Takes members of groups at which no worker has looked for SEEN_MS, so that one looks whether their
-- jobs exist: whoever has noted them may have died before they were enqueued. And cancels groups that
-- were left open: all members have ended, and for OPEN_MS nobody has added others, or closed them.
--
-- KEYS     see queue.lua; the zset of the names of groups; the three keys of each group
-- ARGV     clock shift; how many members to take at most; number of groups, for each: number of its
--          first key
-- returns  {for each group: members; for each group: 1 if it was cancelled now, else 0; how many
--          hand-overs are to be made from this queue now}
--
-- Only members that were noted, or looked at last, OLD_MS ago or longer are taken, the oldest first.
-- They count as looked at now: whoever repeats this, or comes at that moment, gets others. If the
-- worker that has taken them dies, they are taken again after OLD_MS.

-- include group

local OLD_MS = 3600 * 1000
local OPEN_MS = 30 * 24 * 3600 * 1000
local left, groups = number(1, NAMED), {}
for n = 1, number(0, NAMED) do groups[n] = take_group() end
done_reading()
read_groups()

local function is_left_open(group)
  local closed, noted, begun = unpack(call('HMGET', group.hash, 'closed', 'noted', 'opened'))
  if closed or group.open_count > 0 then return false end
  return now - math.max(stored_number(noted), stored_number(begun)) > OPEN_MS
end

-- Takes members of a group; where more of them wait, the group is to be looked at again at once.
local function take_old(group)
  if left == 0 then return {} end
  local old = call('ZRANGEBYSCORE', group.open, '-inf', now - OLD_MS, 'LIMIT', 0, left)
  local scores = {}
  for n, member in ipairs(old) do scores[2 * n - 1], scores[2 * n] = now, member end
  send('ZADD', group.open, scores)
  left = left - #old
  if left > 0 then call('ZADD', names, -now, group.name) end
  return old
end

local taken, cancelled = {}, {}
allow_writes()
for n, group in ipairs(groups) do
  local seen = call('ZSCORE', names, group.name)
  taken[n], cancelled[n] = {}, 0
  if not group.known then
    call('ZREM', names, group.name)
  elseif seen and stored_number(seen) <= 0 and now + stored_number(seen) >= SEEN_MS then
    if is_left_open(group) then
      close(group, true)
      cancelled[n] = 1
    else
      taken[n] = take_old(group)
    end
  end
end
return { taken, cancelled, fired }
