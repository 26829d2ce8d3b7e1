/** Types of chanx-job.js. */

import type { ErrorPayload, Job, TerminalState, WatchedState } from "./chanx.js";

export interface JobElementTexts {
  states: Record<WatchedState | "cancelling", string>;
  progress: string;
  queued: string;
  working: string;
  retrying: string;
  left: (duration: string) => string;
  cancel: string;
  confirm: string;
  stop: string;
  keep: string;
  notCancelled: (detail: string) => string;
  cancelled: (reason: string) => string;
  failed: string;
  reference: (reference: string) => string;
  result: string;
  log: string;
  newest: string;
  reconnecting: string;
  signedOut: string;
  notes: {
    retrying: (reason: string) => string;
    interrupted: string;
    gap: (lost: string) => string;
    taskFailed: (task: string) => string;
    trimmed: string;
  };
}

/** Attributes: `src`, `job`, `token`, `label`, `no-cancel`. */
export class ChanxJob extends HTMLElement {
  static texts: JobElementTexts;
  /** The job that is shown, or null. */
  readonly watched: Job | null;
}

declare global {
  interface HTMLElementTagNameMap {
    "chanx-job": ChanxJob;
  }
  interface HTMLElementEventMap {
    "chanx-state": CustomEvent<{ state: WatchedState }>;
    "chanx-end": CustomEvent<{ state: TerminalState; result?: unknown; error?: ErrorPayload }>;
  }
}
