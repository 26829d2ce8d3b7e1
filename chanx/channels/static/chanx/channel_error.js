/** What the promises and loops of messages are rejected with. */

/**
 * `reason` is a code: the server's ("unauthorized", "unknown_topic", …, a project's own), "invalid" (the message is not what
 * the server takes; `problems` says where), "failed" (its handler raised), "timeout", "connection_lost", "too_slow",
 * "too_many_waiting", "closed". `detail` is the same in words.
 */
export class ChanxError extends Error {
  constructor(reason, detail, problems = []) {
    super(detail);
    this.name = new.target.name;
    this.reason = reason;
    this.detail = detail;
    this.problems = problems;
  }
}

/** What the payload of an `error` frame says. */
export function errorOf(payload) {
  if (Array.isArray(payload)) return new ChanxError("invalid", payload.map(inWords).join("; ") || "The server refused the message.", payload);
  const detail = typeof payload === "string" ? payload : payload?.detail;
  return new ChanxError(payload?.reason ?? "failed", detail ?? "The server could not do that.");
}

export const closedError = () => new ChanxError("closed", "This was closed here.");

function inWords(problem) {
  const place = Array.isArray(problem?.loc) ? problem.loc.join(".") : "";
  return place === "" ? String(problem?.msg) : `${place}: ${problem?.msg}`;
}
