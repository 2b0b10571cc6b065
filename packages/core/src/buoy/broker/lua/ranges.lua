-- Returns the first members of several sorted sets of one server.
--
-- KEYS     sorted sets
-- ARGV     'up' or 'down': in which order; the last score that counts, '' for any; then for each key the
--          score at which to begin, '' for the first one, and how many members at most
-- returns  for each key its members, each followed by its score; false for a key of a wrong type

local pcall, up, last = redis.pcall, ARGV[1] == 'up', ARGV[2]
local by_place, by_score = up and 'ZRANGE' or 'ZREVRANGE', up and 'ZRANGEBYSCORE' or 'ZREVRANGEBYSCORE'
local first, final = up and '-inf' or '+inf', last == '' and (up and '+inf' or '-inf') or last

local found = {}
for n, key in ipairs(KEYS) do
  local start, count, answer = ARGV[2 * n + 1], ARGV[2 * n + 2]
  if start == '' and last == '' then  -- it costs half as much
    answer = pcall(by_place, key, 0, count - 1, 'WITHSCORES')
  else
    if start == '' then start = first end
    answer = pcall(by_score, key, start, final, 'WITHSCORES', 'LIMIT', 0, count)
  end
  found[n] = not answer.err and answer
end
return found
