-- KEYS: job, log.  ARGV: after, limit.  Returns: oldest, head, epoch, then the stream entries; nil for an unknown job.
local known = redis.call('HMGET', KEYS[1], 'seq', 'epoch', 'oldest')
if not known[1] then
  return nil
end
local head, oldest, limit = tonumber(known[1]), tonumber(known[3]), tonumber(ARGV[2])
local epoch = current_epoch(KEYS[1], known[2], head)

-- In portions, as entries may be large, and only PAGE_BYTES of them are wanted.
local entries, bytes, next_seq = {}, 0, math.max(tonumber(ARGV[1]) + 1, oldest)
while next_seq <= head and #entries < limit and bytes < PAGE_BYTES do
  local portion = redis.call('XRANGE', KEYS[2], next_seq .. '-0', '+', 'COUNT', math.min(32, limit - #entries))
  for _, entry in ipairs(portion) do
    if bytes < PAGE_BYTES then
      entries[#entries + 1] = entry
      bytes = bytes + #entry[2][2]
    end
  end
  local first_seq = portion[1] and tonumber(string.match(portion[1][1], '^%d+')) or head + 1
  if first_seq > next_seq then
    -- A server that is short of memory has evicted the log, or had.
    oldest = first_seq
  end
  next_seq = first_seq + #portion
end
return { oldest, head, epoch, entries }
