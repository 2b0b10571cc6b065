-- Sends commands of a plugin if a run still holds its job.
--
-- KEYS     see queue.lua; then those of the commands
-- ARGV     clock shift; id of the job; token of the run; commands
-- returns  1, or 0 if the run does not hold the job

-- include queue
-- include attached

local id, token = take(), take()
local commands = read_commands()
done_reading()
if call('HGET', tokens, id) ~= token then return 0 end
for _, words in ipairs(commands) do call(unpack(words)) end
return 1
