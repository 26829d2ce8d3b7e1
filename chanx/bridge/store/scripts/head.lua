-- KEYS: job, pending.  Returns: epoch, seq, rev, is complete, has ended; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'rev', 'epoch', 'server', 'ended')
if not known[1] then
  return nil
end
local seq, ended = tonumber(known[1]), known[5] and 1 or 0
local epoch = current_epoch(KEYS[1], known[3], known[4], seq)
return { epoch, seq, tonumber(known[2]), 1 - math.max(ended, redis.call('EXISTS', KEYS[2])), ended }
