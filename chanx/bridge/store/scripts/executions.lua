-- What a job knows of its executions, until it ends. The hash `pending` has for each publish id the task id, a line
-- break, and the worker that published it, '*' once a run has claimed it. The hash `tasks` has
--   count, parts             how many tasks the job has, and the sum of their fractions in millionths
--   task:<task id>           the place of a task of the job among the final ones (1, 2, 3, …), 0 if it is not final
--   progress:<task id>       <attempt>:<millionths> of such a task
--   result:<task id>         the result of a final one as JSON, empty where it was too large
--   result_bytes             the size of all results together
--   unfinished               how many final ones have not succeeded
--   failure, cancellation    the first ones, as JSON
--   current:<task id>        <attempt>:<run id>, the newest attempt that runs and the run that may speak for it
local WHOLE, ENDED = 1000000, 2147483647

local function current_run(tasks, task_id)
  local attempt, run_id = string.match(redis.call('HGET', tasks, 'current:' .. task_id) or '-1:', '^(%-?%d+):(.*)$')
  return tonumber(attempt), run_id
end

local function pending_task(pending, publish_id)
  return string.match(redis.call('HGET', pending, publish_id) or '', '^(.*)\n[^\n]*$') or ''
end

-- The run becomes the current one, unless a later attempt has begun; the execution is no longer one that nobody began,
-- or is one again where it is given back.
local function claim(pending, tasks, task_id, attempt, run_id, publish_id, given_back)
  if publish_id and redis.call('HEXISTS', pending, publish_id) == 1 then
    redis.call('HSET', pending, publish_id, pending_task(pending, publish_id) .. (given_back and '\n' or '\n*'))
  end
  if attempt >= current_run(tasks, task_id) then
    redis.call('HSET', tasks, 'current:' .. task_id, string.format('%d:%s', attempt, run_id))
  end
end

-- Whether another run of the attempt is the current one, and whether a later attempt has begun. An attempt that is over
-- may still speak, as the next one can begin before it has said so; only its progress is old.
local function is_superseded(tasks, task_id, attempt, run_id, delivery)
  local current_attempt, current = current_run(tasks, task_id)
  if attempt < current_attempt then
    return delivery == 'latest', true
  end
  return attempt == current_attempt and run_id ~= current, false
end

-- Takes in how far a task is; the greater one of (attempt, parts) counts: a retry may go back, an attempt by itself does
-- not. Returns the job's count and parts. A job of one task keeps no account.
local function advance(tasks, task_id, attempt, parts)
  local known = redis.call('HMGET', tasks, 'count', 'parts', 'task:' .. task_id, 'progress:' .. task_id)
  local count, sum = tonumber(known[1] or 0), tonumber(known[2] or 0)
  if count < 2 or not known[3] then
    return count, sum
  end
  local known_attempt, known_parts = string.match(known[4] or '0:0', '^(%d+):(%d+)$')
  known_attempt, known_parts = tonumber(known_attempt), tonumber(known_parts)
  if attempt > known_attempt or (attempt == known_attempt and parts > known_parts) then
    sum = sum + parts - known_parts
    redis.call('HSET', tasks, 'progress:' .. task_id, attempt .. ':' .. parts, 'parts', sum)
  end
  return count, sum
end

local function keep_result(tasks, task_id, value)
  local known = redis.call('HMGET', tasks, 'task:' .. task_id, 'result:' .. task_id, 'result_bytes')
  if not known[1] or known[1] == '0' or known[2] then
    return
  end
  redis.call('HINCRBY', tasks, 'unfinished', -1)
  local size = (tonumber(known[3]) or 0) + #value
  if size > MAX_RESULT_BYTES then
    redis.call('HSET', tasks, 'result:' .. task_id, '')
  else
    redis.call('HSET', tasks, 'result:' .. task_id, value, 'result_bytes', size)
  end
end

local function end_execution(pending, tasks, task_id, publish_id, outcome, value)
  if publish_id then
    task_id = task_id ~= '' and task_id or pending_task(pending, publish_id)
    redis.call('HDEL', pending, publish_id)
  end
  if outcome == 'none' then
    return
  end
  if outcome == 'succeeded' then
    keep_result(tasks, task_id, value)
  else
    redis.call('HSETNX', tasks, outcome == 'failed' and 'failure' or 'cancellation', value)
  end
  advance(tasks, task_id, ENDED, WHOLE)
end

-- Whether an execution that ended so cannot end the job: others are to come, or it has succeeded.
local function cannot_end_job(waits, tasks, outcome)
  return waits > 0
    or (outcome ~= 'succeeded' and redis.call('HGET', tasks, 'unfinished') == '0')
end

-- A function that fills the job's fraction into a text; nil for a job of one task, whose texts stay as they are.
local function fraction_filler(tasks, task_id, attempt, parts)
  local count, sum = advance(tasks, task_id, attempt, parts)
  if count < 2 then
    return nil
  end
  local fraction, done = string.format('%.10g', sum / WHOLE / count), string.format('%.10g', sum / WHOLE)
  return function(text)
    text = string.gsub(text, '"@fraction@"', fraction)
    text = string.gsub(text, '"@done@"', done)
    return (string.gsub(text, '"@tasks@"', string.format('%d', count)))
  end
end
