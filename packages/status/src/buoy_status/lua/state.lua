-- What is known of a job at one moment: where it is, what is recorded of its end, its progress.
--
-- KEYS     of its queue: jobs, delayed, failed, runs; of the job: record, progress
-- ARGV     id
-- returns  payload, place ('waiting', 'delayed', 'running', 'failed'), and when it is due or failed
--          (in ms) or the token of its run; all three '' if it has no place; record, progress or ''

local id = ARGV[1]
local payload = redis.call('HGET', KEYS[1], id)
local place, detail = '', ''
if payload then
  local due, failed_at = redis.call('ZSCORE', KEYS[2], id), redis.call('ZSCORE', KEYS[3], id)
  local token = redis.call('HGET', KEYS[4], id)
  if due then
    place, detail = 'delayed', due
  elseif failed_at then
    place, detail = 'failed', failed_at
  elseif token then
    place, detail = 'running', token
  else
    place = 'waiting'
  end
end
local record, progress = redis.call('GET', KEYS[5]), redis.call('GET', KEYS[6])
return { payload or '', place, detail, record or '', progress or '' }
