-- Included in advance.lua: applies outcomes. Only the run whose token holds the job may settle it.

local done_now, ended_failed, ended_rejected = 0, 0, 0

local function let_go(ids)
  call('ZREM', leases, unpack(ids))
  call('HDEL', runs, unpack(ids))
end

local function forget_jobs(ids, marked)
  call('HDEL', jobs, unpack(ids))
  if marked then
    call('HDEL', crashes, unpack(ids))
    free(ids)
  end
  local ended = {}
  for _, id in ipairs(ids) do
    ended[#ended + 1] = now
    ended[#ended + 1] = id
  end
  call('ZADD', recent, unpack(ended))
  -- Only batches can outrun the rationed forgetting in heal.lua.
  if #ids > 1 then call('ZREMRANGEBYRANK', recent, 0, -RECENT_MOST - 1) end
end

local acts = {}

function acts.rejected(id)
  forget_jobs({ id }, true)
  ended_rejected = ended_rejected + 1
end

function acts.moved(id)
  forget_jobs({ id }, true)
end

function acts.later(id, payload, wait)
  call('HDEL', crashes, id)
  call('HSET', jobs, id, payload)
  call('ZADD', delayed, now + wait, id)
end

function acts.failed(id, payload)
  call('HDEL', crashes, id)
  free({ id })
  call('HSET', jobs, id, payload)
  call('ZADD', failed, now, id)
  ended_failed = ended_failed + 1
end

function acts.release(id)
  call('LPUSH', ready, id)
end

function acts.crashed(id)
  call('HINCRBY', crashes, id, 1)
  call('LPUSH', ready, id)
end

-- Settles what is done, all of it in few commands; what is attached to some comes after.
local function settle_done(marked, refused)
  local ids, tokens, attached = {}, {}, {}
  for n = 1, count() do ids[n], tokens[n] = take(), take() end
  for n = #ids + 1, #ids + count() do
    ids[n], tokens[n], attached[n] = take(), take(), read_commands()
  end
  if #ids == 0 then return end
  local held = {}
  for n, token in ipairs(call('HMGET', runs, unpack(ids))) do
    if token == tokens[n] then
      held[#held + 1] = ids[n]
    else
      refused[#refused + 1], attached[n] = ids[n], nil
    end
  end
  if #held == 0 then return end
  let_go(held)
  forget_jobs(held, marked)
  done_now = done_now + #held
  for n = 1, #ids do
    if attached[n] then apply(attached[n]) end
  end
end

local function settle_others(refused)
  for _ = 1, count() do
    local id, token, act, payload, wait = take(), take(), take(), take(), count()
    local commands = read_commands()
    if call('HGET', runs, id) == token then
      let_go({ id })
      acts[act](id, payload, wait)
      apply(commands)
    else
      refused[#refused + 1] = id
    end
  end
end
