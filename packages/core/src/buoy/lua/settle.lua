-- Included in advance.lua: applies outcomes. Only the run whose token holds the job may settle it.

-- include queue

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
  size.recent = size.recent + #ids
  -- Only batches can outrun the rationed forgetting in heal.lua.
  if #ids > 1 and size.recent > RECENT_MOST then
    call('ZREMRANGEBYRANK', recent, 0, -RECENT_MOST - 1)
  end
end

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
  size.delayed = size.delayed + 1
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

-- Reads what is done: ids, tokens, and the commands that are attached to some.
local function read_done()
  local ids, tokens, commands = {}, {}, {}
  for n = 1, count() do ids[n], tokens[n] = take(), take() end
  for n = #ids + 1, #ids + count() do
    ids[n], tokens[n], commands[n] = take(), take(), read_commands()
  end
  return ids, tokens, commands
end

-- Reads what has become of others.
local function read_others()
  local others = {}
  for n = 1, count() do
    local id, token, act, payload, wait = take(), take(), take(), take(), number()
    if not acts[act] then refuse('act', 'one of lua/settle.lua', act) end
    others[n] =
      { id = id, token = token, act = act, payload = payload, wait = wait, commands = read_commands() }
  end
  return others
end

-- Settles what is done, all of it in few commands.
local function settle_done(ids, tokens, commands, refused)
  local held, mine = {}, {}
  for n, token in ipairs(ask('HMGET', runs, ids)) do
    local id = ids[n]
    if token == tokens[n] and not mine[id] then
      held[#held + 1], mine[id] = id, true
      attach(commands[n] or {})
    else
      refused[#refused + 1] = id
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
      acts[other.act](other.id, other.payload, other.wait)
      attach(other.commands)
    else
      refused[#refused + 1] = other.id
    end
  end
end
