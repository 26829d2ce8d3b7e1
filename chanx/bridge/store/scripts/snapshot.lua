-- KEYS: job, log.  Returns: oldest, then all fields and values of the job; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'epoch', 'server')
if not known[1] then
  return nil
end
local seq = tonumber(known[1])
current_epoch(KEYS[1], known[2], known[3], seq)
return { oldest_seq(KEYS[2], seq), redis.call('HGETALL', KEYS[1]) }
