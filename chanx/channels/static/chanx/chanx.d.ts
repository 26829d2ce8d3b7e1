/** Types of chanx.js. The events and the snapshot are those of `chanx.bridge.events` and `chanx.bridge.snapshot`. */

export {
  ChannelClient,
  ChanxError,
  Topic,
  channelUrl,
  topicName,
  type AnyMessage,
  type ChannelOptions,
  type CompletionMessage,
  type ConnectOptions,
  type ErrorMessage,
  type OnTopic,
  type OwnEvent,
  type Problem,
  type RequestOptions,
  type SubscribedMessage,
  type TopicKeys,
  type TopicOpening,
  type TopicOptions,
  type WaitOptions,
} from "./channel_client.js";

export type JobState = "queued" | "started" | "retrying" | "succeeded" | "failed" | "cancelled";
export type TerminalState = "succeeded" | "failed" | "cancelled";

/** What the page knows of a job: "connecting" before the first answer, "refused" where there is no such job for it. */
export type WatchedState = JobState | "connecting" | "refused";

export const TERMINAL_STATES: ReadonlySet<JobState>;

/** Up to where a page has the log of a job: keep it (in `sessionStorage`, say) to go on from there after a reload. */
export interface JobPosition {
  epoch: string;
  seq: number;
}

/** What the server side hands to a page: `start_job(...).ref`. */
export interface JobRef {
  job_id: string;
  topic?: string;
}

// Events

export interface TaskPayload {
  name: string;
  state: "started" | "retrying" | "succeeded" | "failed" | "cancelled";
}

/** `fraction` is 0..1, `rate` a second, `eta` in seconds; `step` names the open steps, the outermost first. */
export interface ProgressPayload {
  current: number;
  total: number | null;
  unit: string | null;
  fraction: number | null;
  rate: number | null;
  eta: number | null;
  message: string | null;
  step: string[];
}

export interface LogPayload {
  level: "debug" | "info" | "warning" | "error";
  message: string;
}

/** A piece: the whole text of a stream is its pieces in order, with nothing between them. See OutputText. */
export interface OutputPayload {
  text: string;
  stream: string;
}

export interface RetryPayload {
  reason: string;
  countdown: number | null;
}

export interface InterruptedPayload {
  task: string;
  reason: string;
}

export interface GapPayload {
  lost: number;
}

export interface ReasonPayload {
  reason: string | null;
}

export interface SucceededPayload<Result = unknown> {
  result: Result;
  result_omitted: boolean;
}

/** `message` is safe to show; `reference` finds the traceback in the worker's log. */
export interface ErrorPayload {
  message: string;
  code: string;
  reference: string | null;
}

export interface FailedPayload {
  error: ErrorPayload;
}

/** What every event of a job has: which task, attempt and run it comes from, and when (UTC, ISO 8601). */
export interface EventBase<Action extends string = string, Payload = unknown> {
  action: Action;
  payload: Payload;
  version: number;
  topic: string;
  job_id: string | null;
  task_id: string | null;
  attempt: number | null;
  run_id: string | null;
  time: string | null;
}

/** An event of the log: numbered 1, 2, 3, …, told once and in order. */
export interface LogEvent<Action extends string = string, Payload = unknown> extends EventBase<Action, Payload> {
  seq: number;
  head?: undefined;
  rev?: undefined;
}

/** An event of which only the newest counts (`delivery = "latest"`). It is in the snapshot's fields, not in the log. */
export interface LatestEvent<Action extends string = string, Payload = unknown> extends EventBase<Action, Payload> {
  seq?: undefined;
  head: number;
  rev: number;
}

export type JobEvent<Result = unknown> =
  | LogEvent<"job_queued", null>
  | LogEvent<"job_started", null>
  | LogEvent<"job_task", TaskPayload>
  | LatestEvent<"job_progress", ProgressPayload>
  | LogEvent<"job_log", LogPayload>
  | LogEvent<"job_output", OutputPayload>
  | LogEvent<"job_retrying", RetryPayload>
  | LogEvent<"job_interrupted", InterruptedPayload>
  | LogEvent<"job_gap", GapPayload>
  | LogEvent<"job_cancel_requested", ReasonPayload>
  | LogEvent<"job_succeeded", SucceededPayload<Result>>
  | LogEvent<"job_failed", FailedPayload>
  | LogEvent<"job_cancelled", ReasonPayload>;

/** In a loop over events: the log has begun anew, so what came so far is void, and what is kept of it follows. */
export interface ResetMark {
  action: "reset";
  payload: null;
  seq: null;
}

type Numbered<Event> = Event extends { seq: number } ? Event : never;

// Snapshots

export interface JobSnapshot<Result = unknown> {
  job_id: string;
  owner: string;
  name: string;
  meta: Record<string, unknown>;
  created_at: string;
  state: JobState;
  attempt: number;
  cancel_requested: boolean;
  cancel_reason: string | null;
  epoch: string;
  seq: number;
  oldest: number;
  rev: number;
  fields: {
    started_at?: string;
    ended_at?: string;
    result?: Result;
    result_omitted?: boolean;
    error?: ErrorPayload;
    job_progress?: ProgressPayload | null;
    [field: string]: unknown;
  };
}

/** A job on a list. Values that are too long for one are left out, and named. */
export interface ListedJob extends JobSnapshot {
  omitted_fields: string[];
}

// The client

export type ConnectionStatus =
  | { state: "idle" | "connecting" | "live" | "refused" }
  /** `retryAt` is in milliseconds, like `Date.now()`. */
  | { state: "waiting"; retryAt: number };

/** A signed token of a job, or a function that is asked for one whenever the page subscribes: tokens expire. */
export type Token = string | (() => string | Promise<string>);

