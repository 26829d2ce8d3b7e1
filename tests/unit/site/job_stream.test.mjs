// The browser's client of the job stream protocol. Run by tests/unit/site/test_javascript.py, or: node --test tests/unit/site

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { JobStreams } from "../../../example_site/jobs/static/jobs/job_stream.js";
import { answerSubscribe, Clock, fakeWebSocket, Notebook, snapshot } from "./fakes.mjs";

let Socket, clock, statuses, streams, page;

beforeEach(() => {
  Socket = fakeWebSocket();
  clock = new Clock();
  statuses = [];
  page = new Notebook();
  streams = new JobStreams("ws://site/ws/jobs/", { WebSocket: Socket, clock, random: () => 1, onStatus: (status) => statuses.push(status) });
});

const say = (frame) => Socket.last.say({ topic: "job:a", payload: null, ...frame });
const event = (seq, action = "job_log") => say({ seq, action });
const state = () => statuses.at(-1).state;

function watched(answer = {}, known = undefined) {
  streams.watch("a", page, known);
  Socket.last.open();
  answerSubscribe(Socket.last, answer);
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
    assert.equal(Socket.last.sent("subscribe")[0].payload, undefined);
    for (const seq of [1, 2, 3]) event(seq);
    assert.deepEqual(page.seqs, [1, 2, 3]);
    assert.deepEqual(page.replays, [true, true, false]);
    assert.equal(state(), "live");
  });

  test("a known position is resumed without forgetting", () => {
    watched({ seq: 8 }, { epoch: "e1", seq: 7, rev: 3 });
    assert.deepEqual(Socket.last.sent("subscribe")[0].payload, { epoch: "e1", after: 7 });
    event(8);
    assert.deepEqual([page.seqs, page.resets], [[8], [false]]);
  });

  test("repeated events are handed out once", () => {
    watched();
    for (const seq of [1, 1, 2, 1, 2, 3]) event(seq);
    assert.deepEqual(page.seqs, [1, 2, 3]);
  });

  test("a gap is never handed out: the page connects again from its position", () => {
    watched();
    event(1);
    event(3);
    assert.equal(state(), "waiting");
    clock.pass(1000);
    Socket.last.open();
    assert.deepEqual(Socket.last.sent("subscribe")[0].payload, { epoch: "e1", after: 1 });
    answerSubscribe(Socket.last, { seq: 3 });
    for (const seq of [2, 3]) event(seq);
    assert.deepEqual(page.seqs, [1, 2, 3]);
  });

  test("a log that was rewound makes the page start over, even where its start was trimmed", () => {
    watched();
    for (const seq of [1, 2, 3]) event(seq);
    reconnected({ epoch: "e2", seq: 9, recovered: false, oldest: 6 });
    assert.deepEqual(page.resets, [true, true]);
    for (const seq of [7, 8, 9]) event(seq);
    assert.deepEqual(page.seqs, [7, 8, 9]);
  });

  test("an answer that nobody asked for starts over as well", () => {
    watched();
    for (const seq of [1, 2]) event(seq);
    say({ action: "subscribed", payload: { epoch: "e2", seq: 1, recovered: false, snapshot: snapshot() } });
    event(1);
    assert.deepEqual([page.seqs, page.resets], [[1], [true, true]]);
  });

  test("of the latest values only newer ones count", () => {
    watched({ rev: 4 });
    for (const rev of [4, 6, 5, 7]) say({ action: "job_progress", head: 0, rev });
    assert.deepEqual(page.latests, [6, 7]);
  });

  test("newer is a matter of each action's own", () => {
    watched({ rev: 4 });
    say({ action: "job_progress", head: 0, rev: 6 });
    say({ action: "column_stats", head: 0, rev: 5 });
    assert.deepEqual(page.latests, [6, 5]);
  });

  test("every hundred events are acknowledged", () => {
    watched();
    for (let seq = 1; seq <= 250; seq++) event(seq);
    assert.deepEqual(Socket.last.sent("ack").map(({ payload }) => payload.seq), [100, 200]);
  });

  test("jobs share the connection and do not mix", () => {
    const other = new Notebook();
    watched();
    streams.watch("b", other);
    answerSubscribe(Socket.last);
    event(1);
    Socket.last.say({ topic: "job:b", seq: 1, action: "job_log" });
    Socket.last.say({ topic: "job:b", seq: 2, action: "job_log" });
    assert.deepEqual([page.seqs, other.seqs, Socket.all.length], [[1], [1, 2], 1]);
  });

  test("whatever is lost and repeated on the way, the page sees the log: in order, no gap, nothing twice", () => {
    for (let seed = 1; seed <= 40; seed++) {
      let number = seed;
      const random = () => (number = (number * 48271) % 2147483647) / 2147483647;
      Socket = fakeWebSocket();
      clock = new Clock();
      page = new Notebook();
      new JobStreams("ws://site/", { WebSocket: Socket, clock, random }).watch("a", page);
      const log = 60;
      for (let turn = 0; turn < 200 && page.completed === 0; turn++) {
        untilNextAttempt();
        Socket.last.open();
        const { payload } = Socket.last.sent("subscribe")[0];
        if (random() < 0.1) Socket.last.drop();
        answerSubscribe(Socket.last, { seq: log });
        for (let seq = (payload?.after ?? 0) + 1; seq <= log; seq++) {
          if (random() < 0.02) Socket.last.drop();
          if (random() < 0.02) continue;
          for (let copies = random() < 0.2 ? 2 : 1; copies > 0; copies--) event(seq, seq === log ? "job_succeeded" : "job_log");
        }
        if (page.completed === 0) Socket.last.drop();
      }
      assert.deepEqual(page.seqs, Array.from({ length: log }, (_, index) => index + 1), `seed ${seed}`);
    }
  });
});

