/** Ties a page's JobStreams to the page: where to connect, when to try again, and the indicator in the header. */

import { setText } from "./dom.js";
import { JobStreams } from "./job_stream.js";

const TEXTS = { connecting: "Connecting…", live: "Live", done: "Up to date", refused: "Signed out" };

export function connect() {
  const indicator = document.querySelector("[data-connection]");
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${indicator.dataset.url}`;
  let status = { state: "connecting" };
  let ticking = null;

  const show = () => {
    const offline = status.state === "waiting" && navigator.onLine === false;
    const seconds = Math.max(1, Math.ceil((status.retryAt - Date.now()) / 1000));
    indicator.hidden = false;
    indicator.dataset.connection = offline ? "offline" : status.state;
    setText(indicator, offline ? "Offline" : status.state === "waiting" ? `Reconnecting in ${seconds} s` : TEXTS[status.state]);
  };
  const streams = new JobStreams(url, {
    onStatus(next) {
      status = next;
      clearInterval(ticking);
      if (next.state === "waiting") ticking = setInterval(show, 500);
      document.querySelector("[data-signed-out]").hidden = next.state !== "refused";
      show();
    },
  });
  addEventListener("online", () => streams.retryNow());
  addEventListener("offline", show);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) streams.retryNow();
  });
  return streams;
}
