/** Says by itself how far the console is with each job stream: without that the server stops after 500 events. */

import { topicChannel } from "./protocol.js";

const ACK_EVERY = 100;

export class Acknowledgements {
  #connection;
  #acked = new Map(); // topic -> number of the last event that the server knows to be here

  constructor(connection) {
    this.#connection = connection;
  }

  /** Takes what readFrame() found in a frame of the server's; returns the frame to send now, or null. */
  received({ topic, frame }) {
    const channel = topicChannel(this.#connection, topic);
    if (channel?.topic.protocol !== "job-stream") return null;
    if (frame[channel.discriminator] === "subscribed") this.#acked.delete(topic);
    if (!Number.isInteger(frame.seq)) return null;
    if (!this.#acked.has(topic)) this.#acked.set(topic, frame.seq - 1); // where the stream began
    if (frame.seq - this.#acked.get(topic) < ACK_EVERY) return null;
    this.#acked.set(topic, frame.seq);
    const message = { [channel.discriminator]: "ack", payload: { seq: frame.seq } };
    return channel.isDedicated ? message : { topic, ...message };
  }

  clear() {
    this.#acked.clear();
  }
}