export interface Refusal {
  reason: string;
  detail: string;
}

export interface ClientOptions {
  token?: Token;
  onStatus?: (status: ConnectionStatus) => void;
  /** The consumer's `discriminator_field`, where that is not "action". */
  actionKey?: string;
  /** The class of sockets, where there is none of the browser's. */
  WebSocket?: new (url: string) => unknown;
}

export interface JobOptions {
  token?: Token;
  position?: JobPosition | null;
}

/** One WebSocket for any number of jobs: opened with the first, closed with the last, opened again when it is lost. */
export class JobClient {
  constructor(url: string, options?: ClientOptions);
  readonly status: ConnectionStatus;
  /**
   * Watches a job. `OwnEvents` are the types of the job's own events (`LogEvent<"row_rejected", {…}>`), `Result` that of
   * what its task returns.
   */
  job<OwnEvents extends EventBase = never, Result = unknown>(ref: JobRef | string, options?: JobOptions): Job<OwnEvents, Result>;
  /** Follows the list of somebody's jobs: "me" are the user's own, others are owner strings ("project:7"). */
  jobs(owner?: string): JobList;
  /** Something changed for the better: do not wait any longer. In a browser the client finds out by itself. */
  retryNow(): void;
  close(): void;
}

/** What happens to a job on this page, beside its events. */
export interface JobOccasions<OwnEvents extends EventBase, Result> {
  /** Every event. `replayed`: the snapshot knew it already. */
  "*": (event: JobEvent<Result> | OwnEvents, how: { replayed: boolean }) => void;
  /** After every subscribe, with the job as it stands. */
  snapshot: (snapshot: JobSnapshot<Result>, job: Job<OwnEvents, Result>) => void;
  state: (state: WatchedState, job: Job<OwnEvents, Result>) => void;
  /** The state, the progress or another field may be a new one: draw the job. */
  change: (job: Job<OwnEvents, Result>) => void;
  /** The log has begun anew: forget the events so far, those that are kept follow. */
  reset: (job: Job<OwnEvents, Result>) => void;
  /** The job is over, and every event of it has been told. */
  end: (job: Job<OwnEvents, Result>) => void;
  refused: (refusal: Refusal, job: Job<OwnEvents, Result>) => void;
}

export class Job<OwnEvents extends EventBase = never, Result = unknown> {
  private constructor();
  readonly id: string;
  readonly topic: string;
  readonly state: WatchedState;
  /** Whether it succeeded, failed or was cancelled. */
  readonly ended: boolean;
  readonly snapshot: JobSnapshot<Result> | null;
  readonly progress: ProgressPayload | null;
  readonly cancelRequested: boolean;
  /** Up to where the listeners were told the events; null before the first answer. */
  readonly position: JobPosition | null;

  /** Returns the function that ends it. A listener that throws is reported, and disturbs nobody. */
  on<Name extends keyof JobOccasions<OwnEvents, Result>>(name: Name, listener: JobOccasions<OwnEvents, Result>[Name]): () => void;
  on<Action extends (JobEvent<Result> | OwnEvents)["action"]>(
    action: Action,
    listener: (event: Extract<JobEvent<Result> | OwnEvents, { action: Action }>, how: { replayed: boolean }) => void,
  ): () => void;

  /**
   * Every numbered event, in order, from the start or the position given, to the job's end. The server does not send more
   * than 500 events beyond what the loop has taken. Throws JobRefusedError where the job is refused.
   */
  events(): JobEvents<OwnEvents, Result>;

  /** What the task returned: undefined where that was too large to keep. Rejects with a JobError. */
  result(): Promise<Result | undefined>;

  /** Resolves with the job's state once the server has taken the request, at the latest in 30 seconds. */
  cancel(reason?: string): Promise<JobState>;

  /** Ends the watching; the job itself goes on. */
  close(): void;
}

export interface JobEvents<OwnEvents extends EventBase = never, Result = unknown>
  extends AsyncIterableIterator<Numbered<JobEvent<Result>> | Numbered<OwnEvents> | ResetMark> {
  /** Up to where the loop has taken the events. */
  readonly position: JobPosition | null;
}

/** Somebody's jobs, as they come, change and go. A loop over it gets the list whenever it has changed. */
export class JobList implements AsyncIterable<ListedJob[]> {
  private constructor();
  /** Newest first; empty before the first answer. */
  readonly jobs: ListedJob[];
  /** Whether there are older ones. */
  readonly hasMore: boolean;
  /** Asks for the next older jobs. */
  more(): void;
  on(name: "change", listener: (jobs: ListedJob[], list: JobList) => void): () => void;
  on(name: "refused", listener: (refusal: Refusal, list: JobList) => void): () => void;
  [Symbol.asyncIterator](): AsyncIterator<ListedJob[]>;
  close(): void;
}

// Errors

export class JobError extends Error {
  readonly jobId: string;
}

export class JobFailedError extends JobError {
  readonly code: string;
  readonly reference: string | null;
}

export class JobCancelledError extends JobError {
  readonly reason: string | null;
}

export class JobRefusedError extends JobError {
  readonly reason: string;
}

/** The page itself closed the job before there was an answer. */
export class JobClosedError extends JobError {}

// Output

export interface OutputLine {
  readonly stream: string;
  /** Grows while the line has no end yet. */
  readonly text: string;
}

/** Puts the pieces of `job_output` together into lines. */
export class OutputText {
  /** Returns the lines that the piece begins, and the one that it continues. */
  add(piece: OutputPayload): { begun: OutputLine[]; continued: OutputLine | undefined };
  reset(): void;
}
