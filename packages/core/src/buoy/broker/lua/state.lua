-- Included by scripts that read: in which state a job is.

-- Sends a command. Returns false for a key of a wrong type.
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then return false end
  return answer
end

-- Returns the state of a job that has a payload ('queued', 'delayed', 'blocked', 'running' or
-- 'failed'), and the detail: when it is due, when it has failed or since when it is blocked (in ms), the
-- token of its run, or ''. `send`: what sends a command.
local function state_of(id, send, delayed, failed, blocked, tokens)
  local due = send('ZSCORE', delayed, id)
  if due then return 'delayed', due end
  local failed_at = send('ZSCORE', failed, id)
  if failed_at then return 'failed', failed_at end
  local since = send('ZSCORE', blocked, id)
  if since then return 'blocked', since end
  local token = send('HGET', tokens, id)
  if token then return 'running', token end
  return 'queued', ''
end