describe("the end of a job", () => {
  test("the last event asks for the last snapshot, which closes the connection for good", () => {
    watched();
    event(1);
    event(2, "job_succeeded");
    assert.deepEqual(Socket.last.sent("subscribe").at(-1).payload, { epoch: "e1", after: 2 });
    assert.equal(page.completed, 0);
    answerSubscribe(Socket.last, { seq: 2, state: "succeeded" });
    assert.deepEqual(page.resets, [true, false]);
    assert.deepEqual([page.completed, state(), Socket.last.closed, clock.timers], [1, "done", true, 0]);
  });

  test("a job that is over already is complete when its log has been read", () => {
    watched({ seq: 2, state: "failed" });
    event(1);
    assert.equal(page.completed, 0);
    event(2, "job_failed");
    assert.equal(page.completed, 1);
  });

  test("a refusal is final for its job", () => {
    streams.watch("a", page);
    Socket.last.open();
    const { ref } = Socket.last.sent("subscribe")[0];
    say({ ref, action: "error", payload: { reason: "unauthorized", detail: "There is no such job." } });
    clock.pass(60_000);
    assert.equal(page.refusal.reason, "unauthorized");
    assert.deepEqual([state(), Socket.all.length], ["done", 1]);
  });

  test("trouble on the server's side is no refusal", () => {
    streams.watch("a", page);
    Socket.last.open();
    say({ ref: Socket.last.sent("subscribe")[0].ref, action: "error", payload: { reason: "unavailable" } });
    assert.deepEqual([page.refusal, state()], [null, "waiting"]);
  });

  test("a page that is not signed in does not try again", () => {
    streams.watch("a", page);
    Socket.last.open();
    Socket.last.drop(4401);
    clock.pass(60_000);
    assert.deepEqual([state(), Socket.all.length], ["refused", 1]);
  });
});

describe("the connection", () => {
  test("waits longer each time, up to a limit, and tells for how long", () => {
    streams.watch("a", page);
    const delays = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      Socket.last.drop();
      delays.push(statuses.at(-1).retryAt - clock.now());
      clock.pass(delays.at(-1));
    }
    assert.deepEqual(delays, [500, 1000, 2000, 4000, 8000, 15000, 15000]);
  });

  test("half of the wait is chance", () => {
    streams = new JobStreams("ws://site/", { WebSocket: Socket, clock, random: () => 0, onStatus: (status) => statuses.push(status) });
    streams.watch("a", page);
    Socket.last.drop();
    assert.equal(statuses.at(-1).retryAt, 250);
  });

  test("starts with short waits again after it was stable", () => {
    streams.watch("a", page);
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
    streams.watch("a", page);
    Socket.last.drop();
    streams.retryNow();
    assert.deepEqual([Socket.all.length, state()], [2, "connecting"]);
    clock.pass(600);
    assert.equal(Socket.all.length, 2);
  });

  test("that is silent is asked, and given up without an answer", () => {
    watched();
    clock.pass(20_000);
    assert.equal(Socket.last.sent("ping").length, 1);
    clock.pass(8_000);
    assert.deepEqual([state(), Socket.last.closed], ["waiting", true]);
  });

  test("that answers the question is kept", () => {
    watched();
    for (let minute = 0; minute < 5; minute++) {
      clock.pass(20_000);
      Socket.last.say({ action: "pong", payload: null });
    }
    assert.deepEqual([state(), Socket.all.length], ["live", 1]);
  });

  test("whose subscribe is not answered is given up, whatever else it says", () => {
    streams.watch("a", page);
    Socket.last.open();
    clock.pass(7_000);
    Socket.last.say({ action: "pong" });
    clock.pass(1_000);
    assert.equal(state(), "waiting");
  });

  test("that cannot even be opened is given up", () => {
    streams.watch("a", page);
    clock.pass(8_000);
    assert.equal(state(), "waiting");
  });

  test("stays closed once the page closed it", () => {
    watched();
    streams.close();
    clock.pass(60_000);
    assert.deepEqual([Socket.all.length, clock.timers], [1, 0]);
  });
});

describe("cancelling", () => {
  test("resolves when the server took it", async () => {
    watched();
    const cancelled = streams.cancel("a", "enough");
    const { ref, payload } = Socket.last.sent("cancel")[0];
    assert.deepEqual(payload, { reason: "enough" });
    say({ ref, action: "job_cancel_accepted", payload: { state: "started" } });
    assert.deepEqual(await cancelled, { state: "started" });
  });

  test("rejects with the server's words", async () => {
    watched();
    const cancelled = streams.cancel("a");
    say({ ref: Socket.last.sent("cancel")[0].ref, action: "error", payload: { reason: "x", detail: "Not now." } });
    await assert.rejects(cancelled, { message: "Not now." });
  });

  test("rejects when the connection is lost, or was not there", async () => {
    watched();
    const cancelled = streams.cancel("a");
    Socket.last.drop();
    await assert.rejects(cancelled, /lost/);
    await assert.rejects(streams.cancel("a"), /no connection/);
  });
});
