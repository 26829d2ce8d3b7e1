// A connection's own messages. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

import { ChannelClient, ChanxError } from "../../../chanx/channels/static/chanx/chanx.js";
import { answerSubscribe, Clock, fakeWebSocket, settled } from "./fakes.mjs";

let Socket, clock, client, statuses;

const make = (more = {}) =>
  new ChannelClient("ws://site/ws/chat/", { WebSocket: Socket, clock, random: () => 1, onStatus: ({ state }) => statuses.push(state), ...more });
/** What the server says on no topic: there is no envelope. */
const say = (frame) => Socket.last.onmessage({ data: JSON.stringify({ payload: null, ...frame }) });
const message = (action, payload = null) => ({ action, payload });
const sent = () => Socket.last.frames;

function reconnect() {
  Socket.last.drop();
  while (Socket.last.readyState !== 0) clock.pass(100);
  Socket.last.open();
}

async function rejection(promise) {
  const error = await promise.then(() => assert.fail("it was fulfilled"), (reason) => reason);
  assert.ok(error instanceof ChanxError, String(error));
  return error;
}

beforeEach(() => {
  Socket = fakeWebSocket();
  clock = new Clock();
  statuses = [];
  client = make();
});

describe("the connection", () => {
  test("is there at once, and again after it was lost", async () => {
    let isReady = false;
    client.ready().then(() => (isReady = true));
    await settled();
    assert.deepEqual([client.status.state, isReady], ["connecting", false]);
    Socket.last.open();
    await settled();
    assert.deepEqual([client.status.state, isReady], ["live", true]);
    reconnect();
    assert.deepEqual(statuses, ["connecting", "live", "waiting", "connecting", "live"]);
  });

  test("that is silent is asked, and given up where nothing comes", () => {
    Socket.last.open();
    clock.pass(20_000);
    assert.deepEqual(sent().map(({ action, topic }) => [action, topic]), [["ping", ""]]);
    clock.pass(10_000);
    assert.equal(client.status.state, "waiting");
  });

  for (const [name, answer] of Object.entries({
    "a pong": { action: "pong" },
    "an error about the ping": { action: "error", payload: [{ type: "union_tag_invalid", loc: [], msg: "Input tag 'ping' found using 'action'" }] },
    "any message": { action: "news" },
    "the answer of a consumer with topics": { version: 1, topic: "", ref: "1", action: "error", payload: { reason: "unknown_topic" } },
  })) {
    test(`lives on with ${name}`, () => {
      const seen = [];
      client.on("*", ({ action }) => seen.push(action));
      Socket.last.open();
      clock.pass(20_000);
      say(answer);
      clock.pass(19_999);
      assert.deepEqual([client.status.state, seen], ["live", answer.action === "news" ? ["news"] : []]);
    });
  }

  test("hands out a pong, or an error, that answers no ping of its own", () => {
    const seen = [];
    client.on("*", ({ action }) => seen.push(action));
    Socket.last.open();
    say({ action: "pong" });
    clock.pass(20_000);
    say({ action: "pong" });
    say({ action: "pong" });
    clock.pass(20_000);
    say({ action: "error", payload: { detail: "Failed to process message for chat" } });
    assert.deepEqual(seen, ["pong", "pong", "error"]);
  });

  test("without a heartbeat is not asked", () => {
    client.close();
    client = make({ heartbeat: false });
    Socket.last.open();
    clock.pass(100_000);
    assert.deepEqual([client.status.state, sent()], ["live", []]);
  });

  test("that is refused ends everything until somebody connects again", async () => {
    const error = mock.fn();
    client.on("error", error);
    const loop = client[Symbol.asyncIterator]().next();
    const waiting = client.waitFor("news");
    Socket.last.open();
    Socket.last.drop(4401);
    assert.deepEqual([client.status.state, error.mock.calls[0].arguments[0].payload.reason], ["refused", "unauthorized"]);
    assert.deepEqual((await Promise.all([loop, waiting, client.ready(), client.waitFor("x")].map(rejection))).map(({ reason }) => reason), Array(4).fill("unauthorized"));
    assert.throws(() => client.send(message("chat")), { name: "ChanxError", reason: "unauthorized" });
    clock.pass(100_000);
    assert.equal(Socket.all.length, 1);
    client.connect();
    Socket.last.open();
    await client.ready();
    client.send(message("chat"));
    assert.equal(sent().length, 1);
  });

  test("refused by the authentication frame", () => {
    Socket.last.open();
    say({ action: "authentication", payload: { statusCode: 403 } });
    Socket.last.drop(1000);
    assert.equal(client.status.state, "refused");
  });

  test("ends with close, and leaves no timer behind", async () => {
    Socket.last.open();
    const topic = client.topic("room:5");
    const [loop, topicLoop] = [client[Symbol.asyncIterator]().next(), topic[Symbol.asyncIterator]().next()];
    const waiting = client.waitFor("news");
    client.close();
    client.close();
    assert.deepEqual([Socket.last.closed, client.status.state, clock.timers], [true, "idle", 0]);
    assert.deepEqual([await loop, await topicLoop], [{ done: true, value: undefined }, { done: true, value: undefined }]);
    for (const reason of [await rejection(waiting), await rejection(topic.ready()), await rejection(client.ready())]) assert.equal(reason.reason, "closed");
    for (const call of [() => client.send({}), () => client.topic("a"), () => client.job("a"), () => client.jobs(), () => client.connect()]) {
      assert.throws(call, { reason: "closed" });
    }
    assert.equal(Socket.all.length, 1);
  });
});

