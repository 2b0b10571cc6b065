-- Included by repair.lua: checks permits, and the lines of jobs that wait for them.

-- include queue
-- include permits

-- Reads the keys to check, each with '1' if its permits are to be counted.
local function read_keys()
  local keys = {}
  for n = 1, number(0, NAMED) do keys[n] = { name = take(), recount = take() == '1' } end
  return keys
end

-- Returns how many jobs hold a permit of each key.
local function count_holders()
  local holders, from = {}, '0'
  repeat
    local page = call('HSCAN', claims, from, 'MATCH', '\\?*', 'COUNT', 1000)
    for n = 2, #page[2], 2 do
      for _, need in ipairs(permits().read_needs(page[2][n])) do
        if need.held and not need.burst then holders[need.key] = (holders[need.key] or 0) + 1 end
      end
    end
    from = page[1]
  until from == '0'
  return holders
end

-- Returns what is wrong with the permits of a job that is in this place.
local function wrong_permits(id, place)
  local needs = permits().read_needs(call('HGET', claims, '?' .. id))
  if place == 'blocked' and not (needs.line and call('ZSCORE', lines, permits().member(id, needs))) then
    return 'line'
  end
  for _, need in ipairs(needs) do
    if need.held and not need.burst and (place == 'blocked' or place == 'delayed') then return 'holds' end
  end
  return ''
end

-- Returns whether the first job in the line of a key could be queued.
local function is_idle(key)
  local first = call('ZRANGEBYLEX', lines, '[' .. key .. '\n', '(' .. key .. '\v', 'LIMIT', 0, 1)[1]
  local id = first and string.match(first, '^[^\n]*\n%d+\n(.*)$')
  if not first then return false end
  local full = permits().find_full(permits().read_needs(id and call('HGET', claims, '?' .. id)), key)
  return not full or full.key ~= key
end

-- Returns what is wrong with each of these keys: '', 'count' or 'idle'. With `mend` it is put right.
local function check_keys(keys, mend)
  local holders, answers
  for n, key in ipairs(keys) do
    local field = '#' .. key.name
    if key.recount then holders = holders or count_holders() end
    local right = key.recount and holders[key.name] or 0
    answers = answers or {}
    if key.recount and permits().taken_in(call('HGET', claims, field)) ~= right then
      answers[n] = 'count'
      if mend and right == 0 then call('HDEL', claims, field) end
      if mend and right > 0 then call('HSET', claims, field, string.format('%.0f', right)) end
    else
      answers[n] = is_idle(key.name) and 'idle' or ''
    end
    if mend then permits().admit(key.name, GREATEST) end
  end
  return answers or {}
end
