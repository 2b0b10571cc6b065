-- Returns what is known of a job at one moment: where it is, the record of its end, its progress.
--
-- KEYS     of its queue: jobs, delayed, failed, tokens; of the job: record, progress
-- ARGV     id
-- returns  payload, state ('queued', 'delayed', 'running', 'failed'), and when the job is due or
--          failed (in ms) or the token of its run; all three '' if the queue does not know it; record
--          or '', progress or ''

local id = ARGV[1]
local payload = redis.call('HGET', KEYS[1], id)
local state, detail = '', ''
if payload then
  local due, failed_at = redis.call('ZSCORE', KEYS[2], id), redis.call('ZSCORE', KEYS[3], id)
  local token = redis.call('HGET', KEYS[4], id)
  if due then
    state, detail = 'delayed', due
  elseif failed_at then
    state, detail = 'failed', failed_at
  elseif token then
    state, detail = 'running', token
  else
    state = 'queued'
  end
end
local record, progress = redis.call('GET', KEYS[5]), redis.call('GET', KEYS[6])
return { payload or '', state, detail, record or '', progress or '' }
