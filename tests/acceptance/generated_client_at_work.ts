// A program on the generated client of the example site, run by Node in test_generated_typescript_client.py.

// @ts-expect-error the compiler is not told of Node
import { writeFileSync } from "node:fs";
import { ChanxError, JobFailedError, JobRefusedError, JobsClient, type jobsMessages } from "./client/index.js";

declare const process: { env: Record<string, string | undefined> };

const NodeWebSocket = WebSocket as unknown as new (url: string, options: object) => WebSocket;

const headers: Record<string, string> = JSON.parse(process.env["HEADERS"] ?? "{}");

class SignedIn extends NodeWebSocket {
  constructor(url: string) {
    super(url, { headers });
  }
}

class Stranger extends NodeWebSocket {
  constructor(url: string) {
    super(url, { headers: { Origin: headers["Origin"] } });
  }
}

async function start(client: JobsClient, command: jobsMessages.CommandKey): Promise<jobsMessages.JobRef> {
  return accepted(client, { action: "start_command", payload: { command } });
}

async function accepted(client: JobsClient, message: jobsMessages.JobsSent): Promise<jobsMessages.JobRef> {
  const answer = await client.ask(message, ["job_accepted", "job_not_started"]);
  if (answer.action === "job_not_started") throw new Error(answer.payload.detail);
  return answer.payload;
}

/** A job that goes on while the site is stopped and started: the test does that when the file is there. */
async function throughRestart(client: JobsClient, statuses: string[]) {
  const job = client.job<{ exit_code: number }>(await start(client, "count"));
  const seqs: number[] = [];
  let output = "";
  for await (const event of job.events()) {
    if (event.action === "reset") throw new Error("the log began anew");
    seqs.push(event.seq);
    if (event.action === "job_output") output += event.payload.text;
    if (seqs.length === 8) writeFileSync(process.env["IN_THE_MIDDLE"], job.id);
  }
  return { seqs, output, result: await job.result(), wasLost: statuses.includes("waiting"), state: client.status.state };
}

/** A file that was uploaded, once more: progress, the site's own events, the result, and what a later reader finds. */
async function upload(client: JobsClient) {
  const message = { action: "run_again", payload: { job_id: process.env["UPLOADED"] ?? "" } } as const;
  const job = client.job<{ rows: number }>(await accepted(client, message));
  const fractions: number[] = [];
  const badLines: number[] = [];
  let columns = 0;
  job.on("job_progress", ({ payload }) => fractions.push(payload.fraction ?? 0));
  job.on("column_stats", ({ payload }) => (columns = payload.columns.length));
  for await (const event of job.events()) if (event.action === "bad_row") badLines.push(event.payload.line);
  const end = job.position;
  const later: number[] = [];
  if (end !== null) {
    for await (const event of client.job(job.id, { position: { ...end, seq: end.seq - 2 } }).events()) later.push(event.seq ?? 0);
  }
  return { rows: (await job.result())?.rows, fractions, badLines: badLines.length, columns, later, end: end?.seq };
}

async function failures(client: JobsClient) {
  const failed = await client.job(await start(client, "fail")).result().catch((error) => error);
  const refused = await client.job("unknown").result().catch((error) => error);
  // @ts-expect-error no such command
  const invalid = await start(client, "rm").catch((error) => error);
  const clock = client.job(await start(client, "clock"));
  await new Promise<void>((resolve) => clock.on("job_output", () => resolve()));
  const cancelled = await clock.cancel("enough");
  const strangers = new JobsClient({ baseUrl: process.env["SITE"] ?? "", WebSocket: Stranger });
  const stranger = await strangers.waitFor("job_accepted").catch((error) => error);
  return {
    failed: failed instanceof JobFailedError,
    refused: refused instanceof JobRefusedError && refused.reason,
    invalid: invalid instanceof ChanxError && invalid.problems,
    cancelled: [cancelled, await clock.result().catch((error) => error.reason)],
    stranger: stranger instanceof ChanxError && [stranger.reason, strangers.status.state],
  };
}

async function list(client: JobsClient, least: number) {
  for await (const jobs of client.jobs()) if (jobs.length >= least) return jobs.map(({ state }) => state);
  return [];
}

const statuses: string[] = [];
const client = new JobsClient({
  baseUrl: process.env["SITE"] ?? "",
  WebSocket: SignedIn,
  onStatus: ({ state }) => statuses.push(state),
});
await client.ready();
const restarted = await throughRestart(client, statuses);
const said = { restarted, upload: await upload(client), failures: await failures(client), list: await list(client, 5) };
client.close();
console.log(JSON.stringify(said));
