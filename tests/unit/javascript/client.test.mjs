// The browser's client. Run by tests/unit/javascript/test_javascript.py, or: node --test tests/unit/javascript

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

import { JobCancelledError, JobClient, JobClosedError, JobFailedError, JobRefusedError } from "../../../chanx/channels/static/chanx/chanx.js";
import { answerSubscribe, Clock, fakeWebSocket, Notebook, settled, snapshot } from "./fakes.mjs";

let Socket, clock, statuses, client, page;

const newClient = (more = {}) =>
  new JobClient("ws://site/ws/jobs/", { WebSocket: Socket, clock, random: () => 1, onStatus: (status) => statuses.push(status), ...more });

beforeEach(() => {
  Socket = fakeWebSocket();
  clock = new Clock();
  statuses = [];
  client = newClient();
});

const say = (frame) => Socket.last.say({ topic: "job:a", payload: null, ...frame });
const event = (seq, action = "job_log", more = {}) => say({ seq, action, attempt: 1, ...more });
const state = () => statuses.at(-1).state;
const asked = () => Socket.last.sent("subscribe").at(-1);
const refuse = (reason, topic = "job:a") => Socket.last.say({ topic, ref: asked().ref, action: "error", payload: { reason, detail: "No." } });

/** Opens the job "a" without an answer yet. */
function watch(options = {}) {
  page = new Notebook(client.job("a", options));
  Socket.last.open();
  return page.job;
}

function watched(answer = {}, options = {}) {
  const job = watch(options);
  answerSubscribe(Socket.last, answer);
  return job;
}

function reconnected(answer = {}) {
  Socket.last.drop();
  untilNextAttempt();
  Socket.last.open();
  answerSubscribe(Socket.last, answer);
}

function untilNextAttempt() {
  while (Socket.last.readyState !== 0) clock.pass(100);
}

