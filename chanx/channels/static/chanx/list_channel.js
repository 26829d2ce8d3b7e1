/** Somebody's jobs on the connection: the newest first, as they come, change and go. */

const MOST = 500; // as many as the server lets a list follow

export class ListChannel {
  #subscriptions;
  #token;
  #lists = new Set();
  #isListed = false;
  #jobs = new Map(); // job_id -> snapshot
  #onEmpty;
  #wanted = 0; // so many at least, where there are
  #begins = true; // with the next answer
  hearsWhileAsking = true; // the next page adds to what there is
  known = false;
  hasMore = false; // older jobs than these
  refusal = null;

  constructor(topic, subscriptions, { token, onEmpty }) {
    this.topic = topic;
    this.#subscriptions = subscriptions;
    this.#token = token;
    this.#onEmpty = onEmpty;
  }

  /** Newest first. */
  get jobs() {
    return [...this.#jobs.values()];
  }

  join(list) {
    this.#lists.add(list);
    if (this.#isListed) return;
    this.#isListed = true;
    this.refusal = null;
    this.#subscriptions.add(this);
  }

  leave(list) {
    if (!this.#lists.delete(list) || this.#lists.size > 0) return;
    this.#onEmpty();
    if (this.#isListed) this.#subscriptions.release(this);
    this.#isListed = false;
  }

  /** Asks for the next older jobs. */
  more() {
    if (!this.hasMore) return;
    this.#wanted = this.#jobs.size + 1;
    this.#subscriptions.again(this);
  }

  close() {
    for (const list of [...this.#lists]) list.close();
  }

  // What the subscriptions ask and tell

  token() {
    return typeof this.#token === "function" ? this.#token() : this.#token;
  }

  payload(token) {
    const oldest = this.#begins ? undefined : this.jobs.at(-1);
    const place = oldest && { before: oldest.created_at, before_id: oldest.job_id };
    const payload = { ...place, ...(token && { token }) };
    return Object.keys(payload).length > 0 ? payload : undefined;
  }

  misplaced() {}

  /** The next answer begins the list anew; as much as was there is asked for again. */
  lost() {
    this.#wanted = Math.max(this.#wanted, this.#jobs.size);
    this.#begins = true;
  }

  subscribed({ jobs, more = false }) {
    if (this.#begins) this.#jobs.clear();
    this.#begins = false;
    this.known = true;
    this.hasMore = more;
    const before = this.#jobs.size;
    this.#add(jobs);
    this.#changed();
    if (more && this.#jobs.size < this.#wanted && this.#jobs.size > before) this.#subscriptions.again(this);
  }

  frame({ action, payload }) {
    if (action === "job_changed") this.#take(payload.job);
    else if (action === "job_removed") this.#remove(payload.job_id);
  }

  refused(reason) {
    this.#isListed = false;
    this.refusal = reason;
    for (const list of [...this.#lists]) list.refused(reason);
  }

  #take(job) {
    const known = this.#jobs.get(job.job_id);
    if (known !== undefined && isOlder(job, known)) return;
    this.#add([job]);
    this.#changed();
  }

  #add(jobs) {
    for (const job of jobs) this.#jobs.set(job.job_id, job);
    const newest = this.jobs.sort((a, b) => compare(moment(b), moment(a)) || compare(b.job_id, a.job_id)).slice(0, MOST);
    this.#jobs = new Map(newest.map((job) => [job.job_id, job]));
  }

  #remove(jobId) {
    if (this.#jobs.delete(jobId)) this.#changed();
  }

  #changed() {
    for (const list of [...this.#lists]) list.changed();
  }
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** When the job was created, as a text that sorts by time: a whole second has no fraction. */
const moment = (job) => job.created_at.replace(/Z$/, "");

/** Whether a snapshot was taken before another one of the same job. Another epoch may have begun anew. */
function isOlder(job, known) {
  if (job.epoch !== known.epoch) return false;
  return job.seq === known.seq ? job.rev < known.rev : job.seq < known.seq;
}
