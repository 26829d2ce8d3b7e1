-- KEYS: job, log.  ARGV: after, limit.  Returns: oldest, head, epoch, then the stream entries; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'epoch', 'server')
if not known[1] then
  return nil
end
local seq = tonumber(known[1])
local epoch = current_epoch(KEYS[1], known[2], known[3], seq)
local entries = redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])
return { oldest_seq(KEYS[2], seq), seq, epoch, entries }
