/** Wishes to cancel a job: each is sent as soon as it can be, again after a lost connection, and answered or given up. */

import { JobRefusedError } from "./errors.js";

const GIVE_UP_AFTER = 30_000; // milliseconds

export class CancelRequests {
  #jobId;
  #clock;
  #send;
  #open = new Set(); // of {reason, sent, resolve, reject, timer}

  /** `send(reason, answered)` asks the server and returns whether it could. */
  constructor(jobId, clock, send) {
    this.#jobId = jobId;
    this.#clock = clock;
    this.#send = send;
  }

  /** Resolves with the job's state when the server took the request. */
  add(reason) {
    return new Promise((resolve, reject) => {
      const request = { reason, sent: false, resolve, reject };
      request.timer = this.#clock.setTimeout(() => {
        this.#open.delete(request);
        reject(new JobRefusedError(this.#jobId, { reason: "no_answer", detail: "The server cannot be reached. Try again later." }));
      }, GIVE_UP_AFTER);
      this.#open.add(request);
      this.send();
    });
  }

  send() {
    for (const request of [...this.#open]) {
      if (!request.sent) request.sent = this.#send(request.reason, (frame) => this.#answered(request, frame));
    }
  }

  #answered(request, frame) {
    const reason = frame?.payload?.reason;
    if (frame === null || reason === "not_subscribed") {
      request.sent = false; // on its way when the connection was lost: cancelling twice does no harm
    } else if (frame.action === "error") {
      this.#finish(request, () => request.reject(new JobRefusedError(this.#jobId, frame.payload ?? {})));
    } else {
      this.#finish(request, () => request.resolve(frame.payload?.state));
    }
  }

  /** The job is over: that answers all of them. */
  ended(state) {
    for (const request of [...this.#open]) this.#finish(request, () => request.resolve(state));
  }

  fail(error) {
    for (const request of [...this.#open]) this.#finish(request, () => request.reject(error));
  }

  #finish(request, answer) {
    this.#clock.clearTimeout(request.timer);
    this.#open.delete(request);
    answer();
  }
}
