// Asking on a connection whose messages do not say what they answer. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

import { ChannelClient, ChanxError } from "../../../chanx/channels/static/chanx/chanx.js";
import { Clock, fakeWebSocket, settled } from "./fakes.mjs";

let Socket, clock, client;

const say = (action, payload = null) => Socket.last.onmessage({ data: JSON.stringify({ action, payload }) });
const start = (payload) => client.ask({ action: "start", payload }, ["accepted", "not_started"]);
const sent = () => Socket.last.frames.map(({ action, payload }) => [action, payload]);

async function rejection(promise) {
  const error = await promise.then(() => assert.fail("it was fulfilled"), (reason) => reason);
  assert.ok(error instanceof ChanxError, String(error));
  return error;
}

function reconnect() {
  while (Socket.last.readyState !== 0) clock.pass(100);
  Socket.last.open();
}

beforeEach(() => {
  Socket = fakeWebSocket();
  clock = new Clock();
  client = new ChannelClient("ws://site/ws/", { WebSocket: Socket, clock, random: () => 1, heartbeat: false });
});

describe("asking", () => {
  test("gets the next message of an action, beside listeners and loops", async () => {
    Socket.last.open();
    const told = [];
    client.on("*", ({ action }) => told.push(action));
    const asked = start(1);
    assert.deepEqual(sent(), [["start", 1]]);
    say("news");
    say("not_started", "full");
    say("accepted", "somebody else's");
    assert.deepEqual(await asked, { action: "not_started", payload: "full" });
    assert.deepEqual(told, ["news", "not_started", "accepted"]);
  });

  test("takes one action too, and an answer that comes before the promise is waited for", async () => {
    Socket.last.open();
    const asked = client.ask({ action: "ping" }, "pong");
    say("pong");
    await settled();
    assert.equal((await asked).action, "pong");
  });

  test("waits for the connection, and for earlier ones that ask for the same", async () => {
    const [first, second, third] = [start(1), start(2), start(3)];
    const other = client.ask({ action: "count" }, "counted");
    client.send({ action: "wave", payload: 4 });
    say("accepted", "nobody's: nothing was sent yet");
    Socket.last.open();
    assert.deepEqual(sent(), [["start", 1], ["count", undefined], ["wave", 4]]);
    say("accepted", "a");
    assert.deepEqual(sent().at(-1), ["start", 2]);
    say("counted", 7);
    say("not_started", "b");
    say("accepted", "c");
    assert.deepEqual((await Promise.all([first, second, third, other])).map(({ payload }) => payload), ["a", "b", "c", 7]);
  });

  test("is refused with an error, which is that of the message sent first", async () => {
    const errors = mock.fn();
    client.on("error", errors);
    Socket.last.open();
    const [first, other] = [start(1), client.ask({ action: "count" }, "counted")];
    const second = start(2);
    say("error", { detail: "No", reason: "mine" });
    say("counted", 7);
    const problems = [{ type: "missing", loc: ["start"], msg: "Field required" }];
    say("error", problems);
    assert.deepEqual([(await rejection(first)).reason, (await rejection(second)).problems, (await other).payload], ["mine", problems, 7]);
    assert.equal(errors.mock.callCount(), 2);
  });

  test("ends with a connection that was lost once it was sent, and goes on if it was not", async () => {
    Socket.last.open();
    const [first, second] = [start(1), start(2)];
    Socket.last.drop();
    assert.equal((await rejection(first)).reason, "connection_lost");
    reconnect();
    assert.deepEqual(sent(), [["start", 2]]);
    say("accepted", "b");
    assert.equal((await second).payload, "b");
  });

  test("has an end: what was not sent by then is not sent", async () => {
    const [first, patient] = [start(1), client.ask({ action: "count" }, "counted", { timeout: Infinity })];
    clock.pass(5_000);
    const second = client.ask({ action: "start", payload: 2 }, "accepted", { timeout: 6_000 });
    clock.pass(5_000);
    assert.match((await rejection(first)).message, /No accepted or not_started came within 10 seconds/);
    clock.pass(1_000);
    assert.equal((await rejection(second)).reason, "timeout");
    reconnect();
    assert.deepEqual(sent(), [["count", undefined]]);
    say("counted", 7);
    assert.equal((await patient).payload, 7);
  });

  test("ends where the client is refused, and where it is closed, with no timer left", async () => {
    Socket.last.open();
    const refused = [start(1), start(2)];
    Socket.last.drop(4401);
    assert.deepEqual((await Promise.all([...refused, start(3)].map(rejection))).map(({ reason }) => reason), Array(3).fill("unauthorized"));
    client.connect();
    Socket.last.open();
    const closed = [start(4), start(5)];
    client.close();
    assert.deepEqual((await Promise.all([...closed, start(6)].map(rejection))).map(({ reason }) => reason), Array(3).fill("closed"));
    assert.deepEqual([sent(), clock.timers], [[["start", 4]], 0]);
  });

  test("with what is no JSON is the one's own matter, now and later", async () => {
    const report = mock.method(console, "error", () => {});
    client.send({ action: "wave", payload: 1n });
    const early = start(1n);
    const fine = start(2);
    Socket.last.open();
    await assert.rejects(early, TypeError);
    await assert.rejects(client.ask({ action: "count", payload: 1n }, "counted"), TypeError);
    say("accepted");
    await fine;
    assert.deepEqual([sent(), report.mock.callCount()], [[["start", 2]], 1]);
    report.mock.restore();
  });
});
