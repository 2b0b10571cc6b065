-- Returns where a job is.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; id
-- returns  nothing if the queue does not know the id; else payload, state ('queued', 'delayed',
--          'running' or 'failed'), and the detail: the due time or the time of the failure (in ms),
--          the token of a running job, or ''

-- include queue

local id = take()
done_reading()
read_all()
local payload = call('HGET', jobs, id)
if not payload then return {} end
local due, failed_at = call('ZSCORE', delayed, id), call('ZSCORE', failed, id)
local token = call('HGET', tokens, id)
if due then return { payload, 'delayed', due } end
if failed_at then return { payload, 'failed', failed_at } end
if token then return { payload, 'running', token } end
return { payload, 'queued', '' }
