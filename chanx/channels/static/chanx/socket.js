/**
 * A WebSocket that is opened again whenever it is lost, also where nobody says so: what is asked has to be answered.
 *
 *   open() ─> connecting ─> open ─ lost, silent ─> waiting ─> connecting ─> …
 *                             └─ closed with 4401 or 4403, or not let in ─> refused
 *
 * `owner` is told: opened(), frame(frame, raw) of a topic, plainFrame(frame, raw) of none, lost(), refused({reason, detail});
 * and asked for a pingFrame(), which the server answers. `raw` is the frame as it came; `frame` has its action under that name, whatever the consumer calls it.
 */

import { Backoff } from "./backoff.js";
import { report } from "./listeners.js";

const PING_AFTER = 20_000; // milliseconds of silence
const ANSWER_WITHIN = 10_000;
const REFUSED_CODES = new Set([4401, 4403]);
const REFUSED_STATUSES = new Set([401, 403, 404]);
const OPEN = 1;

export class ReconnectingSocket {
  #url;
  #owner;
  #WebSocket;
  #clock;
  #backoff;
  #onStatus;
  #actionKey;
  #socket = null;
  #requests = new Map(); // ref -> {timer, answered}
  #timer = null; // of the next attempt
  #deadline = null; // of the next sign of life
  #lastRef = 0;
  #ping = null; // {ref, request}: the last one, and whether a frame of no topic is to answer it
  #heartbeat;
  #notLetIn = false;
  status = { state: "idle" };

  constructor(url, owner, { WebSocket, clock, random, onStatus, actionKey, heartbeat = true }) {
    this.#url = url;
    this.#owner = owner;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#backoff = new Backoff({ clock, random });
    this.#onStatus = onStatus;
    this.#actionKey = actionKey;
    this.#heartbeat = heartbeat;
  }

  get isOpen() {
    return this.#socket?.readyState === OPEN;
  }

  /** Connects, unless it does already or waits for its next attempt. */
  open() {
    if (this.#socket === null && this.#timer === null) this.#connect();
  }

  /** Something changed for the better (network, visible page): do not wait any longer, and doubt a silent socket. */
  retryNow() {
    if (this.isOpen) this.#doubt();
    else if (this.#timer !== null) this.#connect();
  }

  send({ action, ...frame }) {
    this.write({ ...frame, [this.#actionKey]: action });
  }

  /** Sends a frame as it is, with the consumer's own key for its action. */
  write(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Sends a frame that is answered soon; `answered` is called with it, or with null if the connection is lost before. */
  request({ action, ...frame }, answered) {
    return this.#ask({ ...frame, [this.#actionKey]: action }, answered, this.#clock.setTimeout(() => this.#lost(), ANSWER_WITHIN));
  }

  /** The same for a frame as it is, whose answer may take its time; returns the function that forgets about it. */
  ask(frame, answered) {
    const ref = this.#ask(frame, answered, null);
    return () => void this.#requests.delete(ref);
  }

  #ask(frame, answered, timer) {
    const ref = String(++this.#lastRef);
    this.write({ ...frame, ref });
    this.#requests.set(ref, { timer, answered });
    return ref;
  }

  /** What the connection was for works. */
  live() {
    this.#tell({ state: "live" });
  }

  /** Nothing is needed any more, until the next `open`. */
  rest() {
    this.#drop();
    this.#tell({ state: "idle" });
  }

  /** The server wants no connection, and says why: there is none until the next `open`. */
  refuse(reason) {
    this.#drop();
    this.#tell({ state: "refused" });
    this.#owner.refused(reason);
  }

  #tell(status) {
    if (status.state === this.status.state && status.retryAt === this.status.retryAt) return;
    this.status = status;
    try {
      this.#onStatus(status);
    } catch (error) {
      report(error);
    }
  }

  #connect() {
    this.#clearTimers();
    this.#notLetIn = false;
    const socket = new this.#WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#lost(code);
    this.#deadline = this.#clock.setTimeout(() => this.#lost(), ANSWER_WITHIN);
    this.#tell({ state: "connecting" });
  }

  #opened() {
    this.#heard();
    this.#backoff.worked();
    this.#owner.opened();
  }

  #received(text) {
    const raw = parsed(text);
    this.#heard();
    if (raw === null) return;
    const frame = this.#actionKey === "action" ? raw : { ...raw, action: raw[this.#actionKey] };
    if (isOfTopic(frame)) this.#receivedOfTopic(frame, raw);
    else if (frame.action === "authentication") this.#authenticated(frame);
    else if (this.#ping?.isOpen && answersPing(frame)) this.#ping.isOpen = false;
    else this.#owner.plainFrame(frame, raw);
  }

  #receivedOfTopic(frame, raw) {
    const request = this.#requests.get(frame.ref);
    if (request !== undefined) {
      this.#requests.delete(frame.ref);
      this.#clock.clearTimeout(request.timer);
      request.answered(frame, raw);
    } else if (frame.ref === undefined || frame.ref === null) {
      this.#owner.frame(frame, raw);
    } // else one more answer to something that was answered
  }

  #authenticated(frame) {
    this.#notLetIn = REFUSED_STATUSES.has(frame.payload?.status_code ?? frame.payload?.statusCode);
  }

  // Silence: a socket can be dead without being closed, so after a while of it we ask, and then want to hear something.

  #heard() {
    this.#clock.clearTimeout(this.#requests.get(this.#ping?.ref)?.timer);
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = this.#clock.setTimeout(() => this.#doubt(), PING_AFTER);
  }

  #doubt() {
    if (!this.#heartbeat) return;
    this.#forgetPing();
    const ping = { isOpen: true };
    ping.ref = this.request(this.#owner.pingFrame(), () => (ping.isOpen = false));
    this.#ping = ping;
  }

  #forgetPing() {
    const request = this.#requests.get(this.#ping?.ref);
    if (request === undefined) return;
    this.#clock.clearTimeout(request.timer);
    this.#requests.delete(this.#ping.ref);
  }

  #clearTimers() {
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#deadline);
    this.#timer = this.#deadline = null;
  }

  #drop() {
    this.#clearTimers();
    const socket = this.#socket;
    this.#socket = this.#ping = null;
    if (socket !== null) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const { timer } of requests) this.#clock.clearTimeout(timer);
    for (const { answered } of requests) answered(null);
  }

  #lost(code) {
    this.#drop();
    if (REFUSED_CODES.has(code) || this.#notLetIn) {
      this.refuse({ reason: "unauthorized", detail: "You are not signed in, or not any more." });
      return;
    }
    const delay = this.#backoff.next();
    this.#timer = this.#clock.setTimeout(() => this.#connect(), delay);
    this.#tell({ state: "waiting", retryAt: this.#clock.now() + delay });
    this.#owner.lost();
  }
}

/** Whether a frame has the envelope of topics; those of no topic have no `ref` that would answer anything. */
function isOfTopic({ version, topic }) {
  return typeof topic === "string" && typeof version === "number";
}

/** Where there are no topics, a ping is a message like others: it has an answer, or is not known. */
function answersPing({ action, payload }) {
  if (action !== "error" || !Array.isArray(payload)) return action === "pong";
  return payload.some((problem) => problem?.loc?.[0] === "ping" || String(problem?.msg).includes("'ping'"));
}

function parsed(text) {
  try {
    const frame = JSON.parse(text);
    return typeof frame === "object" ? frame : null;
  } catch {
    return null; // not of this protocol
  }
}
