-- Included by the scripts of workers: counts what becomes of jobs, by their class. The counts of a
-- class are one field of `meta`, as JSON. If that cannot be read, they begin anew: no script fails
-- for what it counts.

-- include queue
-- include classes

-- Most calls count nothing. So few functions are made before there is anything to count: Lua makes
-- all functions of a script again in each call.

local LAST_BUCKET = 27
local counted = {} -- class -> what this script counts
local stored_counts = {} -- class -> its field, if the script has read it; false if there is none

local function count(class, what, number)
  local counts = counted[class] or { waiting = {}, running = {} }
  counted[class], counts[what] = counts, (counts[what] or 0) + number
end

-- Returns what is a number of things, or of seconds; else 0.
local function amount(value)
  return type(value) == 'number' and value >= 0 and value <= GREATEST and value or 0
end

-- Adds counts to the sums, some of which may be no numbers.
local function add(sums, counts)
  for name, value in pairs(counts) do
    if type(value) == 'table' then
      local buckets = type(sums[name]) == 'table' and sums[name] or {}
      for bucket, number in pairs(value) do buckets[bucket] = amount(buckets[bucket]) + number end
      sums[name] = buckets
    else
      sums[name] = amount(sums[name]) + value
    end
  end
end

-- Moves what was counted of new classes to the names under which they are counted.
local function name_new_classes()
  local new = {}
  for class in pairs(counted) do
    local text = stored_counts[class]
    if text == nil then text = call('HGET', meta, 'counts:' .. class) end
    stored_counts[class] = text
    if not text then new[#new + 1] = class end
  end
  table.sort(new)
  for _, class in ipairs(new) do
    local name, counts = name_new_class(class), counted[class]
    if name ~= class then
      counted[class], counted[name] = nil, counted[name] or {}
      add(counted[name], counts)
      stored_counts[name] = stored_counts[name] or call('HGET', meta, 'counts:' .. name)
    end
  end
end

-- Returns the fields of `meta` that hold what was counted up to now, with their values.
local function counted_words()
  local words, all_stored = {}, true
  for class in pairs(counted) do all_stored = all_stored and stored_counts[class] end
  if not all_stored then name_new_classes() end
  for class, counts in pairs(counted) do
    local right, sums = pcall(cjson.decode, stored_counts[class] or '')
    if not right or type(sums) ~= 'table' then sums = {} end
    add(sums, counts)
    local can_be_written, text = pcall(cjson.encode, sums)
    words[#words + 1] = 'counts:' .. class
    words[#words + 1] = can_be_written and text or cjson.encode(counts)
  end
  return words
end
