-- Opens a group of jobs.
--
-- KEYS     see queue.lua; the zset of the names of groups; the three keys of the group
-- ARGV     clock shift; number of the group's first key; number of fields, for each: name, text
-- returns  1, or 0 if there is such a group

-- include group

local group, words = take_group(), {}
for n = 1, 2 * number(0, NAMED) do words[n] = take() end
done_reading()
read_groups()
if group.known then return 0 end
send('HSET', group.hash, words)
call('HSET', group.hash, 'opened', now)
call('ZADD', names, -now, group.name)
return 1
