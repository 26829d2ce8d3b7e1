// A server of the job stream protocol, and a network that loses, repeats and breaks off: both as `random` has it.

import { snapshot } from "./fakes.mjs";

const CREDIT = 500;
const ENDS = { job_succeeded: "succeeded", job_failed: "failed", job_cancelled: "cancelled" };

export class Server {
  #Socket;
  #random;
  #attended = 0; // sockets that were seen
  #streams = new Map(); // socket -> {at, acked} of the job "a"
  #answered = new WeakMap(); // socket -> how many of its frames
  log = []; // [{seq, action, id}], from `oldest` on
  all = []; // everything of this epoch, also what was trimmed
  oldest = 1;
  epoch = 1;
  rev = 0;
  progress = null;
  trouble = 0; // how likely a frame is lost, repeated, or the last one of its connection

  constructor(Socket, random) {
    this.#Socket = Socket;
    this.#random = random;
  }

  get head() {
    return this.all.length;
  }

  append(action = "job_log") {
    const event = { seq: this.head + 1, action, attempt: 1, payload: { id: `${this.epoch}/${this.head + 1}` } };
    this.all.push(event);
    this.log.push(event);
  }

  report(fraction) {
    this.rev += 1;
    this.progress = { fraction };
    for (const socket of this.#streams.keys()) this.#say(socket, { action: "job_progress", head: this.head, rev: this.rev, payload: this.progress });
  }

  trim(count) {
    this.log.splice(0, Math.min(count, this.log.length));
    this.oldest = this.log[0]?.seq ?? this.head + 1;
  }

  /** The newest events are lost, as when a server comes back from an old disk. */
  rewind(count) {
    this.all.splice(Math.max(this.head - count, this.oldest - 1));
    this.log = this.log.filter(({ seq }) => seq <= this.head);
    this.epoch += 1;
    this.all = this.all.map((event) => event);
    for (const [socket, stream] of this.#streams) this.#startOver(socket, stream);
  }

  dropAll() {
    for (const socket of this.#Socket.all) this.#drop(socket);
  }

  /** Lets connections open, reads what the page said, and sends what may be sent. */
  run() {
    const { all } = this.#Socket;
    for (; this.#attended < all.length; this.#attended++) if (!all[this.#attended].closed) all[this.#attended].open();
    for (const socket of all.filter(({ readyState }) => readyState === 1)) {
      for (let done = this.#answered.get(socket) ?? 0; done < socket.frames.length; done++) {
        this.#answered.set(socket, done + 1);
        this.#hear(socket, socket.frames[done]);
      }
      this.#pump(socket);
    }
  }

  #hear(socket, { ref, topic, action, payload }) {
    if (action === "ping") this.#say(socket, { ref, action: "error", payload: [] });
    else if (action === "unsubscribe") {
      this.#streams.delete(socket);
      this.#say(socket, { ref, topic, action: "unsubscribed" });
    } else if (action === "ack") {
      const stream = this.#streams.get(socket);
      if (stream) stream.acked = Math.max(stream.acked, Math.min(payload.seq, stream.at));
    } else if (action === "subscribe") this.#subscribe(socket, ref, payload);
  }

  #subscribe(socket, ref, payload) {
    this.#streams.delete(socket);
    if (this.#random() < this.trouble) {
      this.#say(socket, { ref, action: "error", payload: { reason: "failed" } });
      return;
    }
    const after = payload?.after ?? 0;
    const recovered = (after === 0 || payload.epoch === String(this.epoch)) && this.oldest - 1 <= after && after <= this.head;
    this.#open(socket, recovered ? after : this.oldest - 1, recovered, ref);
  }

  #startOver(socket) {
    this.#open(socket, this.oldest - 1, false);
  }

  #open(socket, at, recovered, ref) {
    this.#streams.set(socket, { at, acked: at });
    this.#say(socket, { ref, action: "subscribed", payload: { epoch: String(this.epoch), seq: this.head, recovered, snapshot: this.snapshot } });
  }

  get snapshot() {
    const fields = this.progress === null ? {} : { job_progress: this.progress };
    const state = ENDS[this.all.at(-1)?.action] ?? "started";
    return snapshot({ epoch: String(this.epoch), seq: this.head, oldest: this.oldest, rev: this.rev, state, fields });
  }

  #pump(socket) {
    const stream = this.#streams.get(socket);
    while (stream !== undefined && stream === this.#streams.get(socket) && stream.at < Math.min(this.head, stream.acked + CREDIT)) {
      if (stream.at < this.oldest - 1) this.#startOver(socket);
      else this.#say(socket, this.all[stream.at++]);
    }
  }

  #say(socket, frame) {
    if (socket.readyState !== 1) return;
    const chance = this.#random();
    if (chance < this.trouble / 3) return;
    if (chance < this.trouble / 2) this.#drop(socket);
    else for (let copies = chance < this.trouble ? 2 : 1; copies > 0; copies--) socket.say({ topic: "job:a", ...frame });
  }

  #drop(socket) {
    this.#streams.delete(socket);
    if (socket.readyState < 2) socket.drop();
  }
}
