-- Included by enqueue.lua: jobs that are not enqueued again within some time. A throttle is attached as
-- a command, THROTTLE KEY MS, which is none of Redis: this script knows it. The key holds until when it
-- throttles, in ms, a blank, and the id of the job that was enqueued. Redis removes it after that.

-- include queue

local throttles = {} -- key -> {until, id}; reading all of them first tells of a key of a wrong type

local function read_throttle(key)
  call('ZCARD', failed)
  local at, id = string.match(call('GET', key) or '', '^(%d+) (.+)$')
  return { at = stored_number(at), id = id }
end

-- Takes the throttles out of the commands that are attached to a job.
local function take_throttles(commands)
  local found, others = {}, {}
  for _, words in ipairs(commands) do
    if words[1] == 'THROTTLE' then
      local key = words[2]
      throttles[key] = throttles[key] or read_throttle(key)
      found[#found + 1] = { key = key, ms = number(1, GREATEST, words[3] or 'nothing') }
    else
      others[#others + 1] = words
    end
  end
  return found, others
end

-- Returns the id of the job because of which this one is not enqueued, or nil. A job in the failed set
-- keeps no job out.
local function throttled_by(wanted)
  for _, each in ipairs(wanted) do
    local last = throttles[each.key]
    if last.at > now and not call('ZSCORE', failed, last.id) then return last.id end
  end
end

local function note_throttles(id, wanted)
  for _, each in ipairs(wanted) do
    throttles[each.key] = { at = now + each.ms, id = id }
    call('SET', each.key, string.format('%.0f ', now + each.ms) .. id, 'PX', each.ms)
  end
end
