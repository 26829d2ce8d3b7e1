/** The page's connection, and the indicator in the header that says how it is. */

import { JobClient } from "../chanx/chanx.js";
import { setText } from "../chanx/dom.js";

const TEXTS = { connecting: "Connecting…", live: "Live", idle: "Up to date", refused: "Signed out" };

/** Tells, or no longer tells, that what is on the page is the user's no more. */
export function showSignedOut(isSignedOut) {
  document.querySelector("[data-signed-out]").hidden = !isSignedOut;
}

export function connect() {
  const indicator = document.querySelector("[data-connection]");
  let status = { state: "connecting" };
  let ticking = null;

  const show = () => {
    const offline = status.state === "waiting" && navigator.onLine === false;
    const seconds = Math.max(1, Math.ceil((status.retryAt - Date.now()) / 1000));
    indicator.hidden = false;
    indicator.dataset.connection = offline ? "offline" : status.state;
    setText(indicator, offline ? "Offline" : status.state === "waiting" ? `Reconnecting in ${seconds} s` : TEXTS[status.state]);
  };
  addEventListener("offline", show);
  return new JobClient(indicator.dataset.url, {
    onStatus(next) {
      status = next;
      clearInterval(ticking);
      if (next.state === "waiting") ticking = setInterval(show, 500);
      if (next.state === "refused" || next.state === "live") showSignedOut(next.state === "refused");
      show();
    },
  });
}
