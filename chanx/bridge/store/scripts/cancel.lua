-- KEYS: job.  Sets the flag unless the job has ended.  Returns its state; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'state', 'ended')
if not known[1] then
  return nil
end
if not known[2] then
  redis.call('HSET', KEYS[1], 'cancel', 1)
end
return known[1]
