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

/** Writes down what a listener is told. */
export class Notebook {
  seqs = [];
  latests = [];
  resets = [];
  replays = [];
  completed = 0;
  refusal = null;

  snapshot(snapshot, { reset }) {
    this.resets.push(reset);
    if (reset) this.seqs = [];
  }

  event(event, { replayed }) {
    this.seqs.push(event.seq);
    this.replays.push(replayed);
  }

  latest(event) {
    this.latests.push(event.rev);
  }

  complete() {
    this.completed += 1;
  }

  refused(payload) {
    this.refusal = payload;
  }
}

export const snapshot = (more = {}) => ({ state: "started", oldest: 1, rev: 0, seq: 0, fields: {}, ...more });

export function answerSubscribe(socket, { epoch = "e1", seq = 0, recovered = true, ...more } = {}) {
  const { topic, ref } = socket.sent("subscribe").at(-1);
  const payload = { epoch, seq, recovered, snapshot: snapshot({ seq, ...more }) };
  socket.say({ topic, ref, action: "subscribed", payload });
}
