-- Notes members of a group before they are enqueued, and forgets those that were not enqueued.
--
-- KEYS     see queue.lua; the zset of the names of groups; the three keys of the group
-- ARGV     clock shift; number of the group's first key; number of new members, each; number of those
--          to forget, each
-- returns  {'open' if they are noted, else 'unknown', 'cancelled' or 'complete'; how many hand-overs
--          are to be made from this queue now; those of the new members that were noted already}

-- include group

local group, added, forgotten, scores, before = take_group(), {}, {}, {}, {}
for n = 1, number(0, NAMED) do added[n] = take() end
for n = 1, number(0, NAMED) do forgotten[n] = take() end
done_reading()
read_groups()
if not group.known then return { 'unknown', 0, {} } end
if #added > 0 then
  local completed, stopped = unpack(call('HMGET', group.hash, 'completed', 'stopped'))
  if completed then return { 'complete', 0, {} } end
  if stopped then return { 'cancelled', 0, {} } end
end
if #forgotten > 0 then allow_writes() end
for n, noted in ipairs(ask('ZMSCORE', group.open, added)) do
  scores[2 * n - 1], scores[2 * n] = now, added[n]
  if noted then before[#before + 1] = added[n] end
end
send('ZADD', group.open, scores)
if #added > 0 then call('HSET', group.hash, 'noted', now) end
send('ZREM', group.open, forgotten)
local more = call('ZCARD', group.open) - group.open_count
if more ~= 0 then add(group, 'total', more) end
if #forgotten > 0 then check(group) end
return { 'open', fired, before }
