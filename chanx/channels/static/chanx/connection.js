/** One WebSocket and what a page has on it: topics of any kind, jobs among them, each once however many look at it. */

import { Job } from "./job.js";
import { JobChannel } from "./job_channel.js";
import { JobList } from "./job_list.js";
import { ListChannel } from "./list_channel.js";
import { Subscriptions } from "./subscriptions.js";

const realClock = {
  now: () => Date.now(),
  setTimeout: (call, delay) => setTimeout(call, delay),
  clearTimeout: (timer) => clearTimeout(timer),
};

export class Connection {
  #channels = new Map(); // topic -> JobChannel, ListChannel or TopicChannel
  #token;
  #forget = () => {};

  /** `options` are those of the clients; `plain` is what stands behind frames of no topic, see Subscriptions. */
  constructor(url, options, plain = null) {
    const { token = null, onStatus = () => {}, actionKey = "action", heartbeat = true } = options;
    const { WebSocket = globalThis.WebSocket, clock = realClock, random = Math.random } = options;
    if (WebSocket === undefined) {
      throw new TypeError("There is no WebSocket here: pass a class of them as the option `WebSocket` (Node has its own from version 22 on).");
    }
    this.#token = token;
    this.clock = clock;
    this.subscriptions = new Subscriptions(webSocketUrl(url), { WebSocket, clock, random, onStatus, actionKey, heartbeat, plain });
    this.#retryWhenItMayWork();
  }

  job(ref, { token = this.#token, position = null } = {}) {
    const jobId = typeof ref === "string" ? ref : ref?.job_id;
    if (typeof jobId !== "string" || jobId === "") throw new TypeError("client.job(ref): pass a job's id, or its ref {job_id, …}");
    const channel = this.channel(`job:${jobId}`, (onEmpty) => new JobChannel(jobId, this.subscriptions, { clock: this.clock, onEmpty }));
    return new Job(channel, { token, position });
  }

  jobs(owner = "me") {
    const topic = `jobs:${owner}`;
    const channel = this.channel(topic, (onEmpty) => new ListChannel(topic, this.subscriptions, { token: this.#token, onEmpty }));
    return new JobList(channel);
  }

  /** What is behind a topic here; `make(onEmpty)` is called for one that is new. */
  channel(topic, make) {
    let channel = this.#channels.get(topic);
    if (channel === undefined) {
      channel = make(() => this.#channels.delete(topic));
      this.#channels.set(topic, channel);
    }
    return channel;
  }

  /** Ends everything on it. */
  close() {
    this.#forget();
    for (const channel of [...this.#channels.values()]) channel.close();
  }

  #retryWhenItMayWork() {
    const { document } = globalThis;
    if (document === undefined) return;
    const retry = () => {
      if (!document.hidden) this.subscriptions.retryNow();
    };
    globalThis.addEventListener("online", retry);
    document.addEventListener("visibilitychange", retry);
    this.#forget = () => {
      globalThis.removeEventListener("online", retry);
      document.removeEventListener("visibilitychange", retry);
    };
  }
}

function webSocketUrl(url) {
  const whole = new URL(url, globalThis.location?.href);
  whole.protocol = { "http:": "ws:", "https:": "wss:" }[whole.protocol] ?? whole.protocol;
  return whole.href;
}
