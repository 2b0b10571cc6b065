-- Included by scripts in which jobs end or start: frees their claims.

-- include queue

-- Frees the claims of jobs: all claims, or only those that last until a job starts. Does not touch
-- a claim that another job holds by now (because an operator released it, or it is of kind
-- "latest").
local function free(ids, started_only)
  local lists, freed, owners, gone, left = {}, {}, {}, {}, {}
  for n, id in ipairs(ids) do lists[n] = '<' .. id end
  for n, list in ipairs(ask('HMGET', claims, lists)) do
    local rest = {}
    if not list or (started_only and not string.find('\n' .. list, '\ns', 1, true)) then
      list = nil -- there is nothing to free
    end
    for kind, key in string.gmatch(list or '', '(%l)([^\n]*)\n') do
      if started_only and kind ~= 's' then
        rest[#rest + 1] = kind .. key .. '\n'
      else
        freed[#freed + 1], owners[#owners + 1] = '>' .. key, ids[n]
      end
    end
    if list and #rest == 0 then
      gone[#gone + 1] = lists[n]
    elseif list then
      left[#left + 1], left[#left + 2] = lists[n], table.concat(rest)
    end
  end
  for n, owner in ipairs(ask('HMGET', claims, freed)) do
    if owner == owners[n] then gone[#gone + 1] = freed[n] end
  end
  send('HDEL', claims, gone)
  send('HSET', claims, left)
end
