-- Included by enqueue.lua: jobs that are not enqueued again within some time. In `throttles`,
-- throttle:KEY has the score until when, in ms; `paced` holds under that name the id of the job that was
-- enqueued. That job has a line 't' among its claims: its end lifts the throttle, unless it is done; see
-- free.lua. A job from another queue is not throttled, and throttles none.

-- include queue
-- include claims

-- Returns the id of the job because of which this one is not enqueued, or nil.
local function throttled_by(entry)
  for _, each in ipairs(entry.class ~= '' and entry.claims.throttles or {}) do
    local name = 'throttle:' .. each.key
    if stored_number(call('ZSCORE', throttles, name)) > now then
      local id = call('HGET', paced, name)
      if id then return id end
    end
  end
end

local function note_throttles(entry)
  for _, each in ipairs(entry.class ~= '' and entry.claims.throttles or {}) do
    local name = 'throttle:' .. each.key
    forget_old(throttles)
    call('ZADD', throttles, now + each.ms, name)
    call('HSET', paced, name, entry.id)
  end
end
