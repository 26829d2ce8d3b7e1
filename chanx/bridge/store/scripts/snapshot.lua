-- KEYS: job.  Returns: all fields and values of the job; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'epoch')
if not known[1] then
  return nil
end
current_epoch(KEYS[1], known[2], tonumber(known[1]))
return redis.call('HGETALL', KEYS[1])
