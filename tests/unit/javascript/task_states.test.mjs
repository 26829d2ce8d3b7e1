// Where the tasks of a job are. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { TaskStates } from "../../../example_site/jobs/static/jobs/task_states.js";

function states(...events) {
  const tasks = new TaskStates();
  for (const [id, state, attempt = 1] of events) tasks.add({ task_id: id, attempt, payload: { name: "t", state } });
  return tasks;
}

test("tasks that run, wait for another attempt or failed are counted, others are not", () => {
  const tasks = states(["a", "started"], ["b", "started"], ["c", "started"], ["a", "succeeded"], ["b", "retrying"], ["d", "failed"]);
  assert.equal(tasks.summary(false), "1 running, 1 retrying, 1 failed");
});

test("once the job has ended nothing runs any more", () => {
  assert.equal(states(["a", "started"], ["b", "failed"]).summary(true), "1 failed");
});

test("a retry that is told late does not hide the attempt after it", () => {
  assert.equal(states(["a", "started"], ["a", "started", 2], ["a", "retrying"]).summary(false), "1 running");
});

test("without tasks, or after a reset, there is nothing to say", () => {
  assert.equal(states().summary(false), "");
  const tasks = states(["a", "started"]);
  tasks.reset();
  assert.equal(tasks.summary(false), "");
});
