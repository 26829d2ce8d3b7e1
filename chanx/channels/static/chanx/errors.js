/** What a job's promises are rejected with. */

/** The base of all of them; `jobId` says of which job. */
export class JobError extends Error {
  constructor(jobId, message) {
    super(message);
    this.name = new.target.name;
    this.jobId = jobId;
  }
}

/** The task failed. `message` is safe to show; `reference` finds the traceback in the worker's log. */
export class JobFailedError extends JobError {
  constructor(jobId, { message, code, reference } = {}) {
    super(jobId, message || "Something went wrong.");
    this.code = code ?? "error";
    this.reference = reference ?? null;
  }
}

/** The job was cancelled; `reason` is what whoever cancelled it said, or null. */
export class JobCancelledError extends JobError {
  constructor(jobId, reason) {
    super(jobId, reason ? `The job was cancelled: ${reason}` : "The job was cancelled.");
    this.reason = reason ?? null;
  }
}

/** The server said no: `reason` is its code ("unauthorized": no such job, or somebody else's), the message its words. */
export class JobRefusedError extends JobError {
  constructor(jobId, { reason, detail } = {}) {
    super(jobId, detail || "The server refused.");
    this.reason = reason ?? "refused";
  }
}

/** The page itself closed the job, or the client, before there was an answer. */
export class JobClosedError extends JobError {
  constructor(jobId) {
    super(jobId, "The page does not watch this job any more.");
  }
}
