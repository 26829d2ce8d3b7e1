-- KEYS: job.  Returns: epoch, seq, rev, is complete, has ended; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'rev', 'epoch', 'ended', 'waits')
if not known[1] then
  return nil
end
local seq, ended = tonumber(known[1]), known[4] and 1 or 0
local epoch = current_epoch(KEYS[1], known[3], seq)
return { epoch, seq, tonumber(known[2]), ended == 0 and known[5] == '0' and 1 or 0, ended }
