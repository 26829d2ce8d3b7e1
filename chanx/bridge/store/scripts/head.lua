-- KEYS: job.  Returns: epoch, seq, rev; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'rev', 'epoch', 'server')
if not known[1] then
  return nil
end
return { current_epoch(KEYS[1], known[3], known[4], tonumber(known[1])), tonumber(known[1]), tonumber(known[2]) }
