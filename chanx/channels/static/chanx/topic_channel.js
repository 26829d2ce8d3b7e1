/**
 * A topic of a project's own on the connection: keeps it subscribed, and hands its messages to all handles of it on this side.
 *
 *   send, request ─> waits until the topic is open ─> sent ─ answer with the same `ref` ─> resolved
 *                        ^                              ├── the connection is lost: rejected, as it may have been handled
 *                        └── "not_subscribed": asked for again
 */

import { ChanxError, closedError, errorOf } from "./channel_error.js";
import { ANSWER_WITHIN } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { Promised } from "./promised.js";

export class TopicChannel {
  #subscriptions;
  #clock;
  #actionKey;
  #handles = new Set(); // with tell(action, message), refused(error, message), close()
  #outbox = new Outbox();
  #requests = new Set(); // functions that fail what is under way
  #opened = new Promised();
  #payload;
  #onEmpty;
  #isListed = false; // among the subscriptions
  #refusal = null;
  hearsWhileAsking = true; // it is subscribed all the same

  constructor(topic, subscriptions, { clock, actionKey, isDedicated = false, onEmpty }) {
    this.topic = topic;
    this.isDedicated = isDedicated;
    this.#subscriptions = subscriptions;
    this.#clock = clock;
    this.#actionKey = actionKey;
    this.#onEmpty = onEmpty;
  }

  /** Begins to tell a handle of messages. `payload` is what a subscribe says, or a function that is asked for it. */
  join(handle, payload) {
    this.#handles.add(handle);
    const asksAgain = payload !== undefined && this.#isListed;
    this.#payload = payload ?? this.#payload;
    if (asksAgain) this.#subscriptions.again(this);
    if (this.#isListed) return;
    this.#isListed = true;
    this.#refusal = null;
    this.#opened.reset();
    this.#subscriptions.add(this);
  }

  leave(handle) {
    if (!this.#handles.delete(handle) || this.#handles.size > 0) return;
    if (this.#isListed) this.#subscriptions.release(this);
    this.#isListed = false;
    this.#onEmpty();
    this.#fail(closedError());
  }

  close() {
    for (const handle of [...this.#handles]) handle.close();
  }

  /** Resolves with the payload of `subscribed`, the newest one. */
  opened() {
    return this.#opened.get();
  }

  /** Sends a message, as soon as the topic is open. */
  send(message) {
    this.#whenOpen(() => this.#subscriptions.write(this, message));
  }

  /** The same for one that is answered: resolves with the answer, rejects with a ChanxError. */
  request(message, { timeout = ANSWER_WITHIN } = {}) {
    return new Promise((resolve, reject) => {
      let forget = () => {};
      const finish = (how, value) => {
        this.#clock.clearTimeout(timer);
        this.#requests.delete(fail);
        forget();
        how(value);
      };
      const fail = (error) => finish(reject, error);
      const late = () => fail(new ChanxError("timeout", this.#noAnswer(message, timeout)));
      const answered = (frame, raw) => {
        if (frame === null) fail(new ChanxError("connection_lost", "The connection was lost before the answer came: it may have been done."));
        else if (frame.action !== "error") finish(resolve, raw);
        else if (frame.payload?.reason === "not_subscribed") forget = this.#afterAnotherSubscribe(ask, fail);
        else fail(errorOf(frame.payload));
      };
      const ask = () => (forget = this.#subscriptions.ask(this, message, answered));
      const timer = Number.isFinite(timeout) ? this.#clock.setTimeout(late, timeout) : null;
      this.#requests.add(fail);
      try {
        forget = this.#whenOpen(ask, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  // What the subscriptions ask and tell

  token() {
    return typeof this.#payload === "function" ? this.#payload() : this.#payload;
  }

  payload(payload) {
    return payload;
  }

  misplaced() {}

  /** Handles wait; who asks whether it is open waits for the next `subscribed`. */
  lost() {
    this.#opened.reset();
  }

  subscribed(payload) {
    this.#opened.resolve(payload);
    this.#tell("subscribed", { version: 1, topic: this.topic, [this.#actionKey]: "subscribed", payload });
    this.#outbox.flush();
  }

  frame({ action }, raw) {
    this.#tell(action, raw);
  }

  failed(frame, raw) {
    this.#tell("error", raw);
  }

  refused(payload) {
    const error = errorOf(payload);
    this.#isListed = false;
    this.#refusal = error;
    this.#fail(error);
    const message = { version: 1, topic: this.topic, [this.#actionKey]: "error", payload };
    for (const handle of [...this.#handles]) handle.refused(error, message);
  }

  #tell(action, message) {
    for (const handle of [...this.#handles]) handle.tell(action, message);
  }

  #fail(error) {
    this.#outbox.clear();
    this.#opened.reject(error);
    for (const fail of [...this.#requests]) fail(error);
  }

  /** The server has ended the subscription, and has not handled the message. */
  #afterAnotherSubscribe(send, fail) {
    this.#subscriptions.again(this);
    return this.#whenOpen(send, fail);
  }

  /** Calls `send` now or later; returns the function that takes it back. */
  #whenOpen(send, fail = () => {}) {
    const attempt = () => {
      try {
        send();
      } catch (error) {
        fail(error); // no JSON
      }
    };
    if (!this.#isListed) throw this.#refusal ?? closedError();
    if (!this.#subscriptions.isOpen(this)) return this.#outbox.add(attempt);
    send();
    return () => {};
  }

  #noAnswer(message, timeout) {
    const action = message[this.#actionKey];
    return `No answer to ${action} within ${timeout / 1000} seconds. Messages that the server sends to everybody are no answers: wait for them with on(…).`;
  }
}
