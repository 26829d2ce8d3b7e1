/** What a frame is: a message of the document, one of the system's, or neither. */

import { isOfPattern } from "./protocol.js";
import { isObject, problems } from "./validate.js";

const SYSTEM = new Set(["authentication", "error", "complete", "group_complete", "event_complete", "subscribed", "unsubscribed"]);
const CONTROL = new Set(["subscribe", "unsubscribe"]);

/**
 * {kind: "typed" | "system" | "unknown", name, schemaName, topic, ref, problems, frame}
 *
 * `problems` are those of a typed frame that is not what its schema says; `frame` is undefined for what is no JSON.
 */
export function readFrame(text, connection, schemas, { isSent = false } = {}) {
  const frame = parsed(text);
  if (!isObject(frame)) return { kind: "unknown", name: frame === undefined ? "no JSON" : "no object", schemaName: null, topic: null, ref: null, problems: [], frame };
  const topic = typeof frame.topic === "string" ? frame.topic : null;
  const channels = connection.channels.filter((channel) => belongs(channel, topic, isSent));
  const about = { topic, ref: frame.ref ?? null, frame };
  for (const channel of channels) {
    const messages = isSent ? channel.sent : channel.received;
    const found = messages.find(({ schema }) => tagsOf(schema, channel.discriminator, schemas).includes(frame[channel.discriminator]));
    if (found) return { kind: "typed", name: found.name, schemaName: found.schemaName, problems: problems(frame, found.schema, schemas), ...about };
  }
  const discriminators = new Set([...channels, ...connection.channels].map(({ discriminator }) => discriminator));
  const action = [...discriminators].map((key) => frame[key]).find((value) => typeof value === "string");
  const isSystem = (isSent ? CONTROL : SYSTEM).has(action);
  return { kind: isSystem ? "system" : "unknown", name: action ?? "no action", schemaName: null, problems: [], ...about };
}

function belongs({ topic, isDedicated }, name, isSent) {
  if (name === null) return topic === null || (isDedicated && isSent);
  return topic !== null && isOfPattern(name, topic.pattern);
}

/** The values of a message's discriminating key. */
export function tagsOf(schema, discriminator, schemas) {
  const tag = schemas.resolve(schemas.resolve(schema).properties?.[discriminator] ?? {});
  return tag.enum ?? (tag.const === undefined ? [] : [tag.const]);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
