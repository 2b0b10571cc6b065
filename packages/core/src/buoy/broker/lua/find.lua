-- Returns where a job is, and other values of its queue, all at one moment.
--
-- KEYS     see queue.lua; then keys of strings that are read, too
-- ARGV     clock shift; id
-- returns  payload, state and detail as in state.lua; or the state 'ended', and when (in ms);
--          the payload of a job that has ended is ''; all three '' if the queue does not know the id;
--          then the values of the other keys, '' for none

-- include queue
-- include state

local id = take()
done_reading()
read_all()

local function found()
  local payload = call('HGET', jobs, id)
  if not payload then
    local ended_at = call('ZSCORE', ended, id)
    return { '', ended_at and 'ended' or '', ended_at and string.match(ended_at, '^%d+') or '' }
  end
  return { payload, state_of(id, call, delayed, failed, blocked, tokens) }
end

local answer = found()
for n = OWN + 1, #KEYS do answer[#answer + 1] = call('GET', KEYS[n]) or '' end
return answer
