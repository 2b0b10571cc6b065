-- Returns what a queue has counted in the minute, the hour or the day that is not over yet.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; what the fields of its snapshots begin with ('minute:', 'hour:' or 'day:');
--          the milliseconds of the period
-- returns  a row for each class that has counted anything, as lua/series.lua will write it
--
-- Nobody has ended the period in which a worker looked last, so the rows belong to that one.

-- include growth

local prefix, length = take(), number(1, GREATEST)
done_reading()
call('HLEN', meta)

local at, rows = math.floor(stored_number(call('HGET', meta, 'seen')) / length), {}
if at == 0 then return rows end
for n, grown in ipairs(grown_classes(counted_classes(), prefix, at)) do rows[n] = grown.row end
return rows
