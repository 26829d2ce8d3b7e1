// Topics of a project's own on a ChannelClient. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

import { ChannelClient, ChanxError, Topic } from "../../../chanx/channels/static/chanx/chanx.js";
import { Clock, fakeWebSocket, settled } from "./fakes.mjs";

let Socket, clock, client, room;

const make = (more = {}) => new ChannelClient("ws://site/ws/chat/", { WebSocket: Socket, clock, random: () => 1, ...more });
const say = (frame) => Socket.last.say({ topic: "room:5", payload: null, ...frame });
const last = (action) => Socket.last.sent(action).at(-1);
const answer = (action, payload) => say({ ref: last("subscribe").ref, action, payload });
const message = (action, payload = null) => ({ action, payload });

function open(payload = null) {
  Socket.last.open();
  answer("subscribed", payload);
}

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
  client = make();
  room = client.topic("room:5");
});

describe("subscribing", () => {
  test("is asked for, and again after a lost connection", async () => {
    const told = mock.fn();
    room.on("subscribed", told);
    const ready = room.ready();
    open({ members: 2 });
    assert.deepEqual([await ready, await room.ready()], [{ members: 2 }, { members: 2 }]);
    reconnect();
    answer("subscribed", { members: 3 });
    assert.deepEqual([await room.ready(), told.mock.calls.map(({ arguments: [{ payload }] }) => payload)], [{ members: 3 }, [{ members: 2 }, { members: 3 }]]);
  });

  test("says what it is given, and asks a function each time", async () => {
    let after = 1;
    client.topic("feed", { payload: async () => ({ after: after++ }) });
    Socket.last.open();
    await settled();
    assert.deepEqual(last("subscribe"), { topic: "feed", action: "subscribe", payload: { after: 1 }, ref: "2" });
    reconnect();
    await settled();
    assert.deepEqual(last("subscribe").payload, { after: 2 });
  });

  test("that is refused ends the handle, and leaves the connection", async () => {
    const error = mock.fn();
    room.on("error", error);
    const [loop, asked, waiting] = [room[Symbol.asyncIterator]().next(), room.request(message("say")), room.waitFor("said")];
    const ready = room.ready();
    Socket.last.open();
    answer("error", { reason: "unauthorized", detail: "Members only." });
    for (const promise of [loop, asked, waiting, ready]) {
      const { reason, detail } = await rejection(promise);
      assert.deepEqual([reason, detail], ["unauthorized", "Members only."]);
    }
    assert.deepEqual([error.mock.callCount(), client.status.state], [1, "live"]);
    assert.throws(() => room.send(message("say")), { reason: "unauthorized" });
    clock.pass(10_000);
    assert.equal(Socket.last.sent("subscribe").length, 1);
  });

  test("that ends on the server is asked for again, and refused then", async () => {
    open();
    say({ action: "error", payload: { reason: "unauthorized", detail: "You have left." } });
    assert.equal(Socket.last.sent("subscribe").length, 2);
    answer("error", { reason: "unauthorized", detail: "You have left." });
    assert.equal((await rejection(room.ready())).detail, "You have left.");
  });

  test("is one for all handles of a topic, until the last is closed", () => {
    open();
    const other = client.topic("room:5");
    assert.equal(Socket.last.sent("subscribe").length, 1);
    const told = [];
    room.on("said", () => told.push("first"));
    other.on("said", () => told.push("second"));
    say(message("said"));
    room.close();
    say(message("said"));
    assert.deepEqual([told, Socket.last.sent("unsubscribe").length], [["first", "second", "second"], 0]);
    other.close();
    other.close();
    assert.equal(last("unsubscribe").topic, "room:5");
  });

  test("a handle may be of a class of one's own", () => {
    class Room extends Topic {
      say = (text) => this.send(message("say", text));
    }
    const own = client.topic("room:6", {}, Room);
    assert.deepEqual([own instanceof Room, own.name], [true, "room:6"]);
  });

  test("on a route of its own, a refusal ends the connection", async () => {
    client.close();
    client = make();
    room = client.topic("room:5", { isDedicated: true });
    Socket.last.open();
    say({ action: "error", payload: { reason: "unauthorized", detail: "Members only." } });
    const refused = client.status.state;
    clock.pass(100_000);
    assert.deepEqual([refused, Socket.last.closed, Socket.all.length], ["refused", true, 2]);
    assert.equal((await rejection(room.ready())).detail, "Members only.");
    assert.equal((await rejection(client.ready())).detail, "Members only.");
  });
});

