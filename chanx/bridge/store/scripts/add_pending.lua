-- KEYS: job, pending.  ARGV: publish id, task id, worker.  Returns 1; 0 for an unknown job or one that ended.
local job, pending = unpack(KEYS)
local known = redis.call('HMGET', job, 'seq', 'ended')
if not known[1] or known[2] then
  return 0
end
-- Added again, what a run has claimed stays so.
redis.call('HSETNX', pending, ARGV[1], ARGV[2] .. '\n' .. ARGV[3])
redis.call('EXPIRE', pending, ACTIVE_SECONDS)
redis.call('HSET', job, 'waits', redis.call('HLEN', pending))
return 1
