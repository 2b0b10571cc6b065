-- Included by permits.lua, each time that a job needs permits: the needs of a job as Redis stores them.
--
-- In `claims`, ?ID holds the needs of a job, one a line: 'f' or 's' (it needs the permit until it
-- has finished, or started); '+' if it holds it, else '-'; the limit that it declares; ' '; the key.
-- A job whose key has a pace has a line 'p', '+' or '-', the microseconds between two jobs, ':', how
-- many may begin together, ' ', the key; '+' says that the job has been given its time.
-- A job that has started, and so has used what it needed until then, has a line 'u'; a further attempt
-- needs all anew. A blocked job has one more line: 'b', its number in the line, ' ', the key of the line.
-- It keeps that while somebody has taken it out of the line, and so returns to its place.
--
-- The needs of a job that has a priority have a line 'q' and that (see RANKS in claims.lua). Such a
-- job is queued in `ranked`, from where it is taken before or after those in the list.

local function read_needs(text)
  local needs = {}
  for line in string.gmatch(text or '', '([^\n]*)\n') do
    local word, held, most, burst, key = string.match(line, '^([fsp])([+-])(%d+):?(%d*) (.*)$')
    if key then
      needs[#needs + 1] = {
        word = word, held = held == '+', most = stored_number(most), key = key,
        burst = word == 'p' and math.max(1, stored_number(burst)) or nil,
      }
    else
      local number, waits_for = string.match(line, '^b(%d+) (.*)$')
      if number then needs.number, needs.line = number, waits_for end
      needs.rank = needs.rank or string.match(line, '^q(%l.*)$')
      needs.started = needs.started or line == 'u'
    end
  end
  return needs
end

local function needs_text(needs)
  local lines = {}
  for n, need in ipairs(needs) do
    local burst = need.burst and string.format(':%.0f', need.burst) or ''
    local held = need.held and '+' or '-'
    lines[n] = string.format('%s%s%.0f%s %s\n', need.word, held, need.most, burst, need.key)
  end
  if needs.rank then lines[#lines + 1] = 'q' .. needs.rank .. '\n' end
  if needs.started then lines[#lines + 1] = 'u\n' end
  if needs.line then lines[#lines + 1] = 'b' .. needs.number .. ' ' .. needs.line .. '\n' end
  return table.concat(lines)
end
