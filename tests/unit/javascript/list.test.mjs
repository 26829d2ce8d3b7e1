// The list of somebody's jobs. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { JobClient, JobRefusedError } from "../../../chanx/channels/static/chanx/chanx.js";
import { Clock, fakeWebSocket, settled, snapshot } from "./fakes.mjs";

let Socket, client, list, changes;

const job = (job_id, minute, more = {}) => snapshot({ job_id, created_at: `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`, ...more });
const say = (action, payload) => Socket.last.say({ topic: "jobs:me", action, payload });
const answer = (...jobs) => Socket.last.say({ topic: "jobs:me", ref: Socket.last.sent("subscribe").at(-1).ref, action: "subscribed", payload: { jobs } });
const ids = () => list.jobs.map(({ job_id }) => job_id);

beforeEach(() => {
  Socket = fakeWebSocket();
  client = new JobClient("ws://site/", { WebSocket: Socket, clock: new Clock(), random: () => 1 });
  list = client.jobs();
  changes = 0;
  list.on("change", () => (changes += 1));
  Socket.last.open();
});

test("has what the server lists, and new jobs in their place", () => {
  answer(job("b", 2), job("a", 1));
  say("job_changed", { job: job("d", 4) });
  say("job_changed", { job: job("c", 3) });
  assert.deepEqual([ids(), changes], [["d", "c", "b", "a"], 3]);
});

test("jobs of the same time are in the order of their ids, and those of a later fraction before them", () => {
  const at = (job_id, time) => snapshot({ job_id, created_at: `2026-01-01T00:00:${time}Z` });
  answer(at("b", "01"), at("a", "01.000001"), at("c", "01"), at("d", "00.999999"));
  assert.deepEqual(ids(), ["a", "c", "b", "d"]);
});

test("a change replaces the job in its place, an older one does not", () => {
  answer(job("b", 2), job("a", 1, { seq: 5, rev: 2 }));
  for (const [seq, rev, state] of [[4, 9, "queued"], [5, 1, "queued"], [5, 3, "retrying"], [6, 3, "succeeded"]]) {
    say("job_changed", { job: job("a", 1, { seq, rev, state }) });
  }
  assert.deepEqual([ids(), list.jobs[1].state, changes], [["b", "a"], "succeeded", 3]);
  say("job_changed", { job: job("a", 1, { epoch: "e2", seq: 1, state: "started" }) });
  assert.equal(list.jobs[1].state, "started");
});

test("a job that is removed is gone", () => {
  answer(job("a", 1));
  say("job_removed", { job_id: "a" });
  say("job_removed", { job_id: "a" });
  assert.deepEqual([ids(), changes], [[], 2]);
});

test("keeps the newest five hundred", () => {
  answer();
  for (let number = 0; number < 510; number++) say("job_changed", { job: { ...job(`j${number}`, 0), created_at: `2026-01-01T00:00:00.${1000 + number}Z` } });
  assert.deepEqual([list.jobs.length, ids().at(-1)], [500, "j10"]);
});

test("as a loop gives the newest list, not every one", async () => {
  const sizes = [];
  const loop = (async () => {
    for await (const jobs of list) sizes.push(jobs.length);
  })();
  await settled();
  answer(job("a", 1));
  await settled();
  for (const name of ["b", "c"]) say("job_changed", { job: job(name, 2) });
  await settled();
  list.close();
  await loop;
  assert.deepEqual(sizes, [1, 3]);
  assert.equal(client.status.state, "idle");
});

test("that is refused says so", async () => {
  const reasons = [];
  list.on("refused", ({ reason }) => reasons.push(reason));
  const loop = list[Symbol.asyncIterator]().next();
  Socket.last.say({ topic: "jobs:me", ref: "1", action: "error", payload: { reason: "unauthorized", detail: "No." } });
  await assert.rejects(loop, JobRefusedError);
  assert.deepEqual(reasons, ["unauthorized"]);
});

test("older jobs come page by page, and again after a lost connection; changes meanwhile count", () => {
  const clock = new Clock();
  client = new JobClient("ws://site/", { WebSocket: Socket, clock, random: () => 1 });
  list = client.jobs();
  Socket.last.open();
  const say = (frame) => Socket.last.say({ topic: "jobs:me", ...frame });
  const asked = () => Socket.last.sent("subscribe").at(-1);
  const page = (jobs, more) => say({ ref: asked().ref, action: "subscribed", payload: { jobs, more } });
  page([job("c", 3)], true);
  assert.equal(list.hasMore, true);
  list.more();
  assert.deepEqual(asked().payload, { before: "2026-01-01T00:03:00Z", before_id: "c" });
  say({ action: "job_changed", payload: { job: job("c", 3, { seq: 1, state: "succeeded" }) } });
  page([job("b", 2), job("a", 1)], false);
  list.more();
  assert.deepEqual([ids(), list.jobs[0].state, list.hasMore, Socket.last.sent("subscribe").length], [["c", "b", "a"], "succeeded", false, 2]);
  Socket.last.drop();
  clock.pass(1000);
  Socket.last.open();
  assert.equal(asked().payload, undefined);
  page([job("d", 4), job("c", 3)], true);
  page([job("b", 2)], false);
  assert.deepEqual(ids(), ["d", "c", "b"]);
});
