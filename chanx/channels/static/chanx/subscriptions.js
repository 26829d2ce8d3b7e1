/**
 * Many topics on one connection: asks for each of them whenever there is a connection, until the server says no.
 *
 *   add(channel) ─> asking ─> open ─ frames ─> channel
 *                    │  ^
 *                    │  └── the connection was lost, the channel wants to begin elsewhere, or after a while
 *                    └──> refused (final), crowded (until another topic is given up), later (trouble on the server's side)
 *
 * A channel is what stands behind a topic on this side:
 *   topic                        its name
 *   token()                      a signed token, a promise of one, or nothing
 *   payload(token)               what a subscribe says
 *   subscribed(payload)          the answer; also unasked for, when the server starts over
 *   frame(frame, raw)            whatever else comes on the topic
 *   failed(frame, raw)           an error that answers nothing and ends nothing; optional
 *   lost()                       nothing comes until the next `subscribed`
 *   refused({reason, detail})    it is over
 *   misplaced()                  the server cannot read where the channel wants to begin
 *   hearsWhileAsking             whether frames before the answer to a repeated `subscribe` count
 *   isDedicated                  whether the route is the topic's own, so that a refusal of it ends the connection; optional
 *
 * `plain` stands behind frames of no topic, and needs the connection whether there are topics or not:
 *   opened(), frame(frame, raw), lost(), refused({reason, detail})
 */

import { Backoff } from "./backoff.js";
import { ReconnectingSocket } from "./socket.js";

const COMPLETIONS = new Set(["complete", "event_complete", "group_complete"]);
const FINAL_REASONS = new Set(["unauthorized", "unknown_topic"]);

class Subscription {
  phase = "lost"; // or "asking", "open", "crowded", "later"
  turn = 0; // of the newest question: answers to older ones count no more
  timer = null;

  constructor(channel, backoff) {
    this.channel = channel;
    this.backoff = backoff;
  }
}

export class Subscriptions {
  #socket;
  #clock;
  #random;
  #plain;
  #all = new Map(); // topic -> Subscription

  constructor(url, { clock, random, plain = null, ...more }) {
    this.#plain = plain;
    this.#clock = clock;
    this.#random = random;
    this.#socket = new ReconnectingSocket(url, this, { clock, random, ...more });
  }

  get status() {
    return this.#socket.status;
  }

  channel(topic) {
    return this.#all.get(topic)?.channel;
  }

