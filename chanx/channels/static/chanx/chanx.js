/**
 * Watch Celery jobs from the browser: live, in order, complete after a reload. And talk to any consumer.
 *
 *   import { JobClient } from "/static/chanx/chanx.js";
 *
 *   const client = new JobClient("/ws/jobs/");
 *   const job = client.job(ref);                        // what `start_job` gave: {job_id, topic}, or the id alone
 *   job.on("job_progress", ({ payload }) => (bar.value = payload.fraction));
 *   show(await job.result());
 *
 *   const chat = new ChannelClient("/ws/chat/");        // jobs too: chat.job(ref)
 *   chat.on("chat_message", ({ payload }) => add(payload));
 *   chat.send({ action: "chat", payload: { text: "Hello" } });
 *   const { payload } = await chat.ask({ action: "who" }, "members");
 *   const room = chat.topic("room:5");
 *   const page = await room.request({ action: "history", payload: { limit: 20 } });
 *
 * No dependencies. Types are in chanx.d.ts; an element that shows a job without any code is in chanx-job.js.
 */

export { ChannelClient } from "./channel_client.js";
export { ChanxError } from "./channel_error.js";
export { channelUrl, topicName } from "./channel_url.js";
export { JobClient } from "./client.js";
export { JobCancelledError, JobClosedError, JobError, JobFailedError, JobRefusedError } from "./errors.js";
export { Job } from "./job.js";
export { JobList } from "./job_list.js";
export { TERMINAL_STATES } from "./job_states.js";
export { OutputText } from "./output_text.js";
export { Topic } from "./topic.js";
