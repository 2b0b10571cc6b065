-- Included by scripts that count by class, into the key `meta`. A queue counts 200 classes, each
-- under its name; all further ones count together.

local OTHER, MOST_CLASSES, LONGEST_NAME = '(other)', 200, 300

-- Returns the name under which a class is counted that has had no counts, and notes that name.
local function name_new_class(class)
  if class == '' or #class > LONGEST_NAME then class = OTHER end
  local right, listed = pcall(cjson.decode, redis.call('HGET', meta, 'classes') or '[]')
  local names = {}
  for _, each in ipairs(right and type(listed) == 'table' and listed or {}) do
    if each == class then return class end
    if type(each) == 'string' then names[#names + 1] = each end
  end
  if class ~= OTHER and #names >= MOST_CLASSES then return name_new_class(OTHER) end
  names[#names + 1] = class
  redis.call('HSET', meta, 'classes', cjson.encode(names))
  return class
end
