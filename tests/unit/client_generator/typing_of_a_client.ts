// What the compiler has to say of a client's use: each line after "@ts-expect-error" is refused, all others are taken.

import {
  ChannelClient,
  ChanxError,
  ChatClient,
  NewsClient,
  RoomClient,
  ShopFloor2Client,
  type JobSnapshot,
  type Problem,
  type RoomTopic,
  type chatMessages,
  type sharedMessages,
} from "./index.js";

const chat = new ChatClient({ params: { place: 5 }, baseUrl: "https://example.com", onStatus: ({ state }) => state === "live" });
// @ts-expect-error the address has a parameter
new ChatClient();
// @ts-expect-error of another name
new ChatClient({ params: { room: "5" } });
// @ts-expect-error it knows what its messages are told apart by
new ShopFloor2Client({ actionKey: "action" });

// Sending

chat.chat({ payload: { text: "Hello", to: { name: "Ada", friends: [{ name: "Bob" }] }, "at-place": [1, 2], tags: { a: [1] } } });
chat.ping();
chat.send({ action: "chat", payload: { text: "Hello" } });
chat.onMessage({ action: "off" });
// @ts-expect-error text is missing
chat.chat({ payload: {} });
// @ts-expect-error not a string
chat.chat({ payload: { text: 1 } });
// @ts-expect-error no such property
chat.chat({ payload: { text: "Hello", texts: "" } });
// @ts-expect-error a pair
chat.chat({ payload: { text: "Hello", "at-place": [1] } });
// @ts-expect-error no null
chat.chat({ payload: { text: "Hello", tags: null } });
// @ts-expect-error no such action
chat.send({ action: "shout", payload: { text: "Hello" } });
// @ts-expect-error the action is missing
chat.send({ payload: { text: "Hello" } });
// @ts-expect-error it is one of two
chat.onMessage({ action: "dim" });
// @ts-expect-error what the server sends
chat.send({ action: "pong", payload: null });

// Listening

chat.on("chat_notification", ({ payload }) => {
  const nick: string | undefined = payload.to?.nick_name;
  const first: number | undefined = payload.tags["a"]?.[0];
  const friends: sharedMessages.Person[] = payload.to?.friends ?? [];
  // @ts-expect-error it may be missing
  const sure: string = payload.to?.nick_name;
  return [nick, first, friends, sure];
});
chat.on("error", ({ payload }) => {
  const problems: Problem[] = Array.isArray(payload) ? payload : [];
  return problems;
});
chat.on("complete", () => {});
chat.on("*", (message) => {
  switch (message.action) {
    case "chat_notification":
      return message.payload.text;
    case "person_left":
      return message.reason === 7 ? message.payload.name : message.payload.nick_name;
    case "pong":
    case "error":
      return "";
    default: {
      const nothing: never = message;
      return nothing;
    }
  }
});
// @ts-expect-error the server sends no such message
chat.on("shout", () => {});
// @ts-expect-error not of this message
chat.on("pong", ({ payload }) => payload.text);

export async function read(): Promise<string> {
  const { payload } = await chat.waitFor("chat_notification", { where: (message) => message.payload.text !== "", timeout: 5_000 });
  const either = await chat.waitFor(["pong", "person_left"]);
  const text: null | string = either.action === "pong" ? either.payload : either.payload.name;
  for await (const message of chat) {
    if (message.action === "person_left") return message.payload.name;
    // @ts-expect-error this one is not of the others
    if (message.action === "person_right") return "";
  }
  return payload.text + text;
}

// Asking

export async function ask(): Promise<string> {
  const pong: null = (await chat.ask({ action: "ping" }, "pong", { timeout: 1_000 })).payload;
  const either = await chat.ask({ action: "chat", payload: { text: "Hello" } }, ["pong", "person_left"]);
  // @ts-expect-error it is one of two
  const name: string = either.payload.name;
  // @ts-expect-error the server sends no such message
  await chat.ask({ action: "ping" }, "shout");
  // @ts-expect-error an error is none: it rejects
  await chat.ask({ action: "ping" }, "error");
  // @ts-expect-error text is missing
  await chat.ask({ action: "chat", payload: {} }, "pong");
  const ordered: "yes" | "no" = (await new ShopFloor2Client().ask({ type: "order", payload: {} }, "ordered")).payload;
  return either.action === "pong" ? `${pong}${name}` : either.payload.name + ordered;
}