describe("events", () => {
  test("a new page asks for everything and gets it in order", () => {
    watched({ seq: 2 });
    assert.equal(asked().payload, undefined);
    for (const seq of [1, 2, 3]) event(seq);
    assert.deepEqual(page.seqs, [1, 2, 3]);
    assert.deepEqual(page.replays, [true, true, false]);
    assert.equal(state(), "live");
  });

  test("a known position is resumed without forgetting", () => {
    const job = watched({ seq: 8 }, { position: { epoch: "e1", seq: 7 } });
    assert.deepEqual(asked().payload, { epoch: "e1", after: 7 });
    event(8);
    assert.deepEqual([page.seqs, page.resets], [[8], 0]);
    assert.deepEqual(job.position, { epoch: "e1", seq: 8 });
  });

  test("repeated events are handed out once", () => {
    watched();
    for (const seq of [1, 1, 2, 1, 2, 3]) event(seq);
    assert.deepEqual(page.seqs, [1, 2, 3]);
  });

  test("a gap is never handed out: the job is asked for again from its position, and others go on", () => {
    watched();
    const other = new Notebook(client.job("b"));
    answerSubscribe(Socket.last);
    event(1);
    event(3);
    clock.pass(1000);
    assert.deepEqual([asked().topic, asked().payload], ["job:a", { epoch: "e1", after: 1 }]);
    Socket.last.say({ topic: "job:b", seq: 1, action: "job_log" });
    answerSubscribe(Socket.last, { seq: 3 });
    for (const seq of [2, 3]) event(seq);
    assert.deepEqual([page.seqs, other.seqs, Socket.all.length], [[1, 2, 3], [1], 1]);
  });

  test("a log that was rewound makes the page start over, even where its start was trimmed", () => {
    watched();
    for (const seq of [1, 2, 3]) event(seq);
    reconnected({ epoch: "e2", seq: 9, recovered: false, oldest: 7 });
    assert.equal(page.resets, 1);
    for (const seq of [7, 8, 9]) event(seq);
    assert.deepEqual(page.seqs, [7, 8, 9]);
  });

  test("a log whose start is gone before the page opens needs no reset", () => {
    watched({ seq: 9, recovered: false, oldest: 7 });
    for (const seq of [7, 8]) event(seq);
    assert.deepEqual([page.seqs, page.resets], [[7, 8], 0]);
  });

  test("an answer that nobody asked for starts over as well", () => {
    watched();
    for (const seq of [1, 2]) event(seq);
    say({ action: "subscribed", payload: { epoch: "e2", seq: 1, recovered: false, snapshot: snapshot({ epoch: "e2", seq: 1 }) } });
    event(1);
    assert.deepEqual([page.seqs, page.resets], [[1], 1]);
  });

  test("a position that the server cannot read is forgotten", () => {
    watch({ position: { epoch: "?", seq: -1 } });
    refuse("invalid_position");
    clock.pass(1000);
    assert.equal(asked().payload, undefined);
    answerSubscribe(Socket.last);
    event(1);
    assert.deepEqual(page.seqs, [1]);
  });

  test("of the latest values only newer ones count, each action for itself", () => {
    const job = watched({ rev: 4 });
    for (const rev of [4, 6, 5, 7]) say({ action: "job_progress", head: 0, rev, payload: { fraction: rev / 10 } });
    say({ action: "column_stats", head: 0, rev: 5 });
    assert.deepEqual(page.latests, [6, 7, 5]);
    assert.equal(job.progress.fraction, 0.7);
  });

  test("an event that is not of the log is told to those who listen for it", () => {
    const job = watched();
    const heard = [];
    job.on("comment", ({ payload }) => heard.push(payload));
    say({ action: "comment", payload: "hello" });
    assert.deepEqual([heard, page.seqs], [["hello"], []]);
  });

  test("every hundred events are acknowledged", () => {
    watched();
    for (let seq = 1; seq <= 250; seq++) event(seq);
    assert.deepEqual(Socket.last.sent("ack").map(({ payload }) => payload.seq), [100, 200]);
  });

  test("jobs share the connection and do not mix", () => {
    watched();
    const other = new Notebook(client.job({ job_id: "b", topic: "job:b" }));
    answerSubscribe(Socket.last);
    event(1);
    Socket.last.say({ topic: "job:b", seq: 1, action: "job_log" });
    Socket.last.say({ topic: "job:b", seq: 2, action: "job_log" });
    assert.deepEqual([page.seqs, other.seqs, Socket.all.length], [[1], [1, 2], 1]);
  });

  test("frames that are none of this protocol disturb nothing", () => {
    watched();
    for (const data of ["no JSON", "null", "[]", "7", '{"topic":"job:z","seq":1}']) Socket.last.onmessage({ data });
    event(1);
    assert.deepEqual(page.seqs, [1]);
  });

  test("a listener that throws is reported, and hides nothing from the others", () => {
    const job = watched();
    const complain = mock.method(console, "error", () => {});
    job.on("job_log", () => {
      throw new Error("a bug of the page");
    });
    const off = job.on("job_log", () => {});
    off();
    for (const seq of [1, 2]) event(seq);
    assert.deepEqual(page.seqs, [1, 2]);
    assert.equal(complain.mock.callCount(), 2);
    complain.mock.restore();
  });

  test("what is no job, or no function, is said at once", () => {
    for (const ref of [undefined, null, "", 7, {}]) assert.throws(() => client.job(ref), /pass a job's id/);
    assert.throws(() => client.job("a").on("end"), /pass a function/);
  });
});

describe("the state of a job", () => {
  test("follows the snapshot, then the events", () => {
    const job = watch();
    assert.deepEqual([job.state, job.snapshot, job.progress, job.position], ["connecting", null, null, null]);
    answerSubscribe(Socket.last, { seq: 1, state: "queued", attempt: 0, fields: { job_progress: { current: 1 } } });
    event(1, "job_queued");
    assert.equal(job.progress.current, 1);
    event(2, "job_started", { time: "2026-01-01T00:00:00Z" });
    assert.deepEqual([job.state, job.progress, job.snapshot.seq], ["started", null, 2]);
    assert.equal(job.snapshot.fields.started_at, "2026-01-01T00:00:00Z");
    event(3, "job_cancel_requested", { payload: { reason: "enough" } });
    assert.deepEqual([job.cancelRequested, job.snapshot.cancel_reason], [true, "enough"]);
    assert.deepEqual(page.states, ["queued", "started"]);
  });

  test("a retry that is told late does not hide the attempt after it", () => {
    const job = watched();
    event(1, "job_started", { attempt: 2 });
    event(2, "job_retrying", { attempt: 1, payload: { reason: "?" } });
    assert.deepEqual([job.state, job.snapshot.attempt], ["started", 2]);
  });

  test("a new attempt begins the bar anew", () => {
    const job = watched({ seq: 1, rev: 1, fields: { job_progress: { fraction: 0.9 } } }, { position: { epoch: "e1", seq: 1 } });
    event(2, "job_started", { attempt: 2 });
    assert.equal(job.progress, null);
    say({ action: "job_progress", head: 2, rev: 2, payload: { fraction: 0.1 } });
    assert.equal(job.progress.fraction, 0.1);
  });

  test("whoever comes later on the same page sees all of it, too", () => {
    const first = watched();
    for (const seq of [1, 2, 3]) event(seq);
    const late = new Notebook(client.job("a"));
    assert.equal(late.job.state, "started");
    assert.deepEqual(asked().payload, { epoch: "e1", after: 0 });
    answerSubscribe(Socket.last, { seq: 3 });
    for (const seq of [1, 2, 3, 4]) event(seq);
    assert.deepEqual([page.seqs, late.seqs], [[1, 2, 3, 4], [1, 2, 3, 4]]);
    first.close();
    event(5);
    assert.deepEqual([page.seqs.at(-1), late.seqs.at(-1)], [4, 5]);
  });

  test("a newcomer finds the start trimmed away, and the others keep theirs", () => {
    watched();
    for (const seq of [1, 2, 3]) event(seq);
    const late = new Notebook(client.job("a"));
    answerSubscribe(Socket.last, { seq: 3, oldest: 3, recovered: false });
    for (const seq of [3, 4]) event(seq);
    assert.deepEqual([page.seqs, page.resets, late.seqs, late.resets], [[1, 2, 3, 4], 0, [3, 4], 0]);
  });

  test("two places of different epochs: the one that is void starts over, from the first event on", () => {
    watched();
    for (const seq of [1, 2, 3]) event(seq);
    const old = new Notebook(client.job("a", { position: { epoch: "e0", seq: 5 } }));
    answerSubscribe(Socket.last, { seq: 3 });
    assert.deepEqual(asked().payload, { epoch: "e1", after: 0 });
    answerSubscribe(Socket.last, { seq: 3 });
    for (const seq of [1, 2, 3]) event(seq);
    assert.deepEqual([page.seqs, old.seqs, old.resets], [[1, 2, 3], [1, 2, 3], 1]);
  });
});

describe("the end of a job", () => {
  test("the last event asks for the last snapshot, which closes the connection for good", () => {
    watched();
    event(1);
    event(2, "job_succeeded");
    assert.deepEqual(asked().payload, { epoch: "e1", after: 2 });
    assert.equal(page.ends, 0);
    answerSubscribe(Socket.last, { seq: 2, state: "succeeded" });
    assert.deepEqual([page.snapshots, page.resets], [2, 0]);
    assert.deepEqual([page.ends, state(), Socket.last.closed, clock.timers], [1, "idle", true, 0]);
  });

  test("a job that is over already is complete when its log has been read", () => {
    watched({ seq: 2, state: "failed" });
    event(1);
    assert.equal(page.ends, 0);
    event(2, "job_failed");
    assert.equal(page.ends, 1);
  });

  test("one of several gives its topic back", () => {
    watched();
    client.job("b");
    answerSubscribe(Socket.last);
    event(1, "job_succeeded");
    Socket.last.say({ topic: "job:a", ref: asked().ref, action: "subscribed", payload: { epoch: "e1", seq: 1, recovered: true, snapshot: snapshot({ seq: 1, state: "succeeded" }) } });
    assert.deepEqual(Socket.last.sent("unsubscribe").map(({ topic }) => topic), ["job:a"]);
    assert.equal(state(), "live");
  });

  test("a job that is gone by then has ended all the same", () => {
    const job = watched();
    event(1, "job_succeeded", { payload: { result: 7 } });
    refuse("unauthorized");
    assert.deepEqual([job.state, page.refusal, page.ends], ["succeeded", null, 1]);
  });

  test("a refusal is final for its job", () => {
    const job = watch();
    refuse("unauthorized");
    clock.pass(60_000);
    assert.deepEqual([page.refusal, job.state], [{ reason: "unauthorized", detail: "No." }, "refused"]);
    assert.deepEqual([state(), Socket.all.length], ["idle", 1]);
  });

  test("a refusal on the way is asked about once more: a new token may be there", () => {
    const tokens = ["first", "second"];
    watched({}, { token: () => tokens.shift() });
    assert.deepEqual(asked().payload, { token: "first" });
    event(1);
    say({ action: "error", payload: { reason: "unauthorized" } });
    assert.deepEqual(asked().payload, { epoch: "e1", after: 1, token: "second" });
    refuse("unauthorized");
    assert.equal(page.refusal.reason, "unauthorized");
  });

  test("trouble on the server's side is no refusal, and no trouble for other jobs", () => {
    watch();
    refuse("failed");
    assert.equal(page.refusal, null);
    const before = Socket.last.sent("subscribe").length;
    clock.pass(500);
    assert.equal(Socket.last.sent("subscribe").length, before + 1);
    answerSubscribe(Socket.last);
    event(1);
    assert.deepEqual([page.seqs, Socket.all.length], [[1], 1]);
  });

  test("a stream that fails on the server is asked for again, from where it was, after a while", () => {
    watched();
    event(1);
    const before = Socket.last.sent("subscribe").length;
    say({ action: "error", payload: { reason: "failed" } });
    assert.deepEqual([page.refusal, Socket.last.sent("subscribe").length], [null, before]);
    clock.pass(1000);
    assert.deepEqual(asked().payload, { epoch: "e1", after: 1 });
    answerSubscribe(Socket.last, { seq: 2 });
    event(2);
    assert.deepEqual(page.seqs, [1, 2]);
  });

  test("a page that is not signed in does not try again", async () => {
    for (const refused of [() => Socket.last.drop(4401), notLetIn]) {
      const result = watch().result();
      refused();
      clock.pass(60_000);
      await assert.rejects(result, JobRefusedError);
      assert.equal(state(), "refused");
    }
    assert.equal(Socket.all.length, 2);
  });

  function notLetIn() {
    Socket.last.say({ action: "authentication", payload: { status_code: 403, status_text: "Forbidden" } });
    Socket.last.drop(1000);
  }
});

describe("room on the connection", () => {
  test("a job for which there is none waits until another one is done with", () => {
    const first = watched();
    const second = new Notebook(client.job("b"));
    refuse("too_many_topics", "job:b");
    clock.pass(5_000);
    assert.equal(second.job.state, "connecting");
    first.close();
    const { ref, topic } = Socket.last.sent("unsubscribe")[0];
    Socket.last.say({ topic, ref, action: "unsubscribed", payload: null });
    assert.equal(asked().topic, "job:b");
    answerSubscribe(Socket.last);
    assert.equal(second.job.state, "started");
  });
});

describe("a loop over the events", () => {
  const seqsOf = async (events) => {
    const seqs = [];
    for await (const { seq, action } of events) seqs.push(action === "reset" ? "reset" : seq);
    return seqs;
  };

  test("gets every event, from the start or the position, and ends after the last one", async () => {
    const job = watched({}, {});
    const all = seqsOf(job.events());
    answerSubscribe(Socket.last);
    for (const seq of [1, 2, 3]) event(seq);
    await settled();
    const late = seqsOf(job.events());
    answerSubscribe(Socket.last, { seq: 3 });
    for (const seq of [1, 2, 3]) event(seq);
    await settled();
    event(4, "job_succeeded");
    answerSubscribe(Socket.last, { seq: 4, state: "succeeded" });
    assert.deepEqual([await all, await late, page.seqs], [[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]);
    assert.deepEqual([page.ends, state()], [1, "idle"]);
  });

  test("of a job that is over reads its log again", async () => {
    const job = watched({ seq: 1, state: "failed" });
    event(1, "job_failed");
    assert.equal(state(), "idle");
    const seqs = seqsOf(job.events());
    Socket.last.open();
    answerSubscribe(Socket.last, { seq: 1, state: "failed" });
    event(1, "job_failed");
    assert.deepEqual([await seqs, page.seqs, page.ends], [[1], [1], 1]);
  });

  test("from the end on is over at once", async () => {
    const job = watched({ seq: 9, state: "succeeded" }, { position: { epoch: "e1", seq: 9 } });
    const seqs = seqsOf(job.events());
    Socket.last.open();
    answerSubscribe(Socket.last, { seq: 9, state: "succeeded" });
    assert.deepEqual(await seqs, []);
  });

  test("holds the acknowledgements back until it has taken the events", async () => {
    const events = watched().events();
    answerSubscribe(Socket.last);
    for (let seq = 1; seq <= 500; seq++) event(seq);
    assert.deepEqual(Socket.last.sent("ack"), []);
    for (let taken = 0; taken < 250; taken++) await events.next();
    assert.deepEqual(Socket.last.sent("ack").map(({ payload }) => payload.seq), [100, 200]);
    assert.deepEqual(events.position, { epoch: "e1", seq: 250 });
  });

  test("that is slow does not gather more with every new connection", async () => {
    const events = watched().events();
    answerSubscribe(Socket.last);
    for (let seq = 1; seq <= 500; seq++) event(seq);
    for (let taken = 0; taken < 10; taken++) await events.next();
    Socket.last.drop();
    untilNextAttempt();
    Socket.last.open();
    assert.deepEqual(asked().payload, { epoch: "e1", after: 10 });
    answerSubscribe(Socket.last, { seq: 900 });
    for (let seq = 11; seq <= 510; seq++) event(seq);
    for (let seq = 11; seq <= 510; seq++) assert.equal((await events.next()).value.seq, seq);
  });

  test("that is left early lets the others go on", async () => {
    const job = watched();
    const events = job.events();
    answerSubscribe(Socket.last);
    for (let seq = 1; seq <= 150; seq++) event(seq);
    for await (const { seq } of events) if (seq === 2) break;
    assert.deepEqual(Socket.last.sent("ack").map(({ payload }) => payload.seq), [150]);
    event(151);
    assert.equal(page.seqs.at(-1), 151);
  });

  test("is told when the log begins anew", async () => {
    const job = watched();
    const seqs = seqsOf(job.events());
    answerSubscribe(Socket.last);
    for (const seq of [1, 2]) event(seq);
    await settled();
    reconnected({ epoch: "e2", recovered: false, seq: 1 });
    event(1);
    event(2, "job_cancelled");
    assert.deepEqual(await seqs, [1, 2, "reset", 1, 2]);
  });

  test("of a job that is refused throws, once what had come has been taken", async () => {
    const events = watched().events();
    answerSubscribe(Socket.last);
    event(1);
    say({ action: "error", payload: { reason: "unauthorized" } });
    refuse("unauthorized");
    assert.equal((await events.next()).value.seq, 1);
    await assert.rejects(events.next(), JobRefusedError);
    assert.deepEqual(await events.next(), { done: true, value: undefined });
  });

  test("ends when the page closes the job", async () => {
    const job = watched();
    const seqs = seqsOf(job.events());
    await settled();
    job.close();
    assert.deepEqual(await seqs, []);
    assert.deepEqual(await seqsOf(job.events()), []);
    assert.equal(state(), "idle");
  });
});

describe("the result", () => {
  const ends = [
    ["job_succeeded", { result: { rows: 3 } }, (result) => result.then((value) => assert.deepEqual(value, { rows: 3 }))],
    ["job_succeeded", { result: null, result_omitted: true }, (result) => result.then((value) => assert.equal(value, undefined))],
    ["job_failed", { error: { message: "No rows", code: "empty", reference: "t1" } }, (result) => assert.rejects(result, failed)],
    ["job_cancelled", { reason: "enough" }, (result) => assert.rejects(result, cancelled)],
  ];
  const failed = (error) =>
    error instanceof JobFailedError && error.code === "empty" && error.message === "No rows" && error.reference === "t1" && error.jobId === "a";
  const cancelled = (error) => error instanceof JobCancelledError && error.reason === "enough";

  test("comes with the last event", async () => {
    for (const [action, payload, check] of ends) {
      const result = watched().result();
      event(1, action, { payload });
      await check(result);
      client.close();
    }
  });

  test("of a job that is over comes with the snapshot", async () => {
    const job = watched({ seq: 5000, state: "succeeded", fields: { result: 42 } });
    assert.equal(await job.result(), 42);
    assert.equal(await client.job("a").result(), 42);
  });

  test("is rejected where the job is refused, or closed by the page", async () => {
    const refused = watch().result();
    refuse("unauthorized");
    await assert.rejects(refused, (error) => error instanceof JobRefusedError && error.reason === "unauthorized" && error.message === "No.");
    const job = client.job("b");
    const closed = job.result();
    job.close();
    await assert.rejects(closed, JobClosedError);
  });
});

describe("the connection", () => {
  test("waits longer each time, up to a limit, and tells for how long", () => {
    client.job("a");
    const delays = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      Socket.last.drop();
      delays.push(statuses.at(-1).retryAt - clock.now());
      clock.pass(delays.at(-1));
    }
    assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 15000, 15000]);
  });

  test("half of the wait is chance", () => {
    client = newClient({ random: () => 0 });
    client.job("a");
    Socket.last.drop();
    assert.equal(statuses.at(-1).retryAt, 250);
  });

  test("starts with short waits again after it was stable", () => {
    client.job("a");
    for (let attempt = 0; attempt < 4; attempt++) {
      Socket.last.drop();
      clock.pass(20_000);
    }
    Socket.last.open();
    answerSubscribe(Socket.last);
    clock.pass(6_000);
    Socket.last.drop();
    assert.equal(statuses.at(-1).retryAt - clock.now(), 500);
  });

  test("is tried at once when there is reason to", () => {
    client.job("a");
    Socket.last.drop();
    client.retryNow();
    assert.deepEqual([Socket.all.length, state()], [2, "connecting"]);
    clock.pass(600);
    assert.equal(Socket.all.length, 2);
  });

  test("that is silent is asked, in a way that every consumer answers, and given up without an answer", () => {
    watched();
    clock.pass(20_000);
    assert.equal(Socket.last.sent("ping")[0].topic, "job:a");
    clock.pass(10_000);
    assert.deepEqual([state(), Socket.last.closed], ["waiting", true]);
  });

  test("that answers the question is kept", () => {
    watched();
    for (let minute = 0; minute < 5; minute++) {
      clock.pass(20_000);
      const { ref, topic } = Socket.last.sent("ping").at(-1);
      Socket.last.say({ topic, ref, action: "error", payload: [] });
    }
    assert.deepEqual([state(), Socket.all.length], ["live", 1]);
  });

  test("whose subscribe is not answered is given up, whatever else it says", () => {
    watch();
    clock.pass(9_000);
    Socket.last.say({ action: "pong" });
    clock.pass(1_000);
    assert.equal(state(), "waiting");
  });

  test("that cannot even be opened is given up", () => {
    client.job("a");
    clock.pass(10_000);
    assert.equal(state(), "waiting");
  });

  test("stays closed once the page closed it", () => {
    watched();
    client.close();
    clock.pass(60_000);
    assert.deepEqual([Socket.all.length, Socket.last.closed, clock.timers, state()], [1, true, 0, "idle"]);
  });

  test("goes with the last job, and comes back with the next one", () => {
    watched().close();
    assert.equal(state(), "idle");
    watched();
    assert.deepEqual([state(), Socket.all.length], ["live", 2]);
  });

  test("a late answer to a job that was closed and opened again counts for nothing", () => {
    watch().close();
    watch();
    const stale = Socket.all[0].sent("subscribe")[0];
    Socket.last.say({ topic: "job:a", ref: "0", action: "subscribed", payload: null });
    assert.equal(stale.ref === asked().ref, false);
    assert.equal(page.job.state, "connecting");
  });

  test("asks for a token whenever it subscribes, also one that takes a while", async () => {
    let number = 0;
    client = newClient({ token: async () => `token ${++number}` });
    watch();
    assert.equal(asked(), undefined);
    await settled();
    assert.deepEqual(asked().payload, { token: "token 1" });
    answerSubscribe(Socket.last);
    Socket.last.drop();
    untilNextAttempt();
    Socket.last.open();
    await settled();
    assert.deepEqual(asked().payload, { epoch: "e1", after: 0, token: "token 2" });
  });

  test("tries again where no token could be had", async () => {
    let fails = true;
    client = newClient({ token: () => (fails ? Promise.reject(new Error("no network")) : Promise.resolve("t")) });
    watch();
    await settled();
    fails = false;
    clock.pass(500);
    await settled();
    assert.deepEqual(asked().payload, { token: "t" });
  });

  test("speaks to consumers whose actions have another key, and are followed by completions", async () => {
    client = newClient({ actionKey: "type" });
    page = new Notebook(client.job("a"));
    Socket.last.open();
    const { ref, type } = Socket.last.frames[0];
    assert.equal(type, "subscribe");
    const answer = (frame) => Socket.last.say({ topic: "job:a", payload: null, ...frame });
    answer({ ref, type: "subscribed", payload: { epoch: "e1", seq: 0, recovered: true, snapshot: snapshot() } });
    answer({ ref, type: "complete" });
    answer({ type: "event_complete" });
    answer({ seq: 1, type: "job_log", attempt: 1 });
    assert.deepEqual([page.seqs, page.latests], [[1], []]);
  });

  test("a page's url becomes a socket's", () => {
    new JobClient("https://site.example/ws/", { WebSocket: Socket, clock }).job("a");
    assert.equal(Socket.last.url, "wss://site.example/ws/");
  });
});

