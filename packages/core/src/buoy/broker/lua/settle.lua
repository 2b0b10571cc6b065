-- Included by advance.lua: settles jobs. Only the run whose token holds a job may settle it.

-- include queue
-- include free
-- include attached
-- include counts

local settled = { done = 0, failed = 0, rejected = 0 }

-- Settlements that count alike are of one kind. Kind 0 is not counted.
local kinds, kind_classes = {}, {}

-- Reads how many kinds there are, then for each: class; the buckets of the time that its jobs have
-- waited and run (-1, -1 if these times do not count; -1, 0 if moreover the run had begun); the sums
-- of these times (in microseconds), over how many settlements.
local function read_kinds()
  local known = {}
  for n = 1, number(0, MANY) do
    local class, wait, run = take(), number(-1, LAST_BUCKET), number(-1, LAST_BUCKET)
    if not known[class] then known[class], kind_classes[#kind_classes + 1] = true, class end
    kinds[n] = {
      class = class, wait = tostring(wait), run = tostring(run), timed = wait >= 0 and run >= 0,
      begun = run >= 0, waited = number(0, GREATEST) / 10 ^ 6, ran = number(0, GREATEST) / 10 ^ 6,
      members = number(1, GREATEST), done = 0, settled = 0,
    }
  end
end

local function read_kind()
  return kinds[number(0, #kinds)] or { done = 0, settled = 0 }
end

-- Counts the settlements of each kind that were applied.
local function count_kinds()
  for _, kind in ipairs(kinds) do
    if kind.done > 0 then count(kind.class, 'done', kind.done) end
    local timed = kind.done + kind.settled
    if kind.timed and timed > 0 then
      count(kind.class, 'waited', kind.waited * timed / kind.members)
      count(kind.class, 'ran', kind.ran * timed / kind.members)
      local waiting, running = counted[kind.class].waiting, counted[kind.class].running
      waiting[kind.wait] = (waiting[kind.wait] or 0) + timed
      running[kind.run] = (running[kind.run] or 0) + timed
    end
  end
end

local function end_runs(ids)
  send('ZREM', leases, ids)
  send('HDEL', tokens, ids)
end

-- `outcome`: see free.lua.
local function forget_jobs(ids, outcome)
  send('HDEL', jobs, ids)
  if claims_or_crashes then
    send('HDEL', crashes, ids)
    free(ids, outcome)
  end
  forget_due(ids)
  local scores = {}
  for _, id in ipairs(ids) do
    scores[#scores + 1], scores[#scores + 2] = now, id
  end
  send('ZADD', ended, scores)
  -- heal.lua removes old ids, but not often: only batches can add ids faster than that.
  if #ids > 1 then limit_ended() end
end

-- Returns what reads and what stores the jobs that done jobs have enqueued. Only called if there are
-- any, to save time.
local function make_child_jobs()
-- include enqueued

  local child_jobs = {}

  -- Reads so many jobs, for each the number of its words: 3 for a plain job of this queue (id,
  -- payload, class), 1 for a job that is to be handed over.
  function child_jobs.read(many)
    local children = {}
    call('ZCARD', handovers)
    for n = 1, many do
      children[n] = {}
      for word = 1, number(1, 3) do children[n][word] = take() end
      if #children[n] == 2 then refuse('job', 'one word or three', '2') end
    end
    return children
  end

  -- Stores these jobs, a list for each job that is done.
  function child_jobs.store(lists)
    local words, ids, counts, scores = {}, {}, {}, {}
    for _, children in ipairs(lists) do
      for _, child in ipairs(children) do
        local id, payload, class = unpack(child)
        if payload then
          words[#words + 1], words[#words + 2], ids[#ids + 1] = id, payload, id
          counts[class] = (counts[class] or 0) + 1
        else
          scores[#scores + 1], scores[#scores + 2] = now, string.format('%.0f ', now) .. child[1]
        end
      end
    end
    send('HSET', jobs, words)
    send('RPUSH', queued, ids)
    for class, many in pairs(counts) do count_enqueued(class, many) end
    send('ZADD', handovers, scores)
    handovers_due = handovers_due + #scores / 2
  end

  return child_jobs
end

local child_jobs -- what make_child_jobs returns

-- Reads the jobs that are done: ids, tokens, kinds, and for some the commands that are attached, and
-- the jobs that they have enqueued (see make_child_jobs).
local function read_done()
  local ids, found, kind_of, commands, children = {}, {}, {}, {}, {}
  for _ = 1, number(0, MANY) do
    local kind = read_kind()
    for n = #ids + 1, #ids + number(0, MANY) do ids[n], found[n], kind_of[n] = take(), take(), kind end
  end
  for n = #ids + 1, #ids + number(0, MANY) do
    ids[n], found[n], kind_of[n], commands[n] = take(), take(), read_kind(), read_commands()
    local many = number(0, MANY)
    if many > 0 then
      child_jobs = child_jobs or make_child_jobs()
      children[n] = child_jobs.read(many)
    end
  end
  return ids, found, kind_of, commands, children
end

-- Returns what each other outcome does. Only called if there are other outcomes, to save time.
local function make_outcomes()
  local outcomes = {}

  -- Only jobs that have expired are rejected when they are to run.
  function outcomes.rejected(id)
    forget_jobs({ id }, 'expired')
    settled.rejected = settled.rejected + 1
  end

  function outcomes.moved(id)
    forget_jobs({ id })
    limit_ended()
  end

  function outcomes.delayed(id, payload, wait)
    call('HDEL', crashes, id)
    forget_due({ id })
    local needs = claims_or_crashes and call('HGET', claims, '?' .. id)
    if needs then permits().take_back({ id }, { needs }, 'waits') end
    call('HSET', jobs, id, payload)
    call('ZADD', delayed, now + wait, id)
    any_delayed = true
  end

  function outcomes.failed(id, payload)
    call('HDEL', crashes, id)
    forget_due({ id })
    free({ id }, 'failed')
    call('HSET', jobs, id, payload)
    call('ZADD', failed, now, id)
    settled.failed = settled.failed + 1
  end

  -- A job whose run had begun waits anew, and does not expire. One that was taken while it was delayed is
  -- due at its time.
  function outcomes.released(id, payload, due, begun)
    if begun then note_begun(id) end
    if due > 0 then
      delay(id, due)
      any_delayed = true
    elseif requeue(id) and begun then
      note_due({ now, id })
    end
  end

  function outcomes.crashed(id)
    count_lost_lease(id)
    if requeue(id) then note_due({ now, id }) end
  end

  return outcomes
end

local function read_other(outcomes)
  local other = { id = take(), token = take(), outcome = take(), kind = read_kind() }
  other.payload, other.wait, other.commands = take(), number(-GREATEST, GREATEST), read_commands()
  other.apply = outcomes[other.outcome] or refuse('outcome', 'one of lua/settle.lua', other.outcome)
  return other
end

-- Reads the settlements with other outcomes. Reads the failed set, which only these write to.
local function read_others()
  local others, many = {}, number(0, MANY)
  if many == 0 then return others end
  local outcomes = make_outcomes()
  call('ZCARD', failed)
  for n = 1, many do others[n] = read_other(outcomes) end
  return others
end

-- Settles all jobs that are done, in few commands.
local function settle_done(ids, run_tokens, kind_of, commands, children_of, refused)
  local owned, seen_ids, parents = {}, {}, {}
  for n, token in ipairs(ask('HMGET', tokens, ids)) do
    local id = ids[n]
    if token == run_tokens[n] and not seen_ids[id] then
      owned[#owned + 1], seen_ids[id] = id, true
      kind_of[n].done = kind_of[n].done + 1
      if commands[n] then attach(commands[n]) end
      if children_of[n] then parents[#parents + 1] = children_of[n] end
    else
      refused[#refused + 1] = run_tokens[n]
    end
  end
  if #owned == 0 then return end
  end_runs(owned)
  forget_jobs(owned, 'done')
  settled.done = settled.done + #owned
  if #parents > 0 then child_jobs.store(parents) end
end

local function settle_others(others, refused)
  local counted_as = {
    delayed = 'retried', failed = 'failed', rejected = 'rejected', released = 'released',
    crashed = 'lost',
  }
  for _, other in ipairs(others) do
    if call('HGET', tokens, other.id) == other.token then
      local kind, word = other.kind, counted_as[other.outcome]
      end_runs({ other.id })
      other.apply(other.id, other.payload, other.wait, kind.begun)
      if kind.class and word then count(kind.class, word, 1) end
      kind.settled = kind.settled + 1
      attach(other.commands)
    else
      refused[#refused + 1] = other.token
    end
  end
end
