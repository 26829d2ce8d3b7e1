/** One WebSocket at a time: its state in words, its frames, and why it was closed. */

const CLOSE_CODES = {
  1000: "closed normally",
  1001: "the other side went away",
  1002: "a protocol error",
  1003: "data of a kind that is not taken",
  1005: "closed without a code",
  1006: "lost: the server stopped, or the network failed",
  1007: "text that is not UTF-8",
  1008: "against a rule of the server",
  1009: "a frame that is too large",
  1011: "an error in the server",
  1012: "the server restarts",
  1013: "the server is too busy: try again later",
  1015: "the TLS handshake failed",
  3000: "not allowed: sign in first",
  3003: "forbidden",
  // What Daphne can send of 1009 and the like: chanx adds 3000.
  4009: "a frame that is too large",
  4011: "an error in the server",
  4012: "the server restarts",
  4013: "the server is too busy: try again later",
  4401: "not signed in",
  4403: "forbidden",
};

const CLOSED = 3; // a readyState
const REFUSED = "refused: is the server running, is the address right, are you signed in, may this page connect there?";

/** `wasOpen`: whether the connection had been open before. */
export function closeMeaning(code, { wasOpen = true } = {}) {
  if (code === 1006 && !wasOpen) return REFUSED;
  if (CLOSE_CODES[code]) return CLOSE_CODES[code];
  return code >= 4000 ? "a code of this application's own" : "no code that is generally known";
}

/** `onState({state, code, reason, wasOpen})`, state "closed" | "connecting" | "open" | "closing"; `onText(text)`; `onBinary(bytes)`. */
export class Connection {
  #WebSocket;
  #socket = null;
  #handlers;
  #wasOpen = false;
  state = "closed";

  constructor(handlers, { WebSocket = globalThis.WebSocket } = {}) {
    this.#handlers = handlers;
    this.#WebSocket = WebSocket;
  }

  /** Raises what the browser raises for a URL that is none, or that is not allowed. */
  open(url) {
    const socket = new this.#WebSocket(url);
    this.#drop();
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#wasOpen = false;
    socket.onopen = () => {
      this.#wasOpen = true;
      this.#tell("open");
    };
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.#handlers.onText(data) : this.#handlers.onBinary(data.byteLength));
    socket.onclose = ({ code, reason }) => this.#closed(socket, code, reason);
    // Where the page's policy forbids the connection, Chromium tells an error and no close. Otherwise that comes first.
    socket.onerror = () => setTimeout(() => socket.readyState === CLOSED && this.#closed(socket, 1006, ""));
    this.#tell("connecting");
  }

  send(text) {
    this.#socket.send(text);
  }

  close() {
    if (this.#socket === null) return;
    this.#tell("closing");
    this.#socket.close(1000);
  }

  #closed(socket, code, reason) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#tell("closed", { code, reason, wasOpen: this.#wasOpen });
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close(1000);
  }

  #tell(state, more = {}) {
    this.state = state;
    this.#handlers.onState({ state, ...more });
  }
}
