// What the JavaScript of a page finds: chanx.js, and a WebSocket behind which is one job.

import assert from "node:assert/strict";
import { JobClient as Client } from "../../chanx/channels/static/chanx/chanx.js";
import { snapshot } from "../unit/javascript/fakes.mjs";

const TOPIC = "job:a";
const LIFE = [
  { seq: 1, action: "job_started", payload: null },
  { seq: 2, action: "job_output", payload: { stream: "answer", text: "A " } },
  { seq: 3, action: "job_output", payload: { stream: "answer", text: "job." } },
  { head: 3, rev: 1, action: "job_progress", payload: { current: 1, total: 2, fraction: 0.5, message: "Half" } },
  { seq: 4, action: "job_succeeded", payload: { result: 7, result_omitted: false } },
];
const CANCELLED = [
  { seq: 2, action: "job_cancel_requested", payload: { reason: "wrong file" } },
  { seq: 3, action: "job_cancelled", payload: { reason: "wrong file" } },
];

/** Answers as a site does; `endless`: the job runs until it is cancelled. */
function siteWith({ endless = false } = {}) {
  return class {
    readyState = 0;

    constructor() {
      setImmediate(() => {
        this.readyState = 1;
        this.onopen?.();
      });
    }

    send(text) {
      const { action, ref } = JSON.parse(text);
      if (action === "subscribe") {
        this.#say({ ref, action: "subscribed", payload: { epoch: "e1", seq: 0, recovered: true, snapshot: snapshot() } });
        this.#tell(endless ? LIFE.slice(0, 1) : LIFE);
      }
      if (action === "cancel") {
        this.#say({ ref, action: "job_cancel_accepted", payload: { state: "started" } });
        this.#tell(CANCELLED);
      }
    }

    close() {
      this.readyState = 3;
    }

    #tell(events) {
      for (const event of events) this.#say({ job_id: "a", time: "2026-01-01T00:00:00Z", ...event });
    }

    #say(frame) {
      setImmediate(() => this.onmessage?.({ data: JSON.stringify({ version: 1, topic: TOPIC, ...frame }) }));
    }
  };
}

class JobClient extends Client {
  constructor(path, options) {
    super(new URL(path, "http://localhost:8000").href, { WebSocket: siteWith(), ...options });
  }
}

Object.assign(globalThis, { assert, JobClient, siteWith });