describe("cancelling", () => {
  const accept = () => say({ ref: Socket.last.sent("cancel").at(-1).ref, action: "job_cancel_accepted", payload: { state: "started" } });

  test("resolves when the server took it", async () => {
    const cancelled = watched().cancel("enough");
    assert.deepEqual(Socket.last.sent("cancel")[0].payload, { reason: "enough" });
    accept();
    assert.equal(await cancelled, "started");
  });

  test("rejects with the server's words", async () => {
    const cancelled = watched().cancel();
    say({ ref: Socket.last.sent("cancel")[0].ref, action: "error", payload: { reason: "x", detail: "Not now." } });
    await assert.rejects(cancelled, { name: "JobRefusedError", message: "Not now.", reason: "x" });
  });

  test("waits for the connection, and is said again where it was lost on the way", async () => {
    const cancelled = watch().cancel();
    assert.deepEqual(Socket.last.sent("cancel"), []);
    answerSubscribe(Socket.last);
    assert.equal(Socket.last.sent("cancel").length, 1);
    reconnected();
    assert.equal(Socket.last.sent("cancel").length, 1);
    accept();
    assert.equal(await cancelled, "started");
  });

  test("gives up after half a minute", async () => {
    const cancelled = watch().cancel();
    Socket.last.drop();
    clock.pass(30_000);
    await assert.rejects(cancelled, { reason: "no_answer" });
  });

  test("of a job that is over, or ends meanwhile, answers with its state", async () => {
    const job = watched();
    const cancelled = job.cancel();
    event(1, "job_succeeded");
    assert.equal(await cancelled, "succeeded");
    assert.equal(await job.cancel(), "succeeded");
  });

  test("of a job that is refused or closed is rejected", async () => {
    const job = watch();
    refuse("unauthorized");
    await assert.rejects(job.cancel(), JobRefusedError);
    const other = client.job("b");
    const cancelled = other.cancel();
    other.close();
    await assert.rejects(cancelled, JobClosedError);
    await assert.rejects(other.cancel(), JobClosedError);
  });
});
