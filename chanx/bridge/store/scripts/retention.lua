-- Drops the oldest entries of a log that is too long or too large, the newest one never; a hundredth more than necessary,
-- so that most appends drop nothing. Returns the oldest seq that is left, and the bytes.
local function trim(log, seq, oldest, bytes)
  local is_long, is_large = seq - oldest >= MAX_ENTRIES, bytes > MAX_BYTES
  local most = is_long and MAX_ENTRIES - math.floor(MAX_ENTRIES / 100) or MAX_ENTRIES
  local most_bytes = is_large and MAX_BYTES - math.floor(MAX_BYTES / 100) or MAX_BYTES
  local function is_over()
    return oldest < seq and (seq - oldest >= most or bytes > most_bytes)
  end
  while is_over() do
    for _, entry in ipairs(redis.call('XRANGE', log, oldest .. '-0', '+', 'COUNT', 100)) do
      if not is_over() then
        break
      end
      local size, entry_seq = #entry[2][2], tonumber(string.match(entry[1], '^%d+'))
      if entry_seq == seq then
        -- The others are gone: a server that is short of memory may have evicted the log.
        bytes, oldest = size, seq
      else
        bytes, oldest = bytes - size, entry_seq + 1
      end
    end
  end
  redis.call('XTRIM', log, 'MINID', oldest .. '-0')
  return oldest, bytes
end