describe("messages", () => {
  test("come with their number, to this topic alone, also while it is asked for again", () => {
    const told = [];
    room.on("said", ({ seq, payload, topic }) => told.push([seq, payload, topic]));
    const plain = mock.fn();
    client.on("*", plain);
    open();
    say({ action: "said", seq: 1, payload: "a" });
    Socket.last.say({ topic: "room:6", action: "said", payload: "other" });
    client.topic("room:5", { payload: { from: 2 } });
    say({ action: "said", payload: "b" });
    assert.deepEqual([told, plain.mock.callCount()], [[[1, "a", "room:5"], [undefined, "b", "room:5"]], 0]);
  });

  test("are sent once the topic is open, with the topic's name and no ref", () => {
    room.send(message("say", 1));
    Socket.last.open();
    assert.equal(last("say"), undefined);
    answer("subscribed");
    room.send(message("say", 2));
    assert.deepEqual(Socket.last.sent("say"), [{ topic: "room:5", ...message("say", 1) }, { topic: "room:5", ...message("say", 2) }]);
  });

  test("what is wrong with one that was sent is told, and the topic goes on", () => {
    const error = mock.fn();
    room.on("error", error);
    open();
    say({ action: "error", payload: [{ type: "missing", loc: ["say", "payload"], msg: "Field required" }] });
    room.send(message("say"));
    assert.deepEqual([error.mock.callCount(), Socket.last.sent("subscribe").length, Socket.last.sent("say").length], [1, 1, 1]);
  });

  test("are told apart by what the consumer calls it", async () => {
    client.close();
    client = make({ actionKey: "type" });
    room = client.topic("room:5");
    const told = mock.fn();
    room.on("subscribed", told);
    Socket.last.open();
    const { ref, type } = Socket.last.frames[0];
    say({ ref, type: "subscribed" });
    const asked = room.request({ type: "say", action: "a field" });
    const frame = Socket.last.frames[1];
    assert.deepEqual([type, told.mock.calls[0].arguments[0].type, frame], ["subscribe", "subscribed", { type: "say", action: "a field", topic: "room:5", ref: frame.ref }]);
    say({ ref: frame.ref, type: "said", action: "theirs" });
    assert.deepEqual((await asked).action, "theirs");
  });
});

describe("requests", () => {
  const ask = (payload = 1, options) => room.request(message("ask", payload), options);

  test("are answered each by its own ref", async () => {
    open();
    const asked = [ask(1), ask(2)];
    const [first, second] = Socket.last.sent("ask");
    say({ ref: second.ref, action: "told", payload: "second" });
    say({ ref: first.ref, action: "told", payload: "first" });
    say({ ref: first.ref, action: "complete" });
    assert.deepEqual((await Promise.all(asked)).map(({ payload }) => payload), ["first", "second"]);
  });

  for (const [payload, reason, detail] of [
    [{ reason: "full", detail: "No room." }, "full", "No room."],
    [{ detail: "Failed to process message for ask" }, "failed", "Failed to process message for ask"],
    [[{ type: "int_parsing", loc: ["ask", "payload", "n"], msg: "Not a number" }, { msg: "Odd" }], "invalid", "ask.payload.n: Not a number; Odd"],
    [null, "failed", "The server could not do that."],
  ]) {
    test(`fail with what the server says: ${detail}`, async () => {
      open();
      const asked = ask();
      say({ ref: last("ask").ref, action: "error", payload });
      const error = await rejection(asked);
      assert.deepEqual([error.reason, error.message, error.problems], [reason, detail, Array.isArray(payload) ? payload : []]);
    });
  }

  test("may take long without doubt about the connection, to the end of their time", async () => {
    open();
    const asked = ask(1, { timeout: 15_000 });
    const quick = ask(2);
    clock.pass(10_000);
    assert.match((await rejection(quick)).message, /No answer to ask within 10 seconds/);
    say({ ref: last("ask").ref, action: "told" }); // too late
    assert.equal(client.status.state, "live");
    clock.pass(5_000);
    assert.equal((await rejection(asked)).reason, "timeout");
  });

  test("wait for the topic, and are not sent where they have given up meanwhile", async () => {
    const [hasty, patient] = [ask(1, { timeout: 100 }), ask(2)];
    clock.pass(100);
    assert.equal((await rejection(hasty)).reason, "timeout");
    open();
    assert.deepEqual(Socket.last.sent("ask").map(({ payload }) => payload), [2]);
    say({ ref: last("ask").ref, action: "told" });
    assert.equal((await patient).action, "told");
  });

  test("that are under way when the connection is lost fail, as they may have been handled; others wait", async () => {
    open();
    const lost = ask(1);
    Socket.last.drop();
    assert.equal((await rejection(lost)).reason, "connection_lost");
    const waiting = ask(2);
    while (Socket.last.readyState !== 0) clock.pass(100);
    Socket.last.open();
    answer("subscribed");
    assert.deepEqual(Socket.last.sent("ask").map(({ payload }) => payload), [2]);
    say({ ref: last("ask").ref, action: "told" });
    await waiting;
  });

  test("that the server did not handle, as the subscription had ended, are sent again", async () => {
    open();
    const asked = ask();
    say({ ref: last("ask").ref, action: "error", payload: { reason: "not_subscribed", detail: "You are not subscribed." } });
    answer("subscribed");
    assert.equal(Socket.last.sent("ask").length, 2);
    say({ ref: last("ask").ref, action: "told" });
    assert.equal((await asked).action, "told");
  });

  test("fail when the topic is closed here, and when they are no JSON", async () => {
    const early = room.request({ action: "ask", payload: 1n });
    open();
    await assert.rejects(early, TypeError);
    await assert.rejects(room.request({ action: "ask", payload: 1n }), TypeError);
    assert.throws(() => room.send({ action: "ask", payload: 1n }), TypeError);
    const asked = ask();
    room.close();
    for (const promise of [asked, ask(), room.ready()]) assert.equal((await rejection(promise)).reason, "closed");
    client.close();
    assert.equal(clock.timers, 0);
  });

  test("are bounded while there is no connection", async () => {
    const many = Array.from({ length: 100 }, (_, number) => ask(number).catch(() => {}));
    assert.equal((await rejection(ask())).reason, "too_many_waiting");
    room.close();
    await Promise.all(many);
  });
});
