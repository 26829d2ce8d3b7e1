/**
 * Client of the job stream protocol: many jobs over one WebSocket, which is opened again whenever it is lost.
 *
 *   watch(job) ─> subscribe {epoch, after} ─> subscribed ─> events in order ─> listener
 *        ^                                                      │
 *        └───── lost, silent, or a gap: wait, connect again ────┘
 *
 * A listener is an object with any of these methods:
 *   snapshot(snapshot, {reset})   after every subscribe; with `reset`, forget what was shown before
 *   event(event, {replayed})      each numbered event, once and in order; `replayed`: the snapshot already knows it
 *   latest(event)                 the newest progress, or another value of which only the newest counts
 *   complete()                    the job is over; all of its events and its last snapshot have been handed out
 *   refused({reason, detail})     final: there is no such job, or it is somebody else's
 */

import { JobPosition } from "./job_position.js";

const ACK_EVERY = 100; // the server sends 500 events beyond the last acknowledged one
const FIRST_DELAY = 500; // milliseconds, like all of these
const LONGEST_DELAY = 15_000;
const STABLE_AFTER = 5_000;
const PING_AFTER = 20_000;
const ANSWER_WITHIN = 8_000;
const REFUSED_CODES = new Set([4401, 4403]);
const FINAL_REASONS = new Set(["unauthorized", "unknown_topic"]);

