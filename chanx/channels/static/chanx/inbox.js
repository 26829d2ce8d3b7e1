/** All who look at the messages of a connection or a topic: listeners, loops, and those who wait for one. */

import { ChanxError, closedError } from "./channel_error.js";
import { Listeners } from "./listeners.js";
import { MessageLoop } from "./message_loop.js";

export const ANSWER_WITHIN = 10_000; // milliseconds

// What says that something is done, or has begun: only for those who ask for it by name.
const ASIDE = new Set(["complete", "event_complete", "group_complete", "subscribed"]);

export class Inbox {
  #clock;
  #listeners = new Listeners();
  #loops = new Set();
  #waits = new Set(); // {actions, where, finish}
  #end = null; // {error} once nothing comes any more

  constructor(clock) {
    this.#clock = clock;
  }

  on(action, listener) {
    return this.#listeners.add(action, listener);
  }

  /** Hands out a message that came with this action. */
  tell(action, message) {
    this.#listeners.tell(action, message);
    if (!ASIDE.has(action)) {
      this.#listeners.tell("*", message);
      for (const loop of [...this.#loops]) loop.push(message);
    }
    for (const wait of [...this.#waits]) if (wait.actions.has(action)) wait.offer(message);
  }

  /** The next message of the action, or of one of several. */
  waitFor(action, { timeout = ANSWER_WITHIN, where = () => true } = {}) {
    if (this.#end !== null) return Promise.reject(this.#end.error ?? closedError());
    const actions = new Set(Array.isArray(action) ? action : [action]);
    return new Promise((resolve, reject) => {
      const finish = (how, value) => {
        this.#clock.clearTimeout(timer);
        this.#waits.delete(wait);
        how(value);
      };
      const late = () => finish(reject, new ChanxError("timeout", `No ${[...actions].join(" or ")} came within ${timeout / 1000} seconds.`));
      const timer = Number.isFinite(timeout) ? this.#clock.setTimeout(late, timeout) : null;
      const offer = (message) => {
        try {
          if (where(message)) finish(resolve, message);
        } catch (error) {
          finish(reject, error);
        }
      };
      const wait = { actions, offer, fail: (error) => finish(reject, error) };
      this.#waits.add(wait);
    });
  }

  loop() {
    const loop = new MessageLoop((ended) => this.#loops.delete(ended));
    if (this.#end === null) this.#loops.add(loop);
    else loop.end(this.#end.error);
    return loop;
  }

  /** Nothing comes any more: loops end, with the error if there is one, and who waits is told. */
  end(error) {
    this.#end = { error };
    for (const loop of [...this.#loops]) loop.end(error);
    for (const wait of [...this.#waits]) wait.fail(error ?? closedError());
  }

  /** The same after the server said so in this message: listeners are told of it, loops throw the error. */
  refused(error, message) {
    this.#listeners.tell("error", message);
    this.#listeners.tell("*", message);
    this.end(error);
  }

  /** Messages come once more. */
  begin() {
    this.#end = null;
  }
}
