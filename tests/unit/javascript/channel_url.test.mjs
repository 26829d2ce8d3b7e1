// Where a consumer is, and what a topic is called. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { ChannelClient, channelUrl, topicName } from "../../../chanx/channels/static/chanx/chanx.js";

describe("where it is", () => {
  test("an address is filled in on a server", () => {
    const server = "ws://localhost:8000";
    assert.equal(channelUrl("ws/room/{room}/", { params: { room: "a b/c" }, server }), "ws://localhost:8000/ws/room/a%20b%2Fc/");
    assert.equal(channelUrl("/ws/", { baseUrl: "https://example.com/sub/", server }), "https://example.com/sub/ws/");
    assert.throws(() => channelUrl("/ws/{room}", { server }), /needs `room`/);
    assert.throws(() => channelUrl("/ws/"), /pass `baseUrl`/);
  });

  test("a page's own server, unless another is named", (context) => {
    globalThis.location = { origin: "https://page.example" };
    context.after(() => delete globalThis.location);
    assert.equal(channelUrl("/ws/", { server: "ws://localhost:8000" }), "https://page.example/ws/");
  });

  test("a topic's name has its parameters as they are", () => {
    assert.equal(topicName("room:{id}:{part}", { id: 5, part: "a b" }), "room:5:a b");
    assert.throws(() => topicName("room:{id}", {}), /needs `id`/);
  });
});

test("without a WebSocket it says what to pass", (context) => {
  const { WebSocket } = globalThis;
  delete globalThis.WebSocket;
  context.after(() => (globalThis.WebSocket = WebSocket));
  assert.throws(() => new ChannelClient("ws://site/"), /pass a class of them as the option `WebSocket`/);
});