const realClock = {
  now: () => Date.now(),
  setTimeout: (call, delay) => setTimeout(call, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

export class JobStreams {
  #url;
  #WebSocket;
  #clock;
  #random;
  #onStatus;
  #jobs = new Map(); // topic -> {position, listener, acked, subscribed, refused}
  #requests = new Map(); // ref -> {timer, job} of a subscribe or {timer, resolve, reject} of a cancel
  #socket = null;
  #timer = null;
  #deadline = null;
  #attempts = 0;
  #openedAt = null;
  #lastRef = 0;
  #closed = false;

  /**
   * @param {string} url
   * @param {object} [options]
   * @param {(status: {state: "connecting"|"live"|"waiting"|"done"|"refused", retryAt?: number}) => void} [options.onStatus]
   */
  constructor(url, { onStatus = () => {}, WebSocket = globalThis.WebSocket, clock = realClock, random = Math.random } = {}) {
    this.#url = url;
    this.#onStatus = onStatus;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#random = random;
  }

  /** Hands the job's events to the listener, from the start or after a known position {epoch, seq, rev}. */
  watch(jobId, listener, known) {
    const job = { topic: `job:${jobId}`, position: new JobPosition(known), listener, acked: 0, subscribed: false, refused: false };
    this.#jobs.set(job.topic, job);
    if (this.#isOpen()) this.#subscribe(job);
    else if (this.#socket === null && this.#timer === null) this.#connect();
  }

  /** Asks the job to stop. Resolves when the server took the request; rejects with an Error whose text can be shown. */
  cancel(jobId, reason = "") {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen()) {
        reject(new Error("There is no connection at the moment. Try again when it is back."));
        return;
      }
      this.#request(`job:${jobId}`, "cancel", { reason }, { resolve, reject });
    });
  }

  /** Something changed for the better (network, visible page): do not wait any longer, and doubt a silent socket. */
  retryNow() {
    if (this.#isOpen()) this.#ping();
    else if (this.#socket === null && this.#timer !== null) this.#connect();
  }

  /** Ends everything; nothing is called afterwards. */
  close() {
    this.#closed = true;
    this.#dropSocket();
  }

  #isOpen() {
    return this.#socket?.readyState === 1;
  }

  #connect() {
    this.#clearTimers();
    this.#onStatus({ state: "connecting" });
    const socket = new this.#WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#lost(code);
    this.#expectAnswer();
  }

  #opened() {
    this.#openedAt = this.#clock.now();
    for (const job of this.#openJobs()) this.#subscribe(job);
  }

  #openJobs() {
    return [...this.#jobs.values()].filter((job) => !job.position.complete && !job.refused);
  }

  #subscribe(job) {
    job.subscribed = false;
    this.#request(job.topic, "subscribe", job.position.subscribePayload(), { job });
  }

  #request(topic, action, payload, request) {
    const ref = String(++this.#lastRef);
    const timer = this.#clock.setTimeout(() => this.#lost(), ANSWER_WITHIN);
    this.#requests.set(ref, { timer, ...request });
    this.#socket.send(JSON.stringify({ topic, ref, action, payload }));
  }

  #received(text) {
    const frame = JSON.parse(text);
    this.#heard();
    const request = this.#requests.get(frame.ref);
    if (request !== undefined) {
      this.#requests.delete(frame.ref);
      this.#clock.clearTimeout(request.timer);
      this.#answered(frame, request);
      return;
    }
    const job = this.#jobs.get(frame.topic);
    if (!job?.subscribed || frame.action === "error") return;
    // Unasked for when the log was rewound under the server's own stream: the page starts over.
    if (frame.action === "subscribed") this.#subscribed(job, frame.payload);
    else this.#event(job, frame);
  }

  #answered(frame, { job, resolve, reject }) {
    if (job === undefined) {
      if (frame.action === "error") reject(new Error(frame.payload?.detail ?? "The server refused."));
      else resolve(frame.payload);
    } else if (frame.action === "subscribed") {
      this.#subscribed(job, frame.payload);
    } else if (FINAL_REASONS.has(frame.payload?.reason)) {
      job.refused = true;
      job.listener.refused?.(frame.payload);
      this.#rest();
    } else {
      this.#lost(); // e.g. the log cannot be reached just now: again after a while
    }
  }

  #subscribed(job, payload) {
    const reset = job.position.subscribed(payload);
    job.subscribed = true;
    job.acked = job.position.seq;
    this.#onStatus({ state: "live" });
    job.listener.snapshot?.(payload.snapshot, { reset });
    if (job.position.complete) this.#finish(job);
  }

  #event(job, frame) {
    const { position, listener } = job;
    const meaning = position.accept(frame);
    if (meaning === "gap") {
      this.#lost();
    } else if (meaning === "latest") {
      listener.latest?.(frame);
    } else if (meaning === "next") {
      listener.event?.(frame, { replayed: position.inSnapshot(frame) });
      if (position.seq - job.acked >= ACK_EVERY) {
        job.acked = position.seq;
        this.#socket?.send(JSON.stringify({ topic: job.topic, action: "ack", payload: { seq: position.seq } }));
      }
      if (position.complete) this.#finish(job);
      // The newest progress is not in the log and may have been overtaken by the end: the last snapshot has it.
      else if (position.ended) this.#subscribe(job);
    }
  }

  #finish(job) {
    job.listener.complete?.();
    this.#rest();
  }

  /** A page whose jobs are all over needs no connection. */
  #rest() {
    if (this.#openJobs().length > 0) return;
    this.#dropSocket();
    this.#onStatus({ state: "done" });
  }

  // Silence: a socket can be dead without being closed, so after a while of silence we ask, and then want an answer.

  #heard() {
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = this.#clock.setTimeout(() => this.#ping(), PING_AFTER);
  }

  #ping() {
    this.#socket.send(JSON.stringify({ action: "ping" }));
    this.#expectAnswer();
  }

  #expectAnswer() {
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = this.#clock.setTimeout(() => this.#lost(), ANSWER_WITHIN);
  }

  #clearTimers() {
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#deadline);
    this.#timer = this.#deadline = null;
  }

  #dropSocket() {
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
    for (const { reject } of requests) reject?.(new Error("The connection was lost before the server answered."));
  }

  #lost(code) {
    this.#dropSocket();
    for (const job of this.#jobs.values()) job.subscribed = false;
    if (this.#closed) return;
    if (REFUSED_CODES.has(code)) {
      this.#onStatus({ state: "refused" });
      return;
    }
    if (this.#openedAt !== null && this.#clock.now() - this.#openedAt >= STABLE_AFTER) this.#attempts = 0;
    this.#openedAt = null;
    const longest = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts++);
    // Half of it by chance, so that the pages of a restarted server do not all come back in the same moment.
    const delay = longest / 2 + (this.#random() * longest) / 2;
    this.#timer = this.#clock.setTimeout(() => this.#connect(), delay);
    this.#onStatus({ state: "waiting", retryAt: this.#clock.now() + delay });
  }
}
