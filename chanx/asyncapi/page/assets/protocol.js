/** The document as the console needs it: what can be sent and what may come, for each address. */

/**
 * connection: {address, parameters: [names], channels}
 * channel: {key, topic: {name, pattern, parameters} | null, isDedicated, discriminator, sent: [message], received: [message]}
 * message: {key, name, schema, schemaName}
 */
export function connectionsOf(document, schemas) {
  const found = new Map();
  for (const [key, channel] of Object.entries(document.channels ?? {})) {
    const address = channel.address ?? "";
    if (!found.has(address)) found.set(address, { address, parameters: [], channels: [] });
    const connection = found.get(address);
    connection.parameters = [...new Set([...connection.parameters, ...Object.keys(channel.parameters ?? {}), ...parametersIn(address)])];
    connection.channels.push(channelOf(document, schemas, key, channel));
  }
  return [...found.values()];
}

function channelOf(document, schemas, key, channel) {
  const topic = channel["x-topic"] ?? null;
  const sent = new Map();
  const received = new Map();
  for (const operation of Object.values(document.operations ?? {})) {
    if (lastPart(operation.channel) !== key) continue;
    collect(document, schemas, operation.messages, operation.action === "receive" ? sent : received);
    collect(document, schemas, operation.reply?.messages, received);
  }
  const discriminator = channel["x-discriminator"] ?? "action";
  return { key, title: channel.title ?? key, topic, isDedicated: topic !== null && !isHosted(key, topic), discriminator, sent: [...sent.values()], received: [...received.values()] };
}

function collect(document, schemas, references, messages) {
  for (const reference of references ?? []) {
    const key = messageKey(document, reference);
    const schema = document.components?.messages?.[key]?.payload;
    if (schema === undefined || messages.has(key)) continue;
    const name = schemas.nameOf(schema);
    messages.set(key, { key, name: name ?? key, schemaName: schemas.has(name) ? name : null, schema });
  }
}

function messageKey(document, reference) {
  const parts = reference.$ref.split("/").map(unescaped);
  if (parts[1] !== "channels" || parts.length !== 5) return parts.at(-1);
  return lastPart(document.channels[parts[2]]?.messages?.[parts[4]] ?? reference);
}

function lastPart(reference) {
  return unescaped(reference.$ref.slice(reference.$ref.lastIndexOf("/") + 1));
}

function unescaped(part) {
  return decoded(part).replaceAll("~1", "/").replaceAll("~0", "~");
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // "100%" as it is: a document of others
  }
}

/** Whether a topic is reached through a consumer: its channel's key has that one's name before its own. */
function isHosted(key, topic) {
  const [whole, name] = [key, topic.name].map((text) => text.replaceAll("_", "").toLowerCase());
  return whole !== name && whole.endsWith(name);
}

export function parametersIn(pattern) {
  return [...pattern.matchAll(/\{([^{}]+)\}/g)].map(([, name]) => name);
}

/** The pattern with its parameters filled in; `encode` is done to each. */
export function filled(pattern, values, encode = (text) => text) {
  return pattern.replace(/\{([^{}]+)\}/g, (_, name) => encode(values[name] ?? ""));
}

/** Whether a topic's name is of a pattern, in which each parameter stands for anything without a colon. */
export function isOfPattern(name, pattern) {
  const parts = pattern.split(/\{[^{}]+\}/).map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^:]+")}$`).test(name);
}

/** The channel of the topic of that name on a connection, if it has one. */
export function topicChannel({ channels }, name) {
  return channels.find(({ topic }) => topic !== null && name !== null && isOfPattern(name, topic.pattern));
}

/** The URL of an address: `base` is a host, with or without ws:// or wss:// (or http) before it, and a path after it. */
export function socketUrl(base, address, values, query) {
  const whole = /^[a-z]+:\/\//i.test(base) ? base : `ws://${base}`;
  const url = new URL(whole.replace(/^http/i, "ws"));
  const path = filled(address, values, encodeURIComponent);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${path.replace(/^\//, "")}`;
  url.search = query;
  url.hash = "";
  return url.href;
}
