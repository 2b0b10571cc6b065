-- Included by advance.lua: settles jobs. Only the run whose token holds a job may settle it.

-- include queue
-- include free
-- include attached

local settled = { done = 0, failed = 0, rejected = 0 }

local function end_runs(ids)
  send('ZREM', leases, ids)
  send('HDEL', tokens, ids)
end

local function forget_jobs(ids)
  send('HDEL', jobs, ids)
  if claims_or_crashes then
    send('HDEL', crashes, ids)
    free(ids)
  end
  local scores = {}
  for _, id in ipairs(ids) do
    scores[#scores + 1], scores[#scores + 2] = now, id
  end
  send('ZADD', ended, scores)
  -- heal.lua removes old ids, but not often: only batches can add ids faster than that.
  if #ids > 1 then call('ZREMRANGEBYRANK', ended, 0, -ENDED_MOST - 1) end
end

-- Reads the jobs that are done: ids, tokens, and the commands that are attached to some of them.
local function read_done()
  local ids, found, commands = {}, {}, {}
  for n = 1, number(0, MANY) do ids[n], found[n] = take(), take() end
  for n = #ids + 1, #ids + number(0, MANY) do
    ids[n], found[n], commands[n] = take(), take(), read_commands()
  end
  return ids, found, commands
end

-- Returns what each other outcome does. Only called if there are other outcomes, to save time.
local function make_outcomes()
  local outcomes = {}

  function outcomes.rejected(id)
    forget_jobs({ id })
    settled.rejected = settled.rejected + 1
  end

  function outcomes.moved(id)
    forget_jobs({ id })
  end

  function outcomes.delayed(id, payload, wait)
    call('HDEL', crashes, id)
    call('HSET', jobs, id, payload)
    call('ZADD', delayed, now + wait, id)
    any_delayed = true
  end

  function outcomes.failed(id, payload)
    call('HDEL', crashes, id)
    free({ id })
    call('HSET', jobs, id, payload)
    call('ZADD', failed, now, id)
    settled.failed = settled.failed + 1
  end

  function outcomes.released(id)
    call('LPUSH', queued, id)
  end

  function outcomes.crashed(id)
    count_lost_lease(id)
    call('LPUSH', queued, id)
  end

  return outcomes
end

local function read_other(outcomes)
  local id, token, outcome, payload = take(), take(), take(), take()
  local wait, commands = number(-GREATEST, GREATEST), read_commands()
  if not outcomes[outcome] then refuse('outcome', 'one of lua/settle.lua', outcome) end
  return { id = id, token = token, outcome = outcomes[outcome], payload = payload, wait = wait,
    commands = commands }
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
local function settle_done(ids, run_tokens, commands, refused)
  local owned, seen_ids = {}, {}
  for n, token in ipairs(ask('HMGET', tokens, ids)) do
    local id = ids[n]
    if token == run_tokens[n] and not seen_ids[id] then
      owned[#owned + 1], seen_ids[id] = id, true
      if commands[n] then attach(commands[n]) end
    else
      refused[#refused + 1] = run_tokens[n]
    end
  end
  if #owned == 0 then return end
  end_runs(owned)
  forget_jobs(owned)
  settled.done = settled.done + #owned
end

local function settle_others(others, refused)
  for _, other in ipairs(others) do
    if call('HGET', tokens, other.id) == other.token then
      end_runs({ other.id })
      other.outcome(other.id, other.payload, other.wait)
      attach(other.commands)
    else
      refused[#refused + 1] = other.token
    end
  end
end
