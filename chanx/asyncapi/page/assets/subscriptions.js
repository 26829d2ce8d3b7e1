/** The topics that are open on a connection, each with a button to leave it. */

import { button, element } from "./dom.js";
import { topicChannel } from "./protocol.js";

export class Subscriptions {
  #connection;
  #onLeave;
  #open = new Map(); // topic -> list item
  #list = element("ul", { class: "subscriptions", "aria-label": "Open topics" });
  element = element("section", { class: "console-part", hidden: true }, element("div", { class: "part-head" }, element("h3", {}, "Open topics")), this.#list);

  /** `onLeave(topic, discriminator)` is asked for a topic that a person leaves. */
  constructor(connection, onLeave) {
    this.#connection = connection;
    this.#onLeave = onLeave;
  }

  /** Takes what readFrame() found in a frame of the server's. */
  received({ topic, frame }) {
    const channel = topicChannel(this.#connection, topic);
    if (channel === undefined) return;
    const action = frame[channel.discriminator];
    if (action === "subscribed") this.#add(topic, channel);
    else if (action === "unsubscribed" || isEnd(action, frame)) this.#remove(topic);
  }

  clear() {
    for (const topic of [...this.#open.keys()]) this.#remove(topic);
  }

  #add(topic, { discriminator, isDedicated }) {
    if (this.#open.has(topic)) return;
    const leave = isDedicated ? null : button("Leave", () => this.#onLeave(topic, discriminator), { class: "small", "aria-label": `Leave ${topic}` });
    const item = element("li", {}, element("code", {}, topic), leave);
    this.#open.set(topic, item);
    this.#list.append(item);
    this.element.hidden = false;
  }

  #remove(topic) {
    this.#open.get(topic)?.remove();
    this.#open.delete(topic);
    this.element.hidden = this.#open.size === 0;
  }
}

/** A refusal that answers nothing ends a subscription, and one for these reasons says that there is none. */
function isEnd(action, { ref, payload }) {
  const reason = payload?.reason;
  return action === "error" && typeof reason === "string" && (ref === undefined || ref === null || reason === "not_subscribed" || reason === "unauthorized");
}