describe("messages", () => {
  test("are told by action, to all, and to loops, in order", async () => {
    const told = [];
    client.on("news", ({ payload }) => told.push(payload));
    const off = client.on("*", ({ action }) => told.push(action));
    const loop = client[Symbol.asyncIterator]();
    Socket.last.open();
    for (const payload of [1, 2]) say(message("news", payload));
    off();
    say(message("other"));
    assert.deepEqual(told, [1, "news", 2, "news"]);
    assert.deepEqual([(await loop.next()).value, (await loop.next()).value, (await loop.next()).value], [message("news", 1), message("news", 2), message("other")]);
  });

  test("that say that something is done come to those who ask for them", () => {
    const [complete, all] = [mock.fn(), mock.fn()];
    client.on("complete", complete);
    client.on("*", all);
    Socket.last.open();
    say(message("complete"));
    assert.deepEqual([complete.mock.callCount(), all.mock.callCount()], [1, 0]);
  });

  test("may have fields of their own that topics use, and are told as they came", () => {
    const told = [];
    client.on("news", (news) => told.push(news));
    Socket.last.open();
    for (const more of [{ ref: "1" }, { topic: "sports" }, { seq: 4 }]) say({ action: "news", ...more });
    assert.deepEqual(told, [{ payload: null, action: "news", ref: "1" }, { payload: null, action: "news", topic: "sports" }, { payload: null, action: "news", seq: 4 }]);
  });

  test("are told apart by what the consumer calls it", () => {
    client.close();
    client = make({ actionKey: "type" });
    const told = [];
    client.on("news", (news) => told.push(news));
    Socket.last.open();
    say({ type: "news", action: "a field of its own" });
    client.send({ type: "chat", action: "another" });
    assert.deepEqual([told, sent()], [[{ payload: null, type: "news", action: "a field of its own" }], [{ type: "chat", action: "another" }]]);
  });

  test("disturb nobody where a listener throws", () => {
    const report = mock.method(console, "error", () => {});
    const second = mock.fn();
    client.on("news", () => {
      throw new Error("mine");
    });
    client.on("news", second);
    Socket.last.open();
    say(message("news"));
    assert.deepEqual([second.mock.callCount(), report.mock.calls[0].arguments[0].message], [1, "mine"]);
    report.mock.restore();
  });

  test("what is no JSON object is not of the protocol", () => {
    const all = mock.fn();
    client.on("*", all);
    Socket.last.open();
    for (const data of ["", "{", "null", "7"]) Socket.last.onmessage({ data });
    assert.deepEqual([all.mock.callCount(), client.status.state], [0, "live"]);
  });

  test("a loop that is too slow ends with an error, after what it has", async () => {
    const slow = client[Symbol.asyncIterator]();
    Socket.last.open();
    for (let number = 0; number <= 1000; number++) say(message("news", number));
    for (let number = 0; number < 1000; number++) assert.equal((await slow.next()).value.payload, number);
    assert.equal((await rejection(slow.next())).reason, "too_slow");
    assert.deepEqual(await slow.next(), { done: true, value: undefined });
  });

  test("a loop that breaks off hears no more", async () => {
    Socket.last.open();
    const loop = (async () => {
      for await (const { payload } of client) return payload;
    })();
    await settled();
    say(message("news", 1));
    say(message("news", 2));
    assert.equal(await loop, 1);
  });
});

describe("sending", () => {
  test("waits for the connection, in order, and goes on after a lost one", () => {
    client.send(message("chat", 1));
    client.send(message("chat", 2));
    assert.deepEqual(sent(), []);
    Socket.last.open();
    client.send(message("chat", 3));
    assert.deepEqual(sent().map(({ payload }) => payload), [1, 2, 3]);
    Socket.last.drop();
    client.send(message("chat", 4));
    while (Socket.last.readyState !== 0) clock.pass(100);
    Socket.last.open();
    assert.deepEqual(sent(), [message("chat", 4)]);
  });

  test("is bounded", () => {
    for (let number = 0; number < 100; number++) client.send(message("chat", number));
    assert.throws(() => client.send(message("chat")), { reason: "too_many_waiting" });
    Socket.last.open();
    assert.equal(sent().length, 100);
    client.send(message("chat"));
  });
});

describe("waiting for a message", () => {
  test("takes the next one that is meant", async () => {
    Socket.last.open();
    const waiting = client.waitFor(["news", "error"], { where: ({ payload }) => payload > 1 });
    say(message("other", 5));
    say(message("news", 1));
    say(message("error", 2));
    say(message("news", 3));
    assert.deepEqual(await waiting, message("error", 2));
  });

  test("gives up after its time, or never", async () => {
    const waiting = client.waitFor("news", { timeout: 500 });
    const patient = client.waitFor("news", { timeout: Infinity });
    Socket.last.open();
    clock.pass(500);
    assert.match((await rejection(waiting)).message, /No news came within 0.5 seconds/);
    clock.pass(1_000);
    say(message("news", 7));
    assert.equal((await patient).payload, 7);
  });

  test("a condition that throws is the waiting one's own matter", async () => {
    const waiting = client.waitFor("news", { where: ({ payload }) => payload.missing.here });
    const other = client.waitFor("news");
    Socket.last.open();
    say(message("news"));
    await assert.rejects(waiting, TypeError);
    assert.equal((await other).action, "news");
  });
});

describe("jobs on the same connection", () => {
  test("are watched, and their end leaves the connection open", () => {
    Socket.last.open();
    const seqs = [];
    client.job("a").on("*", ({ seq }) => seqs.push(seq));
    answerSubscribe(Socket.last);
    Socket.last.say({ topic: "job:a", seq: 1, action: "job_log", payload: {} });
    client.job("a").close();
    const list = client.jobs();
    list.close();
    assert.deepEqual([seqs, Socket.all.length, Socket.last.closed], [[1], 1, false]);
  });
});
