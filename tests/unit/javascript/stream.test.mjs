// Whatever happens on the way, what a page saw of a job is its log. Run by tests/unit/javascript/test_javascript.py.

import assert from "node:assert/strict";
import { test } from "node:test";

import { JobClient } from "../../../chanx/channels/static/chanx/chanx.js";
import { chance, Clock, fakeWebSocket, settled } from "./fakes.mjs";
import { Server } from "./server.mjs";

const SEEDS = Number(process.env.SEEDS ?? 60);
const TURNS = 60;

/** A page's view of the log: the ids of its events, in the order they came. */
class View {
  seen = [];
  ended = false;

  take({ action, seq, payload }) {
    if (action === "reset") this.seen = [];
    else if (Number.isInteger(seq)) this.seen.push({ seq, id: payload.id });
  }
}

function listen(client, options) {
  const view = new View();
  view.job = client.job("a", options);
  view.job.on("*", (event) => view.take(event));
  view.job.on("reset", () => view.take({ action: "reset" }));
  view.job.on("end", () => (view.ended = true));
  return view;
}

/** A loop that takes an event whenever the test says so. */
function loop(job) {
  const view = new View();
  const events = job.events();
  let free = true;
  const turn = async () => {
    free = false;
    const { done, value } = await events.next();
    free = true;
    if (done) view.ended = true;
    else view.take(value);
  };
  view.turns = async (most) => {
    for (; most > 0 && free && !view.ended; most--) {
      turn();
      await settled();
    }
  };
  return view;
}

async function run(seed) {
  const random = chance(seed);
  const upTo = (most) => Math.floor(random() * most);
  const Socket = fakeWebSocket();
  const clock = new Clock();
  const server = new Server(Socket, random);
  const client = new JobClient("ws://site/", { WebSocket: Socket, clock, random });
  const views = [listen(client)];
  const loops = [loop(views[0].job)];
  const steps = [
    () => Array.from({ length: upTo(90) }, () => server.append()),
    () => server.report(random()),
    () => server.dropAll(),
    () => server.trim(upTo(40)),
    () => server.rewind(upTo(30)),
    () => clock.pass(upTo(30_000)),
    () => views.length < 4 && views.push(listen(client)),
    () => loops.length < 3 && loops.push(loop(views[0].job)),
    () => views.length > 1 && views.push(listen(client, { position: views[1].job.position ?? undefined })) && views.pop().job.close(),
  ];
  server.trouble = 0.05 * random();
  for (let turn = 0; turn < TURNS; turn++) {
    steps[upTo(random() < 0.5 ? 2 : steps.length)]();
    server.run();
    for (const one of loops) await one.turns(upTo(40));
    clock.pass(upTo(1000));
  }
  server.trouble = 0;
  server.append("job_succeeded");
  const everybody = [...views, ...loops];
  for (let turn = 0; turn < 4000 && !everybody.every(({ ended }) => ended); turn++) {
    server.run();
    for (const one of loops) await one.turns(20);
    await settled();
    if (turn % 40 === 0) clock.pass(1000);
  }
  return { server, client, views, loops, clock };
}

function isTheLog({ seen, ended }, server, what) {
  assert.ok(ended, `${what}: has ended`);
  const first = seen[0].seq;
  assert.ok(first <= server.oldest, `${what}: begins where the log begins, or before`);
  assert.deepEqual(seen.map(({ seq }) => seq), Array.from({ length: server.head - first + 1 }, (_, index) => first + index), what);
  assert.deepEqual(seen.map(({ id }) => id), server.all.slice(first - 1).map(({ payload }) => payload.id), what);
}

test("whatever is lost, repeated, trimmed and rewound on the way, every reader sees the log: in order, no gap, nothing twice", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { server, client, views, loops, clock } = await run(seed);
    views.forEach((view, number) => isTheLog(view, server, `seed ${seed}, listener ${number}`));
    loops.forEach((view, number) => isTheLog(view, server, `seed ${seed}, loop ${number}`));
    assert.deepEqual(views[0].job.progress, server.progress, `seed ${seed}: the newest progress`);
    assert.equal(views[0].job.state, "succeeded");
    assert.deepEqual([client.status.state, clock.timers], ["idle", 0], `seed ${seed}: nothing is left open`);
  }
});
