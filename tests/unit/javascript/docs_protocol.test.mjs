// The docs page's console, without its elements: what a document lets one send, and what a frame is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Acknowledgements } from "../../../chanx/asyncapi/page/assets/acknowledgements.js";
import { closeMeaning, Connection } from "../../../chanx/asyncapi/page/assets/connection.js";
import { FrameLog, isFound, MAX_ENTRIES } from "../../../chanx/asyncapi/page/assets/frame_log.js";
import { readFrame } from "../../../chanx/asyncapi/page/assets/frames.js";
import { connectionsOf, filled, isOfPattern, socketUrl } from "../../../chanx/asyncapi/page/assets/protocol.js";
import { Schemas } from "../../../chanx/asyncapi/page/assets/schema.js";

const schema = (action, more = {}) => ({ type: "object", properties: { action: { const: action }, payload: {}, ...more }, required: ["payload"] });
const refs = (channel, ...keys) => keys.map((key) => ({ $ref: `#/channels/${channel}/messages/${key}` }));

const ASYNCAPI = {
  channels: {
    room: { address: "ws/room/{name}/", parameters: { name: {} }, messages: { chat: { $ref: "#/components/messages/chat" } } },
    room_job: { address: "ws/room/{name}/", "x-topic": { name: "job", pattern: "job:{job_id}", parameters: ["job_id"] } },
    lobby: { address: "ws/lobby/", "x-topic": { name: "lobby", pattern: "lobby", parameters: [] } },
    typed: { address: "ws/typed", "x-discriminator": "type" },
  },
  operations: {
    chat: { action: "receive", channel: { $ref: "#/channels/room" }, messages: refs("room", "chat"), reply: { messages: refs("room", "said") } },
    said: { action: "send", channel: { $ref: "#/channels/room" }, messages: refs("room", "said") },
    ack: { action: "receive", channel: { $ref: "#/channels/room_job" }, messages: refs("room_job", "ack") },
    news: { action: "send", channel: { $ref: "#/channels/lobby" }, messages: refs("lobby", "said") },
    wave: { action: "receive", channel: { $ref: "#/channels/lobby" }, messages: refs("lobby", "chat") },
  },
  components: {
    messages: {
      chat: { payload: { $ref: "#/components/schemas/Chat" } },
      said: { payload: { $ref: "#/components/schemas/Said" } },
      ack: { payload: { $ref: "#/components/schemas/Ack" } },
    },
    schemas: { Chat: schema("chat"), Said: schema("said", { payload: { type: "string" } }), Ack: schema("ack") },
  },
};

const schemas = new Schemas(ASYNCAPI);
const [room, lobby] = connectionsOf(ASYNCAPI, schemas);

test("channels of one address are one connection", () => {
  assert.deepEqual(connectionsOf(ASYNCAPI, schemas).map(({ address, channels }) => [address, channels.map(({ key }) => key)]), [
    ["ws/room/{name}/", ["room", "room_job"]],
    ["ws/lobby/", ["lobby"]],
    ["ws/typed", ["typed"]],
  ]);
  assert.deepEqual(room.parameters, ["name"]);
  assert.deepEqual(room.channels[0].sent.map(({ name }) => name), ["Chat"]);
  assert.deepEqual(room.channels[0].received.map(({ name }) => name), ["Said"]); // once, although it is a reply too
  assert.deepEqual([...room.channels, ...lobby.channels].map(({ isDedicated }) => isDedicated), [false, false, true]);
});

test("nothing in a document is no mistake", () => {
  assert.deepEqual(connectionsOf({}, new Schemas({})), []);
});

