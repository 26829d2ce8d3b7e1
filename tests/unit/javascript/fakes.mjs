// Doubles for the browser's clock and WebSocket: time passes when a test says so, and the test is the server.

export class Clock {
  #now = 0;
  #timers = new Map();
  #next = 1;

  now = () => this.#now;

  setTimeout = (call, delay) => {
    this.#timers.set(this.#next, { call, due: this.#now + delay });
    return this.#next++;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  pass(milliseconds) {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#timers].filter(([, { due }]) => due <= end).sort(([, a], [, b]) => a.due - b.due)[0];
      if (due === undefined) break;
      const [timer, { call, due: at }] = due;
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, at);
      call();
    }
    this.#now = end;
  }

  get timers() {
    return this.#timers.size;
  }
}

export function fakeWebSocket() {
  return class Socket {
    static all = [];
    static get last() {
      return Socket.all.at(-1);
    }

    constructor(url) {
      Object.assign(this, { url, readyState: 0, frames: [], closed: false });
      Socket.all.push(this);
    }

    send(text) {
      if (this.readyState !== 1) throw new Error("not open");
      this.frames.push(JSON.parse(text));
    }

    close() {
      this.readyState = 3;
      this.closed = true;
    }

    // What the server does.

    open() {
      this.readyState = 1;
      this.onopen?.();
    }

    say(frame) {
      this.onmessage?.({ data: JSON.stringify({ version: 1, ...frame }) });
    }

    drop(code = 1006) {
      this.readyState = 3;
      this.onclose?.({ code });
    }

    sent(action) {
      return this.frames.filter((frame) => frame.action === action);
    }
  };
}

/** Writes down what a page is told of a job. */
export class Notebook {
  seqs = [];
  latests = [];
  resets = 0;
  replays = [];
  snapshots = 0;
  states = [];
  ends = 0;
  refusal = null;

  constructor(job) {
    this.job = job;
    job.on("snapshot", () => (this.snapshots += 1));
    job.on("reset", () => {
      this.resets += 1;
      this.seqs = [];
    });
    job.on("*", ({ seq, rev }, { replayed }) => {
      if (seq === undefined) this.latests.push(rev);
      else this.seqs.push(seq);
      if (seq !== undefined) this.replays.push(replayed);
    });
    job.on("state", (state) => this.states.push(state));
    job.on("end", () => (this.ends += 1));
    job.on("refused", (payload) => (this.refusal = payload));
  }
}

export const snapshot = (more = {}) => ({
  job_id: "a",
  epoch: "e1",
  name: "task",
  meta: {},
  state: "started",
  attempt: 1,
  cancel_requested: false,
  cancel_reason: null,
  oldest: 1,
  rev: 0,
  seq: 0,
  fields: {},
  ...more,
});

/** Numbers from 0 to 1 that look like chance, the same for the same seed (mulberry32). */
export function chance(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let number = Math.imul(state ^ (state >>> 15), 1 | state);
    number = (number + Math.imul(number ^ (number >>> 7), 61 | number)) ^ number;
    return ((number ^ (number >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets everything happen that waits for promises only. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export function answerSubscribe(socket, { epoch = "e1", seq = 0, recovered = true, ...more } = {}) {
  const { topic, ref } = socket.sent("subscribe").at(-1);
  const payload = { epoch, seq, recovered, snapshot: snapshot({ epoch, seq, ...more }) };
  socket.say({ topic, ref, action: "subscribed", payload });
}
