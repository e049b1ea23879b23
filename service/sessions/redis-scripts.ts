import { createHash } from "node:crypto";

/** A script of Redis, called by its digest. */
export interface Script {
  readonly text: string;
  readonly sha1: string;
}

function script(text: string): Script {
  return { text, sha1: createHash("sha1").update(text).digest("hex") };
}

// Numbers go in and out as text: what Lua would write of a large one is not whole.
// Stored: a document as `<version> <expiresMs> <1 if limited, else 0> <text>`, a counter as `<value> <expiresMs>`, an owner as a hash of
// `e` (expiresMs) and `=<name>` for each field. What has expired by the caller's clock does not exist; Redis removes it some time later.

/** KEYS: documents, counters, owners. ARGV: how many documents and counters; for each owner how many names, and the names. */
export const readScript = script(`
local plain = tonumber(ARGV[1]) + tonumber(ARGV[2])
local out = {}
if plain > 0 then out = redis.call('MGET', unpack(KEYS, 1, plain)) end
local at = 3
for i = plain + 1, #KEYS do
  local last = at + tonumber(ARGV[at])
  out[i] = redis.call('HMGET', KEYS[i], 'e', unpack(ARGV, at + 1, last))
  at = last + 1
end
return out
`);

/**
 * The rules of `applyChange`. KEYS: documents, counters, owners, then the list of limited documents and the last version.
 * ARGV: nowMs, docsMax, slackMs; how many documents, counters, owners; then of each
 * document: version, expiresMs, limited, `=<text>` or an empty string; counter: add, max, expiresMs; owner: expiresMs, how many fields,
 * and of each field: `=<name>`, value, overwrite.
 */
export const changeScript = script(`
local now, most, slack = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local docs, counters = tonumber(ARGV[4]), tonumber(ARGV[5])
local owners = tonumber(ARGV[6])
local list, lastVersion = KEYS[#KEYS - 1], KEYS[#KEYS]
local function whole(number) return string.format('%.0f', number) end
local function gone(expires) return whole(tonumber(expires) + slack) end

local at, growth, listed = 7, 0, {}
for i = 1, docs do
  local key, after = KEYS[i], ARGV[at + 3] ~= '' and tonumber(ARGV[at + 1]) > now
  local head = redis.call('GETRANGE', key, 0, 40)
  local version, expires, limited = string.match(head, '^(%d+) (%d+) ([01]) ')
  if head ~= '' and not version then return redis.error_reply('CORRUPT document') end
  local inList = limited == '1'
  if not version or tonumber(expires) <= now then version, limited = '0', '0' end
  if version ~= ARGV[at] or listed[key] ~= nil then return 'conflict' end
  listed[key] = inList
  if after and ARGV[at + 2] == '1' then growth = growth + 1 end
  if limited == '1' then growth = growth - 1 end
  at = at + 4
end

local values, ends = {}, {}
for i = docs + 1, docs + counters do
  local key, add, max = KEYS[i], tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  if not values[key] then
    local found = redis.call('GET', key)
    local value, expires = string.match(found or '', '^(%d+) (%d+)$')
    if found and not value then return redis.error_reply('CORRUPT counter') end
    values[key], ends[key] = 0, 0
    if value and tonumber(expires) > now then values[key], ends[key] = tonumber(value), tonumber(expires) end
  end
  local value = values[key] + add
  if add > 0 and value > max then return 'over' end
  values[key] = math.max(0, value)
  ends[key] = math.max(ends[key], tonumber(ARGV[at + 2]))
  at = at + 3
end

if growth > 0 then
  redis.call('ZREMRANGEBYSCORE', list, '-inf', ARGV[1])
  if redis.call('ZCARD', list) + growth > most then return 'full' end
end

if docs > 0 then
  local version, arg = whole(redis.call('INCR', lastVersion)), 7
  for i = 1, docs do
    local key, expires, limited, text = KEYS[i], ARGV[arg + 1], ARGV[arg + 2], ARGV[arg + 3]
    local stays = text ~= '' and tonumber(expires) > now
    if stays then
      redis.call('SET', key, version .. ' ' .. expires .. ' ' .. limited .. ' ' .. string.sub(text, 2), 'PXAT', gone(expires))
    else
      redis.call('DEL', key)
    end
    if stays and limited == '1' then
      redis.call('ZADD', list, expires, key)
      if redis.call('PEXPIRETIME', list) < tonumber(expires) + slack then redis.call('PEXPIREAT', list, gone(expires)) end
    elseif listed[key] then
      redis.call('ZREM', list, key)
    end
    arg = arg + 4
  end
end

for key, value in pairs(values) do
  if ends[key] > now then
    redis.call('SET', key, whole(value) .. ' ' .. whole(ends[key]), 'PXAT', gone(ends[key]))
  else
    redis.call('DEL', key)
  end
end

for i = docs + counters + 1, docs + counters + owners do
  local key, expires = KEYS[i], tonumber(ARGV[at])
  local found = tonumber(redis.call('HGET', key, 'e') or '0')
  if found <= now then redis.call('DEL', key) end
  local later = found > expires and found or expires
  local last = at + 1 + 3 * tonumber(ARGV[at + 1])
  if later > now then
    for field = at + 2, last, 3 do
      redis.call(ARGV[field + 2] == '1' and 'HSET' or 'HSETNX', key, ARGV[field], ARGV[field + 1])
    end
    if later ~= found then
      redis.call('HSET', key, 'e', whole(later))
      redis.call('PEXPIREAT', key, gone(later))
    end
  end
  at = last + 1
end
return 'done'
`);

/**
 * KEYS: the epoch, stored as `<id> <lostAtMs, or 0>`. ARGV: the id that the caller has seen, or an empty string; an id for a new one; nowMs;
 * and what is to be done where the caller has seen none and there is none: `tell`, or begin one that is the `first` or says `lost`.
 */
export const epochScript = `
local seen, fresh, now, missing = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local found = redis.call('GET', KEYS[1])
local id, lost = string.match(found or '', '^(%S+) (%d+)$')
if found and not id then return redis.error_reply('CORRUPT epoch') end
if id and (seen == '' or seen == id or lost ~= '0') then return found end
if not id and seen == '' and missing == 'tell' then return false end
local isFirst = not id and seen == '' and missing == 'first'
local after = (id or fresh) .. ' ' .. (isFirst and '0' or now)
redis.call('SET', KEYS[1], after)
return after
`;
