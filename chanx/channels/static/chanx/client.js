/** The browser's end of chanx: one WebSocket on which a page watches any number of jobs. */

import { Connection } from "./connection.js";

export class JobClient {
  #connection;

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
    this.#connection = new Connection(url, options);
  }

  /** {state: "idle" | "connecting" | "live" | "waiting" | "refused"}; "waiting" has `retryAt`, in milliseconds. */
  get status() {
    return this.#connection.subscriptions.status;
  }

  /**
   * Watches a job.
   *
   * @param {string | {job_id: string}} ref the job's id, or what `job.ref` gave to the page
   * @param {object} [options]
   * @param {string | (() => string | Promise<string>)} [options.token] a signed token of the job; a function is asked for each subscribe
   * @param {{epoch: string, seq: number}} [options.position] what the page has already: `position` of an earlier Job
   */
  job(ref, options) {
    return this.#connection.job(ref, options);
  }

  /** Follows the list of somebody's jobs, by default the user's own. */
  jobs(owner) {
    return this.#connection.jobs(owner);
  }

  /** Something changed for the better: do not wait any longer. In a browser the client finds out by itself. */
  retryNow() {
    this.#connection.subscriptions.retryNow();
  }

  /** Ends everything. */
  close() {
    this.#connection.close();
  }
}
