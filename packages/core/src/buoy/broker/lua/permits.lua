-- Included by scripts that queue jobs or end them: permits. For each key that limits jobs, a queue
-- has so many permits. A job that needs permits is queued when it gets all of them. Until then it is
-- blocked: it holds none, and waits in the line of a key that has none left. Whoever gives a permit
-- back queues the next job of that line in the same instant.
--
-- In `claims`, ?ID holds what a job needs (see needs.lua), and #KEY how many permits are taken, ' ', the
-- limit that was declared last. In `meta`, limit:KEY is the limit that an operator has set, pace:KEY the
-- microseconds and ':' and how many may begin together. `paced` holds the same of a pace as it was
-- declared last.
-- A member of `lines` is KEY, NUMBER and ID, with line ends between.

-- include queue

-- Returns whether there is anything that the queue must know of a job before it queues it.
local function any_need(needs)
  return #needs > 0 or needs.rank ~= nil
end

-- Forgets what is over of `paces` or of `throttles`.
local function forget_old(zset)
  local old = call('ZRANGEBYSCORE', zset, '-inf', now, 'LIMIT', 0, 1000)
  send('ZREM', zset, old)
  send('HDEL', paced, old)
end

local admitted = false -- whether a job that was blocked is queued now

-- Puts a job among the delayed jobs. Wakes a worker if no other job is due earlier.
local function delay(id, due)
  call('ZADD', delayed, due, id)
  if call('ZRANGE', delayed, 0, 0)[1] == id then wake() end
end

-- Lua makes all functions of a script again in each call, and most queues have no permits. So these
-- are made when one of them is needed.
local made
local function permits()
  if made then return made end

