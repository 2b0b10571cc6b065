-- Included by scripts that tell by how much the counts of a queue have grown since a period ended.
-- The names of their helpers stay within functions: most calls of a script need none of them.

-- include counts

-- Returns the names of all classes that are counted; looks for them if other programs have spoilt
-- the list. Returns whether it did.
local function counted_classes()
  local function find()
    local names, known, cursor = {}, {}, '0'
    for _ = 1, 100 do
      local page = call('HSCAN', meta, cursor, 'COUNT', 1000)
      for n = 1, #page[2], 2 do
        local field = page[2][n]
        local class = string.match(field, '^counts:(.+)') or string.match(field, '^enqueued:(.+)')
        if class and not known[class] and #names <= MOST_CLASSES then
          known[class], names[#names + 1] = true, class
        end
      end
      cursor = page[1]
      if cursor == '0' then break end
    end
    return names, true
  end

  local right, names = pcall(cjson.decode, call('HGET', meta, 'classes') or '')
  if not right or type(names) ~= 'table' or #names == 0 then return find() end
  for _, name in ipairs(names) do
    if type(name) ~= 'string' then return find() end
  end
  return names, false
end

-- Returns for each class that has counted anything since its last snapshot, in a list: its name, a
-- row for the period `at` as JSON, and the next snapshot. `prefix`: of the fields of the snapshots.
local function grown_classes(names, prefix, at)
  -- Returns the number of enqueued jobs and the other counts in the text of a snapshot.
  local function read_snapshot(text)
    local enqueued, json = string.match(text or '', '^(%S+) (.*)$')
    local right, counts = pcall(cjson.decode, json or '')
    if not right or type(counts) ~= 'table' then counts = {} end
    counts.enqueued = stored_number(enqueued)
    return counts
  end

  -- Returns what has grown, by how much. A number that is smaller than before has begun anew.
  local function growth(counts, before)
    local grown = {}
    for name, value in pairs(counts) do
      local last = before[name]
      if type(value) == 'table' then
        local buckets = growth(value, type(last) == 'table' and last or {})
        if next(buckets) then grown[tostring(name)] = buckets end
      else
        local now_counted, least = amount(value), amount(last)
        if now_counted > 0 and now_counted ~= least then
          grown[tostring(name)] = now_counted > least and now_counted - least or now_counted
        end
      end
    end
    return grown
  end

  local fields, found = {}, {}
  for _, class in ipairs(names) do
    for _, field in ipairs({ 'enqueued:', 'counts:', prefix }) do
      fields[#fields + 1] = field .. class
    end
  end
  local values = ask('HMGET', meta, fields)
  for n, class in ipairs(names) do
    local enqueued, counts, snapshot = unpack(values, 3 * n - 2, 3 * n)
    local text = (enqueued or 0) .. ' ' .. (counts or '')
    if text ~= snapshot then
      local grown = growth(read_snapshot(text), read_snapshot(snapshot))
      grown.class, grown.at, grown.noted = class, at, now
      found[#found + 1] = { class = class, row = cjson.encode(grown), snapshot = text }
    end
  end
  return found
end
