-- KEYS: job, tasks.  Returns: is cancelled, why (or nil), then all fields and values of the tasks; nil for an unknown job
-- or one that has ended.
local known = redis.call('HMGET', KEYS[1], 'seq', 'ended', 'cancel', 'reason')
if not known[1] or known[2] then
  return nil
end
return { known[3] and 1 or 0, known[4], redis.call('HGETALL', KEYS[2]) }
