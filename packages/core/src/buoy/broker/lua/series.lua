-- Included by heal.lua: keeps what was counted in each minute of a day, in each hour of a month, and
-- on each day of a year (by UTC).
--
-- When a period is over, the first worker that comes by adds one row for each class to the zset of
-- the period: JSON with what the counts have grown by since the last row, with the number of the
-- period as its score. `meta` holds the counts as they were then. What is lost here stops no script.

-- include growth

local MINUTE = 60000

-- Ends the minute, the hour and the day in which a worker looked last, if they are over.
local function end_periods(seen)
  if seen <= 0 or math.floor(seen / MINUTE) == math.floor(now / MINUTE) then return end
  local HOUR = 60 * MINUTE
  local PERIODS = {
    { key = minutes, length = MINUTE, kept = 24 * 60, prefix = 'minute:' },
    { key = hours, length = HOUR, kept = 31 * 24, prefix = 'hour:' },
    { key = days, length = 24 * HOUR, kept = 366, prefix = 'day:' },
  }
  local MOST_ROWS = 100000

  local function classes()
    local names, found_anew = counted_classes()
    if found_anew and #names > 0 then call('HSET', meta, 'classes', cjson.encode(names)) end
    return names
  end

  local function add_rows(period, at)
    local rows, snapshots = {}, {}
    for _, grown in ipairs(grown_classes(classes(), period.prefix, at)) do
      rows[#rows + 1], rows[#rows + 2] = at, grown.row
      snapshots[#snapshots + 1] = period.prefix .. grown.class
      snapshots[#snapshots + 1] = grown.snapshot
    end
    send('ZADD', period.key, rows)
    send('HSET', meta, snapshots)
  end

  local function end_period(period, at)
    add_rows(period, at)
    local oldest = math.floor(now / period.length) - period.kept
    call('ZREMRANGEBYSCORE', period.key, '-inf', '(' .. oldest)
    call('ZREMRANGEBYRANK', period.key, 0, -MOST_ROWS - 1)
  end

  -- Forgets since when jobs are due that are no longer there: an older version may have ended them.
  local function drop_due_of_gone_jobs()
    local ids, gone = call('ZRANGE', due_since, 0, 99), {}
    for n, payload in ipairs(ask('HMGET', jobs, ids)) do
      if not payload then gone[#gone + 1] = ids[n] end
    end
    send('ZREM', due_since, gone)
  end

  for _, period in ipairs(PERIODS) do
    local at = math.floor(seen / period.length)
    if at ~= math.floor(now / period.length) then pcall(end_period, period, at) end
  end
  if any_due_since then drop_due_of_gone_jobs() end
end
