-- Included by scripts that enqueue: tells which ids are over, and counts the jobs by class. Needs the
-- key `meta`.

-- include classes

-- Returns whether a job with this id has ended, by its score in `ended`. A job that was removed while it
-- waited is noted with half a millisecond: its id can be used again at once.
local function is_over(score)
  return score and tonumber(score) % 1 == 0
end

-- Adds to the number of jobs of a class that were enqueued. Cannot fail.
local function count_enqueued(class, number)
  local field = 'enqueued:' .. class
  local total = redis.pcall('HINCRBY', meta, field, number)
  if type(total) == 'number' and total ~= number then return end
  pcall(function()
    if type(total) == 'table' then redis.call('HSET', meta, field, number) end -- it was no number
    local name = name_new_class(class)
    if name ~= class then
      redis.call('HDEL', meta, field)
      count_enqueued(name, number)
    end
  end)
end