-- include needs

  -- Notes the needs of a job that is not in the queue, and holds no permits.
  local function note_needs(id, needs)
    if any_need(needs) then call('HSET', claims, '?' .. id, needs_text(needs)) end
  end

  -- Returns the score in `ranked` that is behind, or before, all others of a level. It is the time in
  -- microseconds, so that it tells since when a job waits; that of "high" is below 0.
  local function score_at_end(level, first)
    local low, high, since = '0', '+inf', now * 1000 + clock[2] % 1000
    if level == 'high' then low, high, since = '-inf', '(0', since - 2 ^ 53 end
    if first then
      local head = call('ZRANGEBYSCORE', ranked, low, high, 'WITHSCORES', 'LIMIT', 0, 1)[2]
      return head and math.min(since, head - 1) or since
    end
    local tail = call('ZREVRANGEBYSCORE', ranked, high, low, 'WITHSCORES', 'LIMIT', 0, 1)[2]
    return tail and math.max(since, tail + 1) or since
  end

  -- Queues a job, unless it belongs at the tail of the list of queued jobs: its caller puts it there,
  -- together with others. `first`: it goes before those of its priority. Returns whether it is queued.
  local function rank(id, needs, first)
    local level, front = string.match(needs.rank or '', '^(%l+)(.*)$')
    first = first or front == ' front'
    if level == 'high' or level == 'low' then
      call('ZADD', ranked, score_at_end(level, first), id)
      any_ranked = true
      return true
    end
    if first then call('LPUSH', queued, id) end
    return first
  end

  local function member(id, needs)
    return needs.line .. '\n' .. needs.number .. '\n' .. id
  end

  local function taken_in(text)
    return stored_number(string.match(text or '', '^(%d+)'))
  end

  -- Reads the limits of a job, and how much of each is taken. Returns one that has no permit left, or
  -- nil: that of `key` if it is full, so that the job stays in its line; else the narrowest, so that
  -- jobs in the line of a wide limit rarely need to change into another one.
  local function find_full(needs, key)
    local counts, limits, full = {}, {}, nil
    for n, need in ipairs(needs) do counts[n], limits[n] = '#' .. need.key, 'limit:' .. need.key end
    counts, limits = ask('HMGET', claims, counts), ask('HMGET', meta, limits)
    for n, need in ipairs(needs) do
      need.taken = taken_in(counts[n])
      need.limit = limits[n] and stored_number(limits[n]) or need.most
      local is_full = not need.burst and need.taken >= need.limit
      if is_full and need.key == key then return need end
      if is_full and (not full or need.limit < full.limit) then full = need end
    end
    return full
  end

  local function take_permits(id, needs)
    local fields = {}
    needs.line, needs.number = nil, nil
    for _, need in ipairs(needs) do
      need.held = true
      if not need.burst then
        fields[#fields + 1] = '#' .. need.key
        fields[#fields + 1] = string.format('%.0f %.0f', need.taken + 1, need.most)
      end
    end
    fields[#fields + 1], fields[#fields + 2] = '?' .. id, needs_text(needs)
    send('HSET', claims, fields)
  end

  -- A job that was taken out of this line has its old place.
  local function step_into_line(id, needs, key)
    if needs.line ~= key then
      local number = stored_number(call('HGET', meta, 'line')) + 1
      needs.line, needs.number = key, string.format('%016.0f', number)
      call('HSET', meta, 'line', string.format('%.0f', number))
    end
    call('ZADD', lines, 0, member(id, needs))
    call('ZADD', blocked, now, id)
    call('HSET', claims, '?' .. id, needs_text(needs))
    any_blocked = true
  end

  -- Does not write down the needs.
  local function step_out_of_line(id, needs)
    if not needs.line then return end
    call('ZREM', lines, member(id, needs))
    call('ZREM', blocked, id)
    needs.line, needs.number = nil, nil
  end

  -- Returns the milliseconds between two jobs of a pace, and how many may begin together, in a text
  -- from Redis; nil if there is none.
  local function pace_in(text)
    local micros, burst = string.match(text or '', '^(%d+):(%d+)$')
    if micros then return math.max(1, stored_number(micros)) / 1000, math.max(1, stored_number(burst)) end
  end

  -- Gives a job its time by the paces of its keys: the latest, if there are several. Returns that time,
  -- or `now`. A key whose times are all past needs no entry.
  local function give_time(needs)
    local due = now
    for _, need in ipairs(needs) do
      if need.burst and not need.held then
        forget_old(paces)
        local interval, burst = pace_in(call('HGET', meta, 'pace:' .. need.key))
        if not interval then interval, burst = need.most / 1000, need.burst end
        local given_until = math.max(stored_number(call('ZSCORE', paces, need.key)), now)
        due = math.max(due, math.ceil(given_until - interval * (burst - 1)))
        call('ZADD', paces, given_until + interval, need.key)
        call('HSET', paced, need.key, string.format('%.0f:%.0f', need.most, need.burst))
        need.held = true
      end
    end
    return due
  end

  -- Gives a job its time and takes all permits that it needs. Returns whether it may be queued; if not,
  -- it is delayed or blocked, and the second value says which.
  local function enter(id, needs)
    if not any_need(needs) then return true end
    claims_or_crashes = true
    local due = give_time(needs)
    if due > now then
      note_needs(id, needs)
      delay(id, due)
      return false, 'delayed'
    end
    local full = find_full(needs, needs.line)
    if full then step_into_line(id, needs, full.key) else take_permits(id, needs) end
    return not full, 'blocked'
  end

  -- Queues the first jobs of the line of a key, as long as there are permits; at most so many.
  -- Returns how many.
  local function admit(key, most)
    local number_queued, plain = 0, {}
    while any_blocked and number_queued < most do
      local first = call('ZRANGEBYLEX', lines, '[' .. key .. '\n', '(' .. key .. '\v', 'LIMIT', 0, 1)[1]
      local id = first and string.match(first, '^[^\n]*\n%d+\n(.*)$')
      local needs = id and read_needs(call('HGET', claims, '?' .. id)) or {}
      if not first then break end
      if needs.line ~= key or member(id, needs) ~= first then
        call('ZREM', lines, first) -- another program has written it
      else
        local full = find_full(needs, key)
        if full and full.key == key then break end
        step_out_of_line(id, needs)
        if full then
          step_into_line(id, needs, full.key)
        else
          take_permits(id, needs)
          number_queued = number_queued + 1
          if not rank(id, needs) then plain[#plain + 1] = id end
          note_due({ now, id })
        end
      end
    end
    send('RPUSH', queued, plain)
    admitted = admitted or number_queued > 0
    return number_queued
  end

  -- Gives back permits of these keys; a key may be listed several times. Returns each key once: the
  -- caller lets the next jobs of their lines in.
  local function give_back(keys)
    local times, distinct, fields, kept, gone = {}, {}, {}, {}, {}
    for _, key in ipairs(keys) do
      if not times[key] then distinct[#distinct + 1], fields[#fields + 1] = key, '#' .. key end
      times[key] = (times[key] or 0) + 1
    end
    for n, text in ipairs(ask('HMGET', claims, fields)) do
      local left = taken_in(text) - times[distinct[n]]
      if left > 0 then
        local declared = string.match(text, ' .*$') or ''
        kept[#kept + 1], kept[#kept + 2] = fields[n], string.format('%.0f', left) .. declared
      else
        gone[#gone + 1] = fields[n]
      end
    end
    send('HSET', claims, kept)
    send('HDEL', claims, gone)
    return distinct
  end

  local function admit_all(keys)
    for _, key in ipairs(keys) do admit(key, GREATEST) end
  end

  -- Gives a job that is queued or blocked other needs, so that it holds the permits of these and of no
  -- others. It keeps the time of a pace that is among both. Returns whether it may be queued now, and
  -- whether it was blocked.
  local function exchange(id, needs, wanted)
    local returned, timed, was_blocked = {}, {}, needs.line ~= nil
    for _, need in ipairs(needs) do
      if need.burst then
        timed[need.key] = need.held
      elseif need.held then
        returned[#returned + 1] = need.key
      end
    end
    for _, need in ipairs(wanted) do need.held = need.burst and timed[need.key] or false end
    step_out_of_line(id, needs)
    call('HDEL', claims, '?' .. id)
    local free_keys = give_back(returned)
    local entered = enter(id, wanted)
    admit_all(free_keys)
    return entered, was_blocked
  end

  -- Takes permits back from jobs whose needs are in these texts (false for a job without needs).
  -- `what`: 'started' takes back those that last until then; 'waits' takes back all; with 'ended'
  -- moreover the needs are forgotten.
  local function take_back(ids, texts, what)
    local returned, kept, gone = {}, {}, {}
    for n, id in ipairs(ids) do
      local needs = texts[n] and read_needs(texts[n]) or {}
      local changed = what == 'waits' and needs.started
      for _, need in ipairs(needs) do
        if need.held and (what ~= 'started' or need.word == 's') then
          if not need.burst then returned[#returned + 1] = need.key end
          need.held, changed = false, true
        end
      end
      if what == 'ended' then
        step_out_of_line(id, needs)
        if texts[n] then gone[#gone + 1] = '?' .. id end
      elseif changed then
        needs.started = what == 'started'
        kept[#kept + 1], kept[#kept + 2] = '?' .. id, needs_text(needs)
      end
    end
    send('HDEL', claims, gone)
    send('HSET', claims, kept)
    if #returned > 0 then admit_all(give_back(returned)) end
  end

  made = {
    read_needs = read_needs, note_needs = note_needs, member = member, taken_in = taken_in,
    find_full = find_full, rank = rank, step_out_of_line = step_out_of_line, enter = enter, admit = admit,
    take_back = take_back, exchange = exchange, pace_in = pace_in,
  }
  return made
end

-- Returns those of these jobs that may be queued; the others are blocked, or delayed by a pace. And
-- returns those that are not queued yet: for the caller, who puts them at the tail of the list.
local function enter_all(ids)
  if not claims_or_crashes then return ids, ids end
  local fields, entered, plain = {}, {}, {}
  for n, id in ipairs(ids) do fields[n] = '?' .. id end
  for n, text in ipairs(ask('HMGET', claims, fields)) do
    local needs = text and permits().read_needs(text)
    if not needs or permits().enter(ids[n], needs) then
      entered[#entered + 1] = ids[n]
      if not needs or not permits().rank(ids[n], needs) then plain[#plain + 1] = ids[n] end
    end
  end
  return entered, plain
end

-- Puts a job that somebody held back before those of its priority. It keeps its permits; it has none if
-- it was taken while it was delayed, blocked or failed, and then it is blocked if it gets none.
-- Returns whether it is queued.
local function requeue(id)
  local text = claims_or_crashes and call('HGET', claims, '?' .. id)
  if text then
    local needs, holds = permits().read_needs(text), true
    for _, need in ipairs(needs) do holds = holds and (need.held or need.word == 's' and needs.started) end
    if not holds and not permits().enter(id, needs) then return false end
    permits().rank(id, needs, true)
  else
    call('LPUSH', queued, id)
  end
  return true
end