describe("a frame", () => {
  const read = (frame, connection = room, options = {}) => {
    const { kind, name, schemaName, problems } = readFrame(typeof frame === "string" ? frame : JSON.stringify(frame), connection, schemas, options);
    return [kind, name, schemaName, problems.length];
  };

  test("is known by what tells messages apart", () => {
    assert.deepEqual(read({ action: "said", payload: "x" }), ["typed", "Said", "Said", 0]);
    assert.deepEqual(read({ action: "chat", payload: "x" }, room, { isSent: true }), ["typed", "Chat", "Chat", 0]);
    assert.deepEqual(read({ action: "chat", payload: "x" }), ["unknown", "chat", null, 0]); // the server does not send it
  });

  test("says where it is not what its schema says", () => {
    assert.deepEqual(read({ action: "said", payload: 1 }), ["typed", "Said", "Said", 1]);
    assert.deepEqual(read({ action: "said" }), ["typed", "Said", "Said", 1]);
  });

  test("belongs to its topic alone", () => {
    assert.deepEqual(read({ topic: "job:1", action: "ack", payload: null }, room, { isSent: true }), ["typed", "Ack", "Ack", 0]);
    assert.deepEqual(read({ topic: "job:1", action: "said", payload: "x" }), ["unknown", "said", null, 0]);
    assert.deepEqual(read({ action: "ack", payload: null }, room, { isSent: true }), ["unknown", "ack", null, 0]);
    assert.deepEqual(read({ topic: "lobby", action: "said", payload: "x" }, lobby), ["typed", "Said", "Said", 0]);
    assert.deepEqual(read({ action: "chat", payload: 1 }, lobby, { isSent: true }), ["typed", "Chat", "Chat", 0]);
  });

  test("of the system is known as such", () => {
    for (const action of ["authentication", "error", "complete", "group_complete", "event_complete"]) assert.deepEqual(read({ action }), ["system", action, null, 0]);
    assert.deepEqual(read({ topic: "job:1", action: "subscribed", ref: "1" }), ["system", "subscribed", null, 0]);
    assert.deepEqual(read({ topic: "job:1", action: "subscribe", ref: "1" }, room, { isSent: true }), ["system", "subscribe", null, 0]);
    assert.deepEqual(read({ type: "error" }, connectionsOf(ASYNCAPI, schemas)[2]), ["system", "error", null, 0]);
  });

  test("may be anything", () => {
    assert.deepEqual(read("{"), ["unknown", "no JSON", null, 0]);
    for (const text of ["null", "[]", "1", '"x"']) assert.deepEqual(read(text), ["unknown", "no object", null, 0]);
    assert.deepEqual(read("{}"), ["unknown", "no action", null, 0]);
  });
});

test("topics and their patterns", () => {
  assert.equal(filled("doc:{a}:{b}", { a: "1", b: "2" }), "doc:1:2");
  assert.equal(isOfPattern("doc:1:2", "doc:{a}:{b}"), true);
  assert.equal(isOfPattern("doc:1", "doc:{a}:{b}"), false);
  assert.equal(isOfPattern("a.b", "a.b"), true);
  assert.equal(isOfPattern("axb", "a.b"), false);
});

test("the URL of an address", () => {
  assert.equal(socketUrl("ws://host:8000", "ws/room/{name}/", { name: "a b/ü" }, ""), "ws://host:8000/ws/room/a%20b%2F%C3%BC/");
  assert.equal(socketUrl("host", "/ws/x", {}, "token=1"), "ws://host/ws/x?token=1");
  assert.equal(socketUrl("https://host/base/", "/ws/x", {}, "?a=1&b=%20"), "wss://host/base/ws/x?a=1&b=%20");
  assert.throws(() => socketUrl("http://", "x", {}, ""));
});

describe("the log", () => {
  const frame = (topic, ref) => ({ kind: "typed", name: "Said", topic, ref, problems: [], frame: {} });

  test("says which frame a reply answers", () => {
    const log = new FrameLog();
    const sent = log.addFrame("sent", "{}", frame("job:1", "1"), new Date(0));
    assert.equal(log.addFrame("received", "{}", frame("job:1", "1"), new Date(0)).answers, sent.number);
    assert.equal(log.addFrame("received", "{}", frame("job:2", "1"), new Date(0)).answers, null);
    assert.equal(log.addFrame("received", "{}", frame("job:1", null), new Date(0)).answers, null);
  });

  test("keeps the newest ones", () => {
    const log = new FrameLog();
    for (let count = 0; count < MAX_ENTRIES + 20; count++) log.addNote(`note ${count}`, new Date(0));
    assert.equal(log.entries.length, MAX_ENTRIES);
    assert.equal(log.entries[0].text, "note 20");
    log.clear();
    assert.equal(log.entries.length, 0);
    assert.equal(log.addNote("more", new Date(0)).number, MAX_ENTRIES + 21);
  });

  test("finds words in names, topics and texts", () => {
    const entry = { name: "Said", topic: "job:1", text: '{"payload":"Hello"}' };
    assert.equal(isFound(entry, "said HELLO"), true);
    assert.equal(isFound(entry, "job:1"), true);
    assert.equal(isFound(entry, ""), true);
    assert.equal(isFound(entry, "said other"), false);
  });
});

test("a connection says its state, and nothing of one that was left", () => {
  const sockets = [];
  class FakeSocket {
    constructor(url) {
      if (url === "bad") throw new SyntaxError("bad");
      sockets.push(this);
    }
    close() {
      this.isClosed = true;
    }
    send(text) {
      this.text = text;
    }
  }
  const said = [];
  const connection = new Connection({ onState: (change) => said.push(change), onText: (text) => said.push(text), onBinary: (bytes) => said.push(bytes) }, { WebSocket: FakeSocket });
  assert.throws(() => connection.open("bad"));
  connection.open("ws://a");
  connection.open("ws://b");
  assert.equal(sockets[0].isClosed, true);
  assert.equal(sockets[0].onclose, null);
  sockets[1].onopen();
  connection.send("x");
  assert.equal(sockets[1].text, "x");
  sockets[1].onmessage({ data: "hello" });
  sockets[1].onmessage({ data: new ArrayBuffer(3) });
  connection.close();
  sockets[1].onclose({ code: 1000, reason: "" });
  connection.close();
  assert.deepEqual(said, [{ state: "connecting" }, { state: "connecting" }, { state: "open" }, "hello", 3, { state: "closing" }, { state: "closed", code: 1000, reason: "", wasOpen: true }]);
  assert.equal(connection.state, "closed");
});

