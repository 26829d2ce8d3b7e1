-- KEYS: job, log, runs, pending, tasks.
-- ARGV: as named below ('' is none), then field and JSON value of each patch. `parts` are the millionths of the task that
--       are done; `terms` is a JSON object of what few events have, as the Python side names it.
-- Returns: status, seq, rev, epoch, the sum of 1 (is cancelled), 2 (is complete) and 4 (the watchers were told); and then,
--          if there is any, the event's text with the fraction filled in, and as JSON the groups of lists to be told.
--
-- Most events are one of many of a run. So the job has the newest writer (`run`), its newest number (`n`) and, where
-- nobody can have silenced it, for which attempt of which task it speaks (`speaks`); `runs` has the other writers.
local job, log, runs, pending, tasks = unpack(KEYS)
local job_id, run_id, task_id, attempt, n, action, delivery, event, parts, terms = unpack(ARGV, 1, 10)
local FIRST_PATCH = 11
local speaks = attempt .. ':' .. task_id

local known = redis.call('HMGET', job, 'seq', 'rev', 'epoch', 'ended', 'cancel', 'waits', 'run', 'n', 'speaks', 'oldest',
  'bytes')
if not known[1] then
  return { 'unknown', 0, 0, '', 0 }
end
local seq, rev, ended, waits = tonumber(known[1]), tonumber(known[2]), known[4], tonumber(known[6])
local epoch = current_epoch(job, known[3], seq)
local knows_writer = known[7] == run_id
attempt, n, terms = tonumber(attempt), tonumber(n), terms ~= '' and cjson.decode(terms) or {}

local function answer(status, announced, text, lists)
  local flags = (known[5] and 1 or 0) + (not ended and waits == 0 and 2 or 0) + (announced and 4 or 0)
  if text or lists then
    return { status, seq, rev, epoch, flags, text or '', lists or '' }
  end
  return { status, seq, rev, epoch, flags }
end

local last = tonumber(knows_writer and known[8] or redis.call('HGET', runs, run_id))
if last and n <= last then
  return answer('duplicate')
end
if ended then
  return answer('ended')
end
if terms.only_if_queued and redis.call('HGET', job, 'rank') ~= '0' then
  return answer('refused')
end
if terms.only_if_complete and waits > 0 then
  return answer('refused')
end
if task_id ~= '' and (terms.in_place_of or not knows_writer or known[9] ~= speaks) then
  local speaks_for = terms.in_place_of or run_id
  local superseded, is_old = is_superseded(tasks, task_id, attempt, speaks_for, delivery)
  if superseded and terms.outcome ~= 'succeeded' and not (terms.claims and not terms.in_place_of) then
    return answer('superseded')
  end
  if superseded or is_old or (terms.in_place_of and not terms.claims) then
    speaks = ''
  end
end
if terms.publish_id and terms.outcome ~= 'succeeded' and redis.call('HEXISTS', pending, terms.publish_id) == 0 then
  return answer('refused')
end

-- The message of the transport's live_message; nil where the script is not to tell anybody.
local function announce(state, groups)
  local message = { type = MESSAGE_TYPE, topic = JOB_TOPIC .. job_id, epoch = epoch, action = action, event = event }
  if delivery == 'log' then
    message.seq = seq
  else
    message.head, message.rev = seq, rev
  end
  message.trace = terms.trace
  local told = publish(JOB_GROUP .. job_id, message)
  for _, group in ipairs(groups and cjson.decode(groups) or {}) do
    told = publish(group, { type = MESSAGE_TYPE, topic = group, job_id = job_id, state = state }) and told
  end
  return told
end

local terminal, held = terms.terminal, false
local changes = { 'n', n }
local function change(name, value)
  changes[#changes + 1] = name
  changes[#changes + 1] = value
end

if not knows_writer then
  if known[7] then
    redis.call('HSET', runs, known[7], known[8])
  end
  change('run', run_id)
end
if speaks ~= known[9] or not knows_writer then
  change('speaks', speaks)
end
if terms.claims then
  claim(pending, tasks, task_id, attempt, run_id, terms.claimed, terms.given_back)
end
if terms.outcome then
  end_execution(pending, tasks, task_id, terms.publish_id, terms.outcome, terms.value)
  waits = redis.call('HLEN', pending)
  change('waits', waits)
  held = terminal and cannot_end_job(waits, tasks, terms.outcome)
end

local fill, lists
if not held then
  fill = parts ~= '' and fraction_filler(tasks, task_id, attempt, tonumber(parts))
  event = fill and fill(event) or event
  if delivery == 'log' then
    seq = seq + 1
    redis.call('XADD', log, seq .. '-0', 'e', event)
    local oldest, bytes = tonumber(known[10]), tonumber(known[11]) + #event
    if seq - oldest >= MAX_ENTRIES or bytes > MAX_BYTES then
      oldest, bytes = trim(log, seq, oldest, bytes)
      change('oldest', oldest)
    end
    change('seq', seq)
    change('bytes', bytes)
  else
    rev = rev + 1
    change('rev', rev)
    change('l:' .. action, rev)
  end
  for i = FIRST_PATCH, #ARGV, 2 do
    change('f:' .. ARGV[i], fill and fill(ARGV[i + 1]) or ARGV[i + 1])
  end
  if terms.state then
    local job_known = redis.call('HMGET', job, 'rank', 'attempt', 'lists')
    local newer = attempt - tonumber(job_known[2])
    if newer == 0 then
      newer = terms.rank - tonumber(job_known[1])
    end
    if terminal or newer >= 0 then
      change('state', terms.state)
      change('rank', terms.rank)
      change('attempt', attempt)
      -- The same state of the same attempt again is no news.
      lists = (terminal or newer > 0) and job_known[3]
    end
  end
  if terminal then
    ended = '1'
    change('ended', ended)
    redis.call('DEL', pending, tasks)
  end
end
set_fields(job, changes, 1)

-- Renewed at times only: an EXPIRE per key and event would cost as much as the append.
if not last or terminal or terms.claims or n % 256 == 0 then
  for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, ended and ENDED_SECONDS or ACTIVE_SECONDS)
  end
end
if held then
  return answer('held')
end
local announced = publish and announce(terms.state, lists)
return answer('appended', announced, fill and event, not announced and lists)
