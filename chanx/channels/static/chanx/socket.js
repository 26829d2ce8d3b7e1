/**
 * A WebSocket that is opened again whenever it is lost, also where nobody says so: what is asked has to be answered.
 *
 *   open() ─> connecting ─> open ─ lost, silent ─> waiting ─> connecting ─> …
 *                             └─ closed with 4401 or 4403, or not let in ─> refused
 *
 * `owner` is told: opened(), frame(frame), lost(), refused({reason, detail}); and asked for a pingFrame() that the server answers.
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
  #notLetIn = false;
  status = { state: "idle" };

  constructor(url, owner, { WebSocket, clock, random, onStatus, actionKey }) {
    this.#url = url;
    this.#owner = owner;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#backoff = new Backoff({ clock, random });
    this.#onStatus = onStatus;
    this.#actionKey = actionKey;
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
    if (this.isOpen) this.#ping();
    else if (this.#timer !== null) this.#connect();
  }

  send({ action, ...frame }) {
    this.#socket.send(JSON.stringify({ ...frame, [this.#actionKey]: action }));
  }

  /** Sends a frame that has an answer; `answered` is called with it, or with null if the connection is lost before. */
  request(frame, answered) {
    const ref = String(++this.#lastRef);
    const timer = this.#clock.setTimeout(() => this.#lost(), ANSWER_WITHIN);
    this.#requests.set(ref, { timer, answered });
    this.send({ ...frame, ref });
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
    const frame = parsed(text);
    this.#heard();
    if (frame === null) return;
    frame.action = frame[this.#actionKey];
    const request = this.#requests.get(frame.ref);
    if (request !== undefined) {
      this.#requests.delete(frame.ref);
      this.#clock.clearTimeout(request.timer);
      request.answered(frame);
    } else if (frame.ref !== undefined && frame.ref !== null) {
      return; // one more answer to something that was answered
    } else if (frame.topic === undefined && frame.action === "authentication") {
      this.#notLetIn = REFUSED_STATUSES.has(frame.payload?.status_code ?? frame.payload?.statusCode);
    } else {
      this.#owner.frame(frame);
    }
  }

  // Silence: a socket can be dead without being closed, so after a while of it we ask, and then want an answer.

  #heard() {
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = this.#clock.setTimeout(() => this.#ping(), PING_AFTER);
  }

  #ping() {
    this.request(this.#owner.pingFrame(), () => {});
  }

  #clearTimers() {
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#deadline);
    this.#timer = this.#deadline = null;
  }

  #drop() {
    this.#clearTimers();
    const socket = this.#socket;
    this.#socket = null;
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
      this.#tell({ state: "refused" });
      this.#owner.refused({ reason: "unauthorized", detail: "You are not signed in, or not any more." });
      return;
    }
    const delay = this.#backoff.next();
    this.#timer = this.#clock.setTimeout(() => this.#connect(), delay);
    this.#tell({ state: "waiting", retryAt: this.#clock.now() + delay });
    this.#owner.lost();
  }
}

function parsed(text) {
  try {
    const frame = JSON.parse(text);
    return typeof frame === "object" ? frame : null;
  } catch {
    return null; // not of this protocol
  }
}
