-- Moves jobs from the failed set to the tail of their queue, each to its priority.
--
-- KEYS     see queue.lua
-- ARGV     clock shift; the jobs (see failed.lua)
-- returns  for each 'queued', 'blocked' or 'delayed' (it gets no permit, or a later time), 'gone', or
--          'exists ID' with the id of the job that holds its claim

-- include failed

local wanted, answers = read_failed(), {}
done_reading()
read_all()

for n, job in ipairs(wanted) do
  answers[n] = take_out(job)
  if not answers[n] then
    local needs, entered, instead, ranked_now = job.claims.needs, true, nil, false
    if any_need(needs) then entered, instead = permits().enter(job.id, needs) end
    if entered then
      if any_need(needs) then ranked_now = permits().rank(job.id, needs) end
      if not ranked_now then call('RPUSH', queued, job.id) end
      note_due({ now, job.id })
    end
    answers[n] = entered and 'queued' or instead
  end
end
if call('EXISTS', queued, ranked) > 0 then wake() end
return answers
