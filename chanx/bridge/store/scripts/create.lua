-- KEYS: job, pending, tasks.
-- ARGV: record, groups of lists as JSON, how many pending ones, publish id and task id of each, then task id and place
--       of each task: final ones are counted from 1, 0 is none.
-- Returns 1, or 0 where the id is taken by another job.
local job, pending, tasks = unpack(KEYS)
local taken = redis.call('HGET', job, 'record')
if taken then
  -- The same record, ids and times and all: a repetition whose answer was lost.
  return taken == ARGV[1] and 1 or 0
end
redis.call('HSET', job, 'record', ARGV[1], 'state', 'queued', 'rank', 0, 'attempt', 0, 'seq', 0, 'rev', 0, 'oldest', 1,
  'bytes', 0, 'waits', ARGV[3], 'lists', ARGV[2], 'epoch', SERVER .. '-0')

local executions, parts, unfinished = {}, { 'parts', 0 }, 0
local first_task = 4 + 2 * tonumber(ARGV[3])
for i = 4, first_task - 1, 2 do
  executions[#executions + 1] = ARGV[i]
  executions[#executions + 1] = ARGV[i + 1] .. '\n'
end
set_fields(pending, executions, 1)
for i = first_task, #ARGV, 2 do
  parts[#parts + 1] = 'task:' .. ARGV[i]
  parts[#parts + 1] = ARGV[i + 1]
  unfinished = unfinished + (ARGV[i + 1] == '0' and 0 or 1)
end
for _, value in ipairs({ 'count', (#ARGV - first_task + 1) / 2, 'unfinished', unfinished }) do
  parts[#parts + 1] = value
end
set_fields(tasks, parts, 1)

for _, key in ipairs(KEYS) do
  redis.call('EXPIRE', key, ACTIVE_SECONDS)
end
return 1
