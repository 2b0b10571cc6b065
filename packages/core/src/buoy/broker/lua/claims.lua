-- Included by scripts that put jobs into a queue: reads and writes the claims of these jobs.

-- include queue

-- Reads how many claims there are, then for each its key and "started", "finished" or "latest".
local function read_claims()
  local wanted = {}
  local kinds = { started = true, finished = true, latest = true }
  for n = 1, number(0, MANY) do
    local key, last = take(), take()
    if not kinds[last] then refuse('claim', 'started, finished or latest', last) end
    if string.find(key, '\n', 1, true) then refuse('claim', 'a key of one line', key) end
    wanted[n] = { key, last }
  end
  return wanted
end

-- Returns the id of another job that holds one of these claims, or nil. A claim of kind "latest"
-- goes over to the new job, so it keeps no job out.
local function holder_of(wanted, id)
  for _, claim in ipairs(wanted) do
    local owner = claim[2] ~= 'latest' and call('HGET', claims, '>' .. claim[1])
    if owner and owner ~= id then return owner end
  end
end

local function write_claims(id, wanted)
  if #wanted == 0 then return end
  local lines, fields = {}, {}
  for n, claim in ipairs(wanted) do
    fields[#fields + 1], fields[#fields + 2] = '>' .. claim[1], id
    lines[n] = string.sub(claim[2], 1, 1) .. claim[1] .. '\n'
  end
  fields[#fields + 1], fields[#fields + 2] = '<' .. id, table.concat(lines)
  send('HSET', claims, fields)
end
