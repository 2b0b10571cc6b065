-- Included in advance.lua: applies outcomes. Only the run whose token holds the job may settle it.

-- include queue
-- include free
-- include attached

local settled = { done = 0, failed = 0, rejected = 0 }

local function let_go(ids)
  each('ZREM', leases, ids)
  each('HDEL', runs, ids)
end

local function forget_jobs(ids)
  each('HDEL', jobs, ids)
  if marked then
    each('HDEL', crashes, ids)
    free(ids)
  end
  local ended = {}
  for _, id in ipairs(ids) do
    ended[#ended + 1], ended[#ended + 2] = now, id
  end
  each('ZADD', recent, ended)
  -- Only batches can outrun the rationed forgetting in heal.lua.
  if #ids > 1 then call('ZREMRANGEBYRANK', recent, 0, -RECENT_MOST - 1) end
end

-- Reads what is done: ids, tokens, and the commands that are attached to some.
local function read_done()
  local ids, tokens, commands = {}, {}, {}
  for n = 1, number(0, MANY) do ids[n], tokens[n] = take(), take() end
  for n = #ids + 1, #ids + number(0, MANY) do
    ids[n], tokens[n], commands[n] = take(), take(), read_commands()
  end
  return ids, tokens, commands
end

-- What may become of others. Made only where there are some.
local function make_acts()
  local acts = {}

  function acts.rejected(id)
    forget_jobs({ id })
    settled.rejected = settled.rejected + 1
  end

  function acts.moved(id)
    forget_jobs({ id })
  end

  function acts.later(id, payload, wait)
    call('HDEL', crashes, id)
    call('HSET', jobs, id, payload)
    call('ZADD', delayed, now + wait, id)
    waits = true
  end

  function acts.failed(id, payload)
    call('HDEL', crashes, id)
    free({ id })
    call('HSET', jobs, id, payload)
    call('ZADD', failed, now, id)
    settled.failed = settled.failed + 1
  end

  function acts.release(id)
    call('LPUSH', ready, id)
  end

  function acts.crashed(id)
    lose(id)
    call('LPUSH', ready, id)
  end

  return acts
end

local function read_other(acts)
  local id, token, act, payload = take(), take(), take(), take()
  local wait, commands = number(-GREATEST, GREATEST), read_commands()
  if not acts[act] then refuse('act', 'one of lua/settle.lua', act) end
  return { id = id, token = token, act = acts[act], payload = payload, wait = wait,
    commands = commands }
end

-- Reads what has become of others; only here it matters what the failed set is.
local function read_others()
  local others, many = {}, number(0, MANY)
  if many == 0 then return others end
  local acts = make_acts()
  call('ZCARD', failed)
  for n = 1, many do others[n] = read_other(acts) end
  return others
end

-- Settles what is done, all of it in few commands.
local function settle_done(ids, tokens, commands, refused)
  local held, mine = {}, {}
  for n, token in ipairs(ask('HMGET', runs, ids)) do
    local id = ids[n]
    if token == tokens[n] and not mine[id] then
      held[#held + 1], mine[id] = id, true
      if commands[n] then attach(commands[n]) end
    else
      refused[#refused + 1] = tokens[n]
    end
  end
  if #held == 0 then return end
  let_go(held)
  forget_jobs(held)
  settled.done = settled.done + #held
end

local function settle_others(others, refused)
  for _, other in ipairs(others) do
    if call('HGET', runs, other.id) == other.token then
      let_go({ other.id })
      other.act(other.id, other.payload, other.wait)
      attach(other.commands)
    else
      refused[#refused + 1] = other.token
    end
  end
end
