/** A connection to a consumer: its own messages, its topics, and jobs, all on one WebSocket. */

import { closedError, errorOf } from "./channel_error.js";
import { Connection } from "./connection.js";
import { Inbox } from "./inbox.js";
import { report } from "./listeners.js";
import { Outbox } from "./outbox.js";
import { Promised } from "./promised.js";
import { Questions } from "./questions.js";
import { Topic } from "./topic.js";
import { TopicChannel } from "./topic_channel.js";

export class ChannelClient {
  #connection;
  #inbox;
  #questions;
  #outbox = new Outbox();
  #opened = new Promised();
  #actionKey;
  #ended = null; // the ChanxError with which everything is answered: refused, or closed here
  #isClosed = false;

  /**
   * Connects at once, and again whenever the connection is lost.
   *
   * @param {string} url of the consumer; one without a host is on the page's own
   * @param {object} [options]
   * @param {(status: object) => void} [options.onStatus] called whenever `status` changes
   * @param {string} [options.actionKey] the consumer's `discriminator_field`, where that is not "action"
   * @param {string | (() => string | Promise<string>)} [options.token] for jobs without a token of their own
   * @param {boolean} [options.heartbeat] false: send no `ping` to find out whether a silent connection is still there
   */
  constructor(url, options = {}) {
    this.#actionKey = options.actionKey ?? "action";
    this.#connection = new Connection(url, options, {
      opened: () => this.#wasOpened(),
      frame: (frame, raw) => this.#came(frame.action, raw),
      lost: () => this.#lost(),
      refused: (payload) => this.#refused(payload),
    });
    this.#inbox = new Inbox(this.#connection.clock);
    this.#questions = new Questions(this.#connection.clock, (...sending) => this.#send(...sending));
    this.connect();
  }

  /** {state: "idle" | "connecting" | "live" | "waiting" | "refused"}; "waiting" has `retryAt`, in milliseconds. */
  get status() {
    return this.#connection.subscriptions.status;
  }

  /** Connects again after it was refused, say because somebody has signed in. */
  connect() {
    this.#mustNotBeClosed();
    this.#begin();
    this.#connection.subscriptions.connect();
  }

  /** Resolves once there is a connection; rejects with a ChanxError where it is refused. */
  ready() {
    return this.#opened.get();
  }

  /** Sends a message, now or as soon as there is a connection. What is wrong with it comes as `on("error", …)`. */
  send(message) {
    this.#send(message, () => {}, report);
  }

  /**
   * Sends a message; resolves with the next one of an action, or of one of several. Rejects with a ChanxError: an `error` that
   * comes meanwhile, a lost connection, nothing in time.
   *
   * Nothing in a message says what it answers: one that is sent to everybody counts too. Calls that ask for the same action
   * have their answers one after the other, each is sent when the one before it is done. Listeners and loops get the answer too.
   */
  ask(message, action, options) {
    return this.#questions.ask(message, action, options);
  }

  /** Calls `listener` with every message of that action, or of any ("*"); returns the function that ends it. */
  on(action, listener) {
    return this.#inbox.on(action, listener);
  }

  /** The next message of that action, or of one of several; rejects with a ChanxError, after 10 seconds at the latest. */
  waitFor(action, options) {
    return this.#inbox.waitFor(action, options);
  }

  /** The messages from here on: for `for await`. */
  [Symbol.asyncIterator]() {
    return this.#inbox.loop();
  }

  /**
   * Subscribes to a topic, and again after each lost connection.
   *
   * @param {string} name "room:5"
   * @param {object} [options]
   * @param {unknown} [options.payload] what a subscribe says; a function is asked for each subscribe
   * @param {boolean} [options.isDedicated] the route of this connection is this topic's own
   */
  topic(name, { payload, isDedicated = false } = {}, Type = Topic) {
    this.#mustNotBeClosed();
    if (typeof name !== "string" || name === "") throw new TypeError('client.topic(name): pass the name of a topic, like "room:5"');
    const { subscriptions, clock } = this.#connection;
    const more = { clock, actionKey: this.#actionKey, isDedicated };
    const channel = this.#connection.channel(name, (onEmpty) => new TopicChannel(name, subscriptions, { ...more, onEmpty }));
    return new Type({ channel, clock, payload });
  }

  /** Watches a job: see `JobClient.job`. */
  job(ref, options) {
    this.#mustNotBeClosed();
    return this.#connection.job(ref, options);
  }

  /** Follows the list of somebody's jobs, by default the user's own. */
  jobs(owner) {
    this.#mustNotBeClosed();
    return this.#connection.jobs(owner);
  }

  /** Something changed for the better: do not wait any longer. In a browser the client finds out by itself. */
  retryNow() {
    this.#connection.subscriptions.retryNow();
  }

  /** Ends everything: topics, jobs, loops, the connection. */
  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.close();
    this.#connection.subscriptions.disconnect();
    this.#settle(closedError());
    this.#inbox.end(null);
  }

  /** Now, or later: then `failed` is called with what is wrong, and the function returned takes the message back. */
  #send(message, sent, failed) {
    if (this.#ended !== null) throw this.#ended;
    const { subscriptions } = this.#connection;
    const write = () => {
      subscriptions.writePlain(message);
      sent();
    };
    if (!subscriptions.isConnected) return this.#outbox.add(() => attempted(write, failed));
    write();
    return () => {};
  }

  #came(action, message) {
    this.#questions.tell(action, message);
    this.#inbox.tell(action, message);
  }

  #lost() {
    this.#opened.reset();
    this.#questions.lost();
  }

  #mustNotBeClosed() {
    if (this.#isClosed) throw closedError();
  }

  #begin() {
    if (this.#ended === null) return;
    this.#ended = null;
    this.#opened.reset();
    this.#inbox.begin();
  }

  #wasOpened() {
    this.#begin(); // a topic asked for meanwhile has connected again
    this.#opened.resolve();
    this.#outbox.flush();
  }

  #refused(payload) {
    const error = errorOf(payload);
    this.#settle(error);
    this.#inbox.refused(error, { [this.#actionKey]: "error", payload });
  }

  #settle(error) {
    this.#ended = error;
    this.#outbox.clear();
    this.#opened.reject(error);
    this.#questions.end(error);
  }
}

function attempted(write, failed) {
  try {
    write();
  } catch (error) {
    failed(error); // no JSON
  }
}
