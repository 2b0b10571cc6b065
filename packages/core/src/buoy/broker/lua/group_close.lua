-- Closes a group: it is complete when all its members have ended. Or cancels it: it is closed, and
-- takes no more members.
--
-- KEYS     see queue.lua; the zset of the names of groups; the three keys of the group
-- ARGV     clock shift; number of the group's first key; 'closed' or 'cancelled'
-- returns  {1, or 0 if there is no such group; how many hand-overs are to be made from this queue now}

-- include group

local group, word = take_group(), take()
done_reading()
if word ~= 'closed' and word ~= 'cancelled' then refuse('word', 'closed or cancelled', word) end
read_groups()
if not group.known then return { 0, 0 } end
allow_writes()
close(group, word == 'cancelled')
return { 1, fired }
