-- KEYS: job.  ARGV: reason, if any.  Sets the flag unless the job has ended.  Returns its state; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'state', 'ended')
if not known[1] then
  return nil
end
if not known[2] and redis.call('HSETNX', KEYS[1], 'cancel', 1) == 1 and ARGV[1] then
  redis.call('HSET', KEYS[1], 'reason', ARGV[1])
end
return known[1]
