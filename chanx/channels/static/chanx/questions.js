/**
 * Messages whose answers do not say what they answer: each has the next message of its actions.
 *
 *   ask ─> waits for earlier ones that share an action ─> sent ─ a message of the actions ─> resolved
 *                                                          ├── an error: rejects the one that was sent first
 *                                                          └── the connection is lost: rejected, as it may have been handled
 */

import { ChanxError, errorOf } from "./channel_error.js";
import { ANSWER_WITHIN } from "./inbox.js";

export class Questions {
  #clock;
  #send;
  #all = new Set(); // in the order they were asked

  /** `send(message, sent, failed)` sends now or later; returns the function that takes it back. It may throw. */
  constructor(clock, send) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Sends a message; resolves with the next one that has the action, or one of several. */
  ask(message, action, { timeout = ANSWER_WITHIN } = {}) {
    const actions = new Set(Array.isArray(action) ? action : [action]);
    return new Promise((resolve, reject) => {
      const late = () => question.finish(reject, new ChanxError("timeout", `No ${[...actions].join(" or ")} came within ${timeout / 1000} seconds.`));
      const timer = Number.isFinite(timeout) ? this.#clock.setTimeout(late, timeout) : null;
      const question = {
        actions,
        message,
        phase: "waiting", // or "leaving", "sent"
        takeBack: () => {},
        finish: (how, value) => {
          this.#clock.clearTimeout(timer);
          this.#all.delete(question);
          question.takeBack();
          how(value);
          this.#askNext();
        },
        resolve: (answer) => question.finish(resolve, answer),
        reject: (error) => question.finish(reject, error),
      };
      this.#all.add(question);
      this.#askNext();
    });
  }

  /** A message has come: it answers one question at most. */
  tell(action, message) {
    for (const question of [...this.#all]) {
      if (question.phase !== "sent") continue;
      if (action === "error") question.reject(errorOf(message.payload));
      else if (question.actions.has(action)) question.resolve(message);
      else continue;
      return;
    }
  }

  lost() {
    const error = new ChanxError("connection_lost", "The connection was lost before the answer came: it may have been done.");
    for (const question of [...this.#all]) if (question.phase === "sent") question.reject(error);
  }

  /** Nothing comes any more. */
  end(error) {
    const all = [...this.#all];
    this.#all.clear();
    for (const question of all) question.reject(error);
  }

  #askNext() {
    for (const question of [...this.#all]) {
      if (question.phase === "waiting" && this.#all.has(question) && !this.#mustWait(question)) this.#begin(question);
    }
  }

  #begin(question) {
    question.phase = "leaving";
    try {
      question.takeBack = this.#send(question.message, () => (question.phase = "sent"), question.reject);
    } catch (error) {
      question.reject(error);
    }
  }

  /** Whether an earlier one waits for the same. */
  #mustWait(question) {
    for (const earlier of this.#all) {
      if (earlier === question) return false;
      if ([...question.actions].some((action) => earlier.actions.has(action))) return true;
    }
    return false;
  }
}
