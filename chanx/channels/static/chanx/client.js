/** The browser's end of chanx: one WebSocket on which a page watches any number of jobs. */

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

export class JobClient {
  #subscriptions;
  #channels = new Map(); // topic -> JobChannel or ListChannel
  #clock;
  #token;
  #forget = () => {};

  /**
   * Connects with the first job, and is without a connection while no job is open.
   *
   * @param {string} url of the consumer; one without a host is on the page's own
   * @param {object} [options]
   * @param {string | (() => string | Promise<string>)} [options.token] for jobs without a token of their own
   * @param {(status: object) => void} [options.onStatus] called whenever `status` changes
   * @param {string} [options.actionKey] the consumer's `discriminator_field`, where that is not "action"
   */
  constructor(url, options = {}) {
    const { token = null, onStatus = () => {}, actionKey = "action" } = options;
    const { WebSocket = globalThis.WebSocket, clock = realClock, random = Math.random } = options;
    this.#token = token;
    this.#clock = clock;
    this.#subscriptions = new Subscriptions(webSocketUrl(url), { WebSocket, clock, random, onStatus, actionKey });
    this.#retryWhenItMayWork();
  }

  /** {state: "idle" | "connecting" | "live" | "waiting" | "refused"}; "waiting" has `retryAt`, in milliseconds. */
  get status() {
    return this.#subscriptions.status;
  }

  /**
   * Watches a job.
   *
   * @param {string | {job_id: string}} ref the job's id, or what `job.ref` gave to the page
   * @param {object} [options]
   * @param {string | (() => string | Promise<string>)} [options.token] a signed token of the job; a function is asked for each subscribe
   * @param {{epoch: string, seq: number}} [options.position] what the page has already: `position` of an earlier Job
   */
  job(ref, { token = this.#token, position = null } = {}) {
    const jobId = typeof ref === "string" ? ref : ref?.job_id;
    if (typeof jobId !== "string" || jobId === "") throw new TypeError("client.job(ref): pass a job's id, or its ref {job_id, …}");
    const channel = this.#channel(`job:${jobId}`, (onEmpty) => new JobChannel(jobId, this.#subscriptions, { clock: this.#clock, onEmpty }));
    return new Job(channel, { token, position });
  }

  /** Follows the list of somebody's jobs, by default the user's own. */
  jobs(owner = "me") {
    const topic = `jobs:${owner}`;
    const channel = this.#channel(topic, (onEmpty) => new ListChannel(topic, this.#subscriptions, { token: this.#token, onEmpty }));
    return new JobList(channel);
  }

  /** Something changed for the better: do not wait any longer. In a browser the client finds out by itself. */
  retryNow() {
    this.#subscriptions.retryNow();
  }

  /** Ends everything. */
  close() {
    this.#forget();
    for (const channel of [...this.#channels.values()]) channel.close();
  }

  #channel(topic, make) {
    let channel = this.#channels.get(topic);
    if (channel === undefined) {
      channel = make(() => this.#channels.delete(topic));
      this.#channels.set(topic, channel);
    }
    return channel;
  }

  #retryWhenItMayWork() {
    const { document } = globalThis;
    if (document === undefined) return;
    const retry = () => {
      if (!document.hidden) this.retryNow();
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
