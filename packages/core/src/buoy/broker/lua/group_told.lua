-- Tells groups that members have ended. A repetition does nothing, and neither does a group that is
-- not known any more.
--
-- KEYS     see queue.lua; the zset of the names of groups; the three keys of each group
-- ARGV     clock shift; number of members, for each: number of the group's first key, how it has
--          ended ('done', 'failed', 'expired', 'cancelled' or 'lost'), member
-- returns  {'received' for each, no refusals, 0 (see enqueue.lua), how many hand-overs are to be made
--          from this queue now}

-- include group

local ends, answers, touched = {}, {}, {}
for n = 1, number(0, NAMED) do
  local group, outcome, member = take_group(), take(), take()
  if not OUTCOMES[outcome] then refuse('outcome', 'one of lua/group.lua', outcome) end
  ends[n] = { group = group, outcome = outcome, member = member }
end
done_reading()
read_groups()

allow_writes()
for n, each in ipairs(ends) do
  answers[n] = 'received'
  if each.group.known then
    end_member(each.group, each.member, each.outcome)
    touched[each.group] = true
  end
end
for group in pairs(touched) do check(group) end
return { answers, {}, 0, fired }
