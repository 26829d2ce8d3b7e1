/** Where the tasks of a job with several are, from its `job_task` events. No I/O. */

const SHOWN = { started: "running", retrying: "retrying", failed: "failed" };

export class TaskStates {
  #tasks = new Map(); // task id -> {state, attempt}

  add({ task_id: id, attempt, payload: { state } }) {
    // Two processes tell of one task: what an earlier attempt says may come late.
    if (attempt < (this.#tasks.get(id)?.attempt ?? 0)) return;
    this.#tasks.set(id, { state, attempt });
  }

  reset() {
    this.#tasks.clear();
  }

  /** "2 running, 1 failed"; empty where there is nothing to say. After the job's `ended` nothing runs. */
  summary(ended) {
    const states = [...this.#tasks.values()].map(({ state }) => state);
    return Object.entries(SHOWN)
      .filter(([state]) => state === "failed" || !ended)
      .map(([state, word]) => [states.filter((one) => one === state).length, word])
      .filter(([number]) => number > 0)
      .map(([number, word]) => `${number} ${word}`)
      .join(", ");
  }
}
