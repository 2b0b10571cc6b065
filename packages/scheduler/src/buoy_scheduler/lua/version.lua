-- Included by scripts that change the runtime schedule.
-- include clock

-- Increases the version of the runtime schedule (KEYS[1]), so that daemons read it again. A version
-- that is no number counts as 0. The first version begins with the time: it differs from every
-- version before a loss of all data.
local function increase_version()
  local last = redis.call('HGET', KEYS[1], 'version') or string.format('%d%06d', clock[1], clock[2])
  redis.call('HSET', KEYS[1], 'version', string.format('%d', (tonumber(last) or 0) + 1))
end
