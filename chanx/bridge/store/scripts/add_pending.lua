-- KEYS: job, pending.  ARGV: publish id, task id, worker.  Returns 1; 0 for an unknown job or one that ended.
local known = redis.call('HMGET', KEYS[1], 'seq', 'ended')
if not known[1] or known[2] then
  return 0
end
-- Added again, what a run has claimed stays so.
redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2] .. '\n' .. ARGV[3])
redis.call('EXPIRE', KEYS[2], ACTIVE_SECONDS)
return 1
