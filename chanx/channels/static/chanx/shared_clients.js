/** The clients of elements: those of one page that connect to the same place share one WebSocket. */

import { JobClient } from "./client.js";

const shared = new Map(); // url -> {client, watchers: Set of functions of the status}

/** Returns {client, leave}; `onStatus` is called with the connection's status whenever that changes. */
export function shareClient(url, onStatus) {
  let entry = shared.get(url);
  if (entry === undefined) {
    const watchers = new Set();
    const client = new JobClient(url, { onStatus: (status) => watchers.forEach((watcher) => watcher(status)) });
    entry = { client, watchers };
    shared.set(url, entry);
  }
  entry.watchers.add(onStatus);
  const leave = () => {
    if (!entry.watchers.delete(onStatus) || entry.watchers.size > 0) return;
    shared.delete(url);
    entry.client.close();
  };
  return { client: entry.client, leave };
}
