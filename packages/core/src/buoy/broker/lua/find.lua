-- Returns where a job is, and other values of its queue, all at one moment.
--
-- KEYS     see queue.lua; then keys of strings that are read, too
-- ARGV     clock shift; id
-- returns  payload, state ('queued', 'delayed', 'running' or 'failed'), and the detail: the due time
--          or the time of the failure (in ms), the token of a running job, or ''; all three '' if
--          the queue does not know the id; then the values of the other keys, '' for none

-- include queue

local id = take()
done_reading()
read_all()

local function found()
  local payload = call('HGET', jobs, id)
  if not payload then return { '', '', '' } end
  local due, failed_at = call('ZSCORE', delayed, id), call('ZSCORE', failed, id)
  local token = call('HGET', tokens, id)
  if due then return { payload, 'delayed', due } end
  if failed_at then return { payload, 'failed', failed_at } end
  if token then return { payload, 'running', token } end
  return { payload, 'queued', '' }
end

local answer = found()
for n = OWN + 1, #KEYS do answer[#answer + 1] = call('GET', KEYS[n]) or '' end
return answer