test("a connection that the page's policy forbids is closed, although no event says so", async () => {
  let socket;
  class ForbiddenSocket {
    constructor() {
      this.readyState = 0;
      socket = this;
    }
  }
  const said = [];
  const connection = new Connection({ onState: (change) => said.push(change) }, { WebSocket: ForbiddenSocket });
  const afterTimers = () => new Promise((resolve) => setTimeout(resolve, 1));
  connection.open("ws://elsewhere");
  socket.readyState = 3;
  socket.onerror();
  await afterTimers();
  assert.deepEqual(said, [{ state: "connecting" }, { state: "closed", code: 1006, reason: "", wasOpen: false }]);

  connection.open("ws://nobody");
  socket.readyState = 3;
  socket.onerror();
  socket.onclose({ code: 4401, reason: "no" });
  await afterTimers();
  assert.deepEqual(said.slice(3), [{ state: "closed", code: 4401, reason: "no", wasOpen: false }]); // once
});

test("close codes have a meaning", () => {
  assert.match(closeMeaning(1006), /lost/);
  assert.match(closeMeaning(1006, { wasOpen: false }), /running/);
  assert.match(closeMeaning(4012), /restarts/);
  assert.match(closeMeaning(4400), /application's own/);
  assert.match(closeMeaning(2999), /no code/);
});

describe("references", () => {
  for (const [name, reference] of [["100%", "100%25"], ["100%", "100%"], ["a/b~c", "a~1b~0c"], ["größe", "gr%C3%B6%C3%9Fe"]]) {
    test(`${reference} is the channel ${name}`, () => {
      const operation = { ...ASYNCAPI.operations.chat, channel: { $ref: `#/channels/${reference}` }, messages: refs(reference, "chat") };
      const document = { ...ASYNCAPI, channels: { [name]: ASYNCAPI.channels.room }, operations: { operation } };
      assert.deepEqual(connectionsOf(document, schemas)[0].channels[0].sent.map(({ key }) => key), ["chat"]);
    });
  }
});

describe("a job stream", () => {
  const stream = { name: "job", pattern: "job:{job_id}", parameters: ["job_id"], protocol: "job-stream" };
  const connection = { channels: [{ key: "jobs", topic: null }, { key: "jobs_job", topic: stream, isDedicated: false, discriminator: "action" }] };
  const events = (acks, first, last, topic = "job:1") => {
    const sent = [];
    for (let seq = first; seq <= last; seq++) sent.push(acks.received({ topic, frame: { action: "e", topic, seq } }));
    return sent.filter((frame) => frame !== null);
  };
  const ack = (seq, topic = "job:1") => ({ topic, action: "ack", payload: { seq } });

  test("is acknowledged after every 100 events, from where it begins", () => {
    assert.deepEqual(events(new Acknowledgements(connection), 1, 250), [ack(100), ack(200)]);
    assert.deepEqual(events(new Acknowledgements(connection), 51, 151), [ack(150)]);
  });

  test("is acknowledged for itself, and anew once it is subscribed to again", () => {
    const acks = new Acknowledgements(connection);
    assert.deepEqual(events(acks, 1, 99), []);
    assert.deepEqual(events(acks, 1, 100, "job:2"), [ack(100, "job:2")]);
    acks.received({ topic: "job:1", frame: { action: "subscribed", topic: "job:1" } });
    assert.deepEqual(events(acks, 1, 100), [ack(100)]);
    acks.clear();
    assert.deepEqual(events(acks, 101, 199), []);
  });

  test("of its own address names no topic", () => {
    const acks = new Acknowledgements({ channels: [{ ...connection.channels[1], isDedicated: true }] });
    assert.deepEqual(events(acks, 1, 100), [{ action: "ack", payload: { seq: 100 } }]);
  });

  test("is the only one that is acknowledged", () => {
    const { protocol, ...topic } = stream;
    assert.deepEqual(events(new Acknowledgements({ channels: [{ ...connection.channels[1], topic }] }), 1, 500), []);
    const acks = new Acknowledgements(connection);
    assert.equal(acks.received({ topic: null, frame: undefined }), null);
    assert.equal(acks.received({ topic: "job:1", frame: { action: "job_progress", head: 100, rev: 1 } }), null);
  });
});