  add(channel) {
    const subscription = new Subscription(channel, new Backoff({ clock: this.#clock, random: this.#random }));
    this.#all.set(channel.topic, subscription);
    if (this.#socket.isOpen) this.#ask(subscription);
    else this.#socket.open();
  }

  /** The channel is not needed any more; the connection goes with the last one. */
  release(channel) {
    const subscription = this.#of(channel);
    if (subscription === undefined) return;
    const mayBeOpen = subscription.phase !== "lost" && subscription.phase !== "crowded";
    this.#end(subscription);
    if (this.#isIdle) this.#socket.rest();
    else if (mayBeOpen && this.#socket.isOpen) this.#socket.request({ topic: channel.topic, action: "unsubscribe" }, () => this.#askNext());
  }

  /** Subscribes again, now, from where the channel stands. */
  again(channel) {
    const subscription = this.#of(channel);
    if (subscription !== undefined && this.#socket.isOpen) this.#ask(subscription);
  }

  /** The same after a while: what comes is not what should come. */
  later(channel) {
    const subscription = this.#of(channel);
    if (subscription !== undefined) this.#askLater(subscription);
  }

  isOpen(channel) {
    return this.#of(channel)?.phase === "open" && this.#socket.isOpen;
  }

  send(channel, action, payload) {
    if (this.isOpen(channel)) this.#socket.send({ topic: channel.topic, action, payload });
  }

  request(channel, action, payload, answered) {
    this.#socket.request({ topic: channel.topic, action, payload }, answered);
  }

  /** Sends a message of the topic as it is. */
  write(channel, message) {
    this.#socket.write({ ...message, topic: channel.topic });
  }

  /** The same with an answer, however long that takes; returns the function that forgets about it. */
  ask(channel, message, answered) {
    return this.#socket.ask({ ...message, topic: channel.topic }, answered);
  }

  retryNow() {
    if (!this.#isIdle) this.#socket.retryNow();
  }

  // Frames of no topic

  get isConnected() {
    return this.#socket.isOpen;
  }

  connect() {
    this.#socket.open();
  }

  writePlain(message) {
    this.#socket.write(message);
  }

  /** Nothing needs the connection any more. */
  disconnect() {
    this.#socket.rest();
  }

  // What the socket tells

  opened() {
    if (this.#plain !== null) {
      this.#socket.live();
      this.#plain.opened();
    }
    for (const subscription of [...this.#all.values()]) this.#ask(subscription);
  }

  lost() {
    for (const subscription of [...this.#all.values()]) {
      this.#turn(subscription, "lost");
      subscription.channel.lost();
    }
    this.#plain?.lost();
  }

  refused(reason) {
    this.#plain?.refused(reason);
    for (const subscription of [...this.#all.values()]) this.#refuse(subscription, reason);
  }

  frame(frame, raw) {
    const subscription = this.#all.get(frame.topic);
    if (subscription === undefined) return;
    const { channel, phase } = subscription;
    if (phase !== "open" && !(phase === "asking" && channel.hearsWhileAsking)) return;
    if (COMPLETIONS.has(frame.action)) return;
    const reason = frame.action === "error" ? frame.payload?.reason : undefined;
    if (frame.action === "subscribed") channel.subscribed(frame.payload);
    else if (FINAL_REASONS.has(reason) && channel.isDedicated) this.#refuse(subscription, frame.payload);
    // Whether that is final is for the next answer to say: a new token may be there by now.
    else if (FINAL_REASONS.has(reason) || reason === "not_subscribed") this.#ask(subscription);
    else if (reason === "failed") this.#askLater(subscription); // it has ended, for trouble on the server's side
    else if (frame.action === "error") channel.failed?.(frame, raw);
    else channel.frame(frame, raw);
  }

  plainFrame(frame, raw) {
    this.#plain?.frame(frame, raw);
  }

  /** Whatever a topic is sent is answered, what it does not know with an error; so is what is sent to no topic there is. */
  pingFrame() {
    return { topic: this.#all.keys().next().value ?? "", action: "ping" };
  }

  get #isIdle() {
    return this.#all.size === 0 && this.#plain === null;
  }

  // One subscription

  #of(channel) {
    const subscription = this.#all.get(channel.topic);
    return subscription?.channel === channel ? subscription : undefined;
  }

  #turn(subscription, phase) {
    this.#clock.clearTimeout(subscription.timer);
    subscription.timer = null;
    subscription.phase = phase;
    return ++subscription.turn;
  }

  #ask(subscription) {
    const turn = this.#turn(subscription, "asking");
    const ask = (token) => {
      if (turn === subscription.turn && this.#socket.isOpen) this.#subscribe(subscription, turn, token);
    };
    const failed = () => {
      if (turn === subscription.turn) this.#askLater(subscription);
    };
    let token;
    try {
      token = subscription.channel.token();
    } catch {
      failed();
      return;
    }
    if (typeof token?.then === "function") token.then(ask, failed);
    else ask(token);
  }

  #subscribe(subscription, turn, token) {
    const { channel } = subscription;
    this.request(channel, "subscribe", channel.payload(token), (frame) => {
      if (frame !== null && turn === subscription.turn) this.#answered(subscription, frame);
    });
  }

  #answered(subscription, { action, payload }) {
    const reason = payload?.reason;
    if (action === "subscribed") {
      this.#turn(subscription, "open");
      subscription.backoff.worked();
      this.#socket.live();
      subscription.channel.subscribed(payload);
    } else if (FINAL_REASONS.has(reason)) {
      this.#refuse(subscription, payload);
    } else if (reason === "too_many_topics") {
      this.#turn(subscription, "crowded");
    } else {
      if (reason === "invalid_position") subscription.channel.misplaced();
      this.#askLater(subscription); // e.g. the log cannot be reached just now
    }
  }

  #askLater(subscription) {
    this.#turn(subscription, "later");
    subscription.timer = this.#clock.setTimeout(() => {
      if (this.#socket.isOpen) this.#ask(subscription);
    }, subscription.backoff.next());
    subscription.channel.lost();
  }

  #refuse(subscription, reason) {
    this.#end(subscription);
    subscription.channel.refused(reason);
    if (subscription.channel.isDedicated && this.status.state !== "refused") this.#socket.refuse(reason);
    if (this.#isIdle && this.status.state !== "refused") this.#socket.rest();
    else this.#askNext();
  }

  #end(subscription) {
    this.#turn(subscription, "ended");
    this.#all.delete(subscription.channel.topic);
  }

  /** There may be room for one more on this connection. */
  #askNext() {
    const next = [...this.#all.values()].find(({ phase }) => phase === "crowded");
    if (next !== undefined && this.#socket.isOpen) this.#ask(next);
  }
}