// Topics

const room: RoomTopic = chat.room({ id: 5 }, { payload: () => ({ after: 3 }) });
// @ts-expect-error the pattern has a parameter
chat.room();
// @ts-expect-error not what a subscribe may say
chat.room({ id: 5 }, { payload: { since: 3 } });

export async function talk(): Promise<sharedMessages.ChatPayloadOutput[]> {
  const { members } = await room.ready();
  const first: string | undefined = members[0]?.name;
  room.chat({ payload: { text: first ?? "" } });
  room.on("chat_notification", ({ seq, topic, payload }) => [seq ?? 0, topic, payload.text]);
  room.on("subscribed", ({ payload }) => payload.members.length);
  // @ts-expect-error of the connection itself, not of the topic
  room.on("pong", () => {});
  // @ts-expect-error of the topic, not of the connection itself
  chat.send({ action: "history" });
  try {
    const page = await room.history({ payload: 5 }, { timeout: 1_000 });
    const number: number | undefined = page.seq;
    // @ts-expect-error it has no other
    const text: string = page.payload[0].text;
    return [number, text].length > 0 ? page.payload : [];
  } catch (error) {
    if (error instanceof ChanxError) console.log(error.reason, error.detail, error.problems[0]?.loc);
    throw error;
  }
}

chat.clock().on("person_left", ({ payload }) => payload.name);
// @ts-expect-error it takes none
chat.clock().send({ action: "chat", payload: { text: "" } });

// Jobs on the same connection

export async function watch(): Promise<number> {
  const job = chat.job<{ rows: number }>({ job_id: "a", topic: "job:a" });
  job.on("report_ready", ({ payload, seq, time }) => [payload.length, seq, time]);
  job.on("job_progress", ({ payload }) => payload.fraction);
  job.on("snapshot", (snapshot: JobSnapshot<{ rows: number }>) => snapshot.state);
  // @ts-expect-error no such event
  job.on("report_lost", () => {});
  for await (const event of job.events()) {
    if (event.action === "report_ready") console.log(event.payload.length, event.seq);
    if (event.action === "job_output") console.log(event.payload.text);
  }
  for await (const jobs of chat.jobs()) console.log(jobs[0]?.state);
  return (await job.result())?.rows ?? 0;
}

// Others

new NewsClient().on("person_left", ({ payload }) => payload.friends.length);
// @ts-expect-error it only listens
new NewsClient().send({ action: "person_left" });
const shop = new ShopFloor2Client();
shop.order({ payload: { anything: [1] } });
shop.on("ordered", ({ type, payload }) => (type === "ordered" ? payload === "yes" : payload));
shop.on("error", ({ type }) => type === "error");
// @ts-expect-error it is told apart by its type
shop.send({ action: "order", payload: {} });
new RoomClient({ params: { id: "5" } }).room().on("history_page", ({ payload }) => payload.length);
export const sent: chatMessages.ChatSent[] = [{ action: "ping" }, { action: "on", payload: null }];

// The runtime by itself, with messages that nobody has typed

const plain = new ChannelClient("/ws/anything/", { actionKey: "action" });
plain.on("whatever", ({ payload }) => payload.anything);
plain.send({ action: "whatever", payload: { anything: 1 } });
// @ts-expect-error a message has an action
plain.send({ payload: 1 });
export const answered: Promise<{ total: number }> = plain.ask({ action: "count" }, ["counted"]).then(({ payload }) => payload);
export const reply: Promise<{ total: number }> = plain
  .topic("room:5", { payload: { after: 1 } })
  .request({ action: "count" })
  .then(({ payload }) => payload);
