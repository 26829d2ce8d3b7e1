-- KEYS: job, log, runs, pending, tasks.
-- ARGV: as named below ('1' is true, '' is none), then field and JSON value of each patch.
-- Returns: status, seq, rev, epoch, is cancelled, is complete, the event's text where a fraction was filled in, whether
--          the watchers were told, and the groups of lists as JSON where the state changed and nobody told them.
local job, log, runs, pending, tasks = unpack(KEYS)
local event, delivery, run_id, n, state, rank, attempt, is_terminal, only_if_queued, only_if_complete, task_id, claims,
  claimed, in_place_of, publish_id, outcome, value, parts, group, serializer, message_type, topic,
  action = unpack(ARGV, 1, 23)
local FIRST_PATCH = 24

local known = redis.call('HMGET', job, 'seq', 'rev', 'epoch', 'server', 'ended', 'cancel', 'rank', 'attempt',
  'oldest', 'bytes', 'lists')
if not known[1] then
  return { 'unknown', 0, 0, '', 0, 0, '', 0, '' }
end
local seq, rev, cancelled = tonumber(known[1]), tonumber(known[2]), known[6] and 1 or 0
local ended, known_rank, known_attempt = known[5], tonumber(known[7]), tonumber(known[8])
local epoch = current_epoch(job, known[3], known[4], seq)

local function answer(status, text, announced, lists)
  local complete = not ended and redis.call('EXISTS', pending) == 0
  return { status, seq, rev, epoch, cancelled, complete and 1 or 0, text or '', announced and 1 or 0, lists or '' }
end

-- The message of the transport's live_message, in the wire form of channels_redis' pub/sub layer.
local function announce()
  local message = { type = message_type, topic = topic, epoch = epoch, action = action, event = event }
  if delivery == 'log' then
    message.seq = seq
  else
    message.head, message.rev = seq, rev
  end
  local pack = serializer == 'json' and cjson.encode or cmsgpack.pack
  return type(redis.pcall('PUBLISH', group, pack(message))) == 'number'
end

local last = redis.call('HGET', runs, run_id)
if last and tonumber(n) <= tonumber(last) then
  return answer('duplicate')
end
if ended then
  return answer('ended')
end
if only_if_queued == '1' and known_rank > 0 then
  return answer('refused')
end
if only_if_complete == '1' and redis.call('EXISTS', pending) == 1 then
  return answer('refused')
end
local speaks_for = in_place_of ~= '' and in_place_of or run_id
if task_id ~= '' and (claims == '' or in_place_of ~= '') and outcome ~= 'succeeded'
  and is_superseded(tasks, task_id, tonumber(attempt), speaks_for, delivery) then
  return answer('superseded')
end
if publish_id ~= '' and outcome ~= 'succeeded' and redis.call('HEXISTS', pending, publish_id) == 0 then
  return answer('refused')
end

redis.call('HSET', runs, run_id, n)
if claims == '1' then
  claim(pending, tasks, task_id, tonumber(attempt), run_id, claimed)
end
local terminal, held = is_terminal == '1', false
if outcome ~= '' then
  end_execution(pending, tasks, task_id, publish_id, outcome, value)
  held = terminal and cannot_end_job(pending, tasks, outcome)
end
local fill, lists
if not held then
  fill = parts ~= '' and fraction_filler(tasks, task_id, tonumber(attempt), tonumber(parts))
  event = fill and fill(event) or event

  local changes
  if delivery == 'log' then
    seq = seq + 1
    redis.call('XADD', log, seq .. '-0', 'e', event)
    changes = { 'seq', seq, 'bytes', tonumber(known[10]) + #event }
    trim(log, seq, tonumber(known[9]), changes)
  else
    rev = rev + 1
    changes = { 'rev', rev, 'l:' .. action, rev }
  end
  for i = FIRST_PATCH, #ARGV, 2 do
    changes[#changes + 1] = 'f:' .. ARGV[i]
    changes[#changes + 1] = fill and fill(ARGV[i + 1]) or ARGV[i + 1]
  end
  if state ~= '' then
    local new_attempt, new_rank = tonumber(attempt), tonumber(rank)
    if terminal or new_attempt > known_attempt or (new_attempt == known_attempt and new_rank >= known_rank) then
      lists = (terminal or new_attempt ~= known_attempt or new_rank ~= known_rank) and known[11]
      for _, change in ipairs({ 'state', state, 'rank', rank, 'attempt', attempt }) do
        changes[#changes + 1] = change
      end
    end
  end
  if terminal then
    ended = '1'
    changes[#changes + 1] = 'ended'
    changes[#changes + 1] = ended
    redis.call('DEL', pending, tasks)
  end
  set_fields(job, changes, 1)
end

-- Renewed at times only: an EXPIRE per key and event would cost as much as the append.
if n == '1' or terminal or claims == '1' or seq % 256 == 0 then
  for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, ended and ENDED_SECONDS or ACTIVE_SECONDS)
  end
end
if held then
  return answer('held')
end
return answer('appended', fill and event, group ~= '' and announce(), lists)
