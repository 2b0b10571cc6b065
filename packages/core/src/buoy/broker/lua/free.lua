-- Included by scripts in which jobs end or start: frees their claims, and tells of their end.

-- include queue
-- include permits

local told = 0 -- how many ends of jobs this script has noted among the hand-overs

-- Notes that jobs have ended for those who are to be told of it: `whom` are texts HOME GROUP MEMBER.
-- The group may lie on another node, so that is handed over as a job is; see group_told.lua.
local function tell_end(whom, outcome)
  local scores = {}
  for _, each in ipairs(whom) do
    scores[#scores + 1] = now
    scores[#scores + 1] = string.format('%.0f end %s ', now, outcome) .. each
  end
  send('ZADD', handovers, scores)
  told = told + #whom
end

-- Lifts the throttles of jobs, so that further ones of their keys are enqueued: `names` as in `throttles`,
-- and the id of the job of each. Leaves alone a throttle that another job has set since.
local function lift_throttles(names, ids)
  local lifted = {}
  for n, id in ipairs(ask('HMGET', paced, names)) do
    if id == ids[n] then lifted[#lifted + 1] = names[n] end
  end
  send('ZREM', throttles, lifted)
  send('HDEL', paced, lifted)
end

-- Frees the claims and permits of jobs: all, or only those that last until a job starts. Leaves alone
-- a claim that another job holds by now (because an operator released it, or it is of kind
-- "latest"). `outcome`: how the jobs have ended; nil if they start, or go on in another queue. Only a job
-- that is done throttles others further.
local function free(ids, outcome, started_only)
  local lists, freed, owners, gone, left, needs, any_needs = {}, {}, {}, {}, {}, {}, false
  local whom, throttles, throttling = {}, {}, {}
  for n, id in ipairs(ids) do lists[n], lists[#ids + n] = '<' .. id, '?' .. id end
  local found = ask('HMGET', claims, lists)
  for n in ipairs(ids) do
    local list, rest = found[n], {}
    needs[n] = found[#ids + n]
    any_needs = any_needs or needs[n]
    if not list or (started_only and not string.find('\n' .. list, '\ns', 1, true)) then
      list = nil -- there is nothing to free
    end
    for kind, key in string.gmatch(list or '', '(%l)([^\n]*)\n') do
      if started_only and kind ~= 's' then
        rest[#rest + 1] = kind .. key .. '\n'
      elseif kind == 'e' then
        whom[#whom + 1] = key
      elseif kind == 't' then
        throttles[#throttles + 1], throttling[#throttling + 1] = 'throttle:' .. key, ids[n]
      else
        freed[#freed + 1], owners[#owners + 1] = '>' .. key, ids[n]
      end
    end
    if list and #rest == 0 then
      gone[#gone + 1] = lists[n]
    elseif list then
      left[#left + 1], left[#left + 2] = lists[n], table.concat(rest)
    end
  end
  for n, owner in ipairs(ask('HMGET', claims, freed)) do
    if owner == owners[n] then gone[#gone + 1] = freed[n] end
  end
  send('HDEL', claims, gone)
  send('HSET', claims, left)
  if outcome then tell_end(whom, outcome) end
  if outcome and outcome ~= 'done' then lift_throttles(throttles, throttling) end
  if any_needs then permits().take_back(ids, needs, started_only and 'started' or 'ended') end
end
