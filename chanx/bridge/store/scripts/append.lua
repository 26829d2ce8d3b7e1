-- KEYS: job, log, runs.
-- ARGV: event, delivery, run id, n, state, rank, attempt, is terminal, only if queued, max entries, active seconds,
--       ended seconds, then field and JSON value of each patch.
-- Returns: status, seq, rev, epoch, is cancelled.
local job, log, runs = KEYS[1], KEYS[2], KEYS[3]
local known = redis.call('HMGET', job, 'seq', 'rev', 'epoch', 'server', 'ended', 'cancel', 'rank', 'attempt')
if not known[1] then
  return { 'unknown', 0, 0, '', 0 }
end
local seq, rev, cancelled = tonumber(known[1]), tonumber(known[2]), known[6] and 1 or 0
local epoch = current_epoch(job, known[3], known[4], seq)

local function answer(status)
  return { status, seq, rev, epoch, cancelled }
end

local last = redis.call('HGET', runs, ARGV[3])
if last and tonumber(ARGV[4]) <= tonumber(last) then
  return answer('duplicate')
end
if known[5] then
  return answer('ended')
end
if ARGV[9] == '1' and tonumber(known[7]) > 0 then
  return answer('refused')
end

local changes = {}
if ARGV[2] == 'log' then
  seq = seq + 1
  redis.call('XADD', log, 'MAXLEN', ARGV[10], seq .. '-0', 'e', ARGV[1])
  changes = { 'seq', seq }
else
  rev = rev + 1
  changes = { 'rev', rev }
end
for i = 13, #ARGV, 2 do
  changes[#changes + 1] = 'f:' .. ARGV[i]
  changes[#changes + 1] = ARGV[i + 1]
end
local terminal = ARGV[8] == '1'
if ARGV[5] ~= '' then
  local attempt, rank = tonumber(ARGV[7]), tonumber(ARGV[6])
  local known_attempt, known_rank = tonumber(known[8]), tonumber(known[7])
  if terminal or attempt > known_attempt or (attempt == known_attempt and rank >= known_rank) then
    for _, value in ipairs({ 'state', ARGV[5], 'rank', ARGV[6], 'attempt', ARGV[7] }) do
      changes[#changes + 1] = value
    end
  end
end
if terminal then
  changes[#changes + 1] = 'ended'
  changes[#changes + 1] = 1
end
redis.call('HSET', job, unpack(changes))
redis.call('HSET', runs, ARGV[3], ARGV[4])

-- Renewed at times only: an EXPIRE per key and event would cost as much as the append.
if terminal or ARGV[4] == '1' or seq % 256 == 0 then
  local seconds = terminal and ARGV[12] or ARGV[11]
  for _, key in ipairs(KEYS) do
    redis.call('EXPIRE', key, seconds)
  end
end
return answer('appended')
