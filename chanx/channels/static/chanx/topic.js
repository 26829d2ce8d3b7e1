/** A topic as a page sees it: one of many streams over one connection. Made by `ChannelClient.topic`. */

import { closedError } from "./channel_error.js";
import { Inbox } from "./inbox.js";

export class Topic {
  #channel;
  #inbox;
  #isClosed = false;

  /** Takes what `ChannelClient.topic` gives. */
  constructor({ channel, clock, payload }) {
    this.#channel = channel;
    this.#inbox = new Inbox(clock);
    channel.join(this, payload);
  }

  /** Its full name, "room:5". */
  get name() {
    return this.#channel.topic;
  }

  /** Resolves with the payload of `subscribed` once the topic is open; rejects with a ChanxError where it is refused. */
  ready() {
    return this.#isClosed ? Promise.reject(closedError()) : this.#channel.opened();
  }

  /** Sends a message, now or as soon as the topic is open. What is wrong with it comes as `on("error", …)`. */
  send(message) {
    if (this.#isClosed) throw closedError();
    this.#channel.send(message);
  }

  /** Sends a message; resolves with the one that answers it, rejects with a ChanxError. */
  request(message, options) {
    return this.#isClosed ? Promise.reject(closedError()) : this.#channel.request(message, options);
  }

  /** Calls `listener` with every message of that action, or of any ("*"); returns the function that ends it. */
  on(action, listener) {
    return this.#inbox.on(action, listener);
  }

  /** The next message of that action, or of one of several. */
  waitFor(action, options) {
    return this.#inbox.waitFor(action, options);
  }

  /** The messages from here on: for `for await`. */
  [Symbol.asyncIterator]() {
    return this.#inbox.loop();
  }

  /** Ends it: loops end, and with the last handle of a topic the subscription. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.leave(this);
    this.#inbox.end(null);
  }

  // What the channel tells

  tell(action, message) {
    this.#inbox.tell(action, message);
  }

  refused(error, message) {
    this.#inbox.refused(error, message);
  }
}
