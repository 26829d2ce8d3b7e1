"""How long an event takes from ``self.job.emit()`` in a real worker to the client, through the log, Redis and Daphne.

Run it with ``python -m tests.benchmarks.bench_job_latency [EVENTS_PER_SECOND [SECONDS]]``. It runs the example's whole
stack: one prefork worker, the log and the pub/sub layer on a server of its own, the site on Daphne; watched by headless
Chromium (time of ``onmessage``) and, in another run, by a bare WebSocket client in Python. One clock for all.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page, sync_playwright
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.acceptance.browser import LAUNCH_OPTIONS, sign_in
from tests.acceptance.stack import Program, Stack, running_stack
from tests.benchmarks.headlines import headline
from tests.benchmarks.options import positive, positive_float
from tests.requirements import require

FIRST_USER = "user:1"  # ada, of the two demo users
TASK_MODULE = "tests.benchmarks.paced_task"
START = f"""
import sys, json
from chanx.bridge import start_job_sync
from example_worker.app import app
from {TASK_MODULE} import paced
app.set_default()
job = start_job_sync(app.tasks[paced.name], int(sys.argv[1]), float(sys.argv[2]), owner=sys.argv[3],
                     task_options={{"queue": "bench"}})
print(json.dumps(job.job_id))
"""
WATCH = """
([topic]) => new Promise((resolve, reject) => {
  const delays = []; let first = Infinity;
  const socket = new WebSocket(`ws://${location.host}/ws/jobs/`);
  const say = (action, payload) => socket.send(JSON.stringify({ topic, action, payload }));
  socket.onopen = () => say("subscribe");
  socket.onerror = () => reject(new Error("socket"));
  socket.onmessage = ({ data }) => {
    const now = performance.timeOrigin + performance.now();
    const frame = JSON.parse(data);
    if (frame.action === "subscribed") first = frame.payload.seq + 1;
    if (frame.seq % 100 === 0) say("ack", { seq: frame.seq });
    if (frame.action === "sent" && frame.seq >= first) delays.push(now - frame.payload.at_ms);
    if (frame.action.match(/job_(succeeded|failed|cancelled)/)) { socket.close(); resolve([delays, frame.payload]); }
  };
})
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_job_latency")
    parser.add_argument("per_second", nargs="?", type=positive, default=200, metavar="EVENTS_PER_SECOND")
    parser.add_argument("seconds", nargs="?", type=positive_float, default=15.0, metavar="SECONDS")
    chosen = parser.parse_args()
    per_second, seconds = int(chosen.per_second), float(chosen.seconds)
    chromium = require("chromium")
    with TemporaryDirectory() as directory, running_stack(Path(directory)) as stack, sync_playwright() as playwright:
        worker = bench_worker(stack)
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=LAUNCH_OPTIONS)
            page = sign_in(browser.new_context(base_url=stack.url), "ada")
            print(f"{per_second} events/s for {seconds:g} s; milliseconds from emit() to the client")
            print(f"{'client':<22}{'events':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'max':>8}")
            ways: dict[str, Callable[[str], tuple[list[float], Any]]] = {
                "Chromium": lambda topic: page.evaluate(WATCH, [topic]),
                "WebSocket in Python": lambda topic: watch(stack, page, topic),
            }
            for name, way in ways.items():
                delays, result = way(f"job:{start(stack, per_second, seconds)}")
                cut = statistics.quantiles(delays, n=100)
                print(f"{name:<22}{len(delays):>8}{cut[49]:>8.1f}{cut[94]:>8.1f}{cut[98]:>8.1f}{max(delays):>8.1f}")
                print(f"{'':<22}the task: {result['result']}")
                headline(f"emit() in a worker to {name}, median", cut[49], "ms")
                headline(f"emit() in a worker to {name}, 99 %", cut[98], "ms")
            browser.close()
        finally:
            worker.stop()


def bench_worker(stack: Stack) -> Program:
    """A second worker of the example's app, for the benchmark's task alone."""
    options = ["-c", "1", "-l", "INFO", "-Q", "bench", "-n", "bench@%h", "-I", TASK_MODULE]
    command = [sys.executable, "-m", "celery", "-A", "example_worker", "worker", *options]
    program = Program(command, r"(\S+) ready\.", stack.environment, stack.directory / "bench.log")
    program.start()
    return program


def start(stack: Stack, per_second: int, seconds: float) -> str:
    """The id of a new job of the first demo user."""
    job_id: str = json.loads(stack.run("-c", START, str(per_second), str(seconds), FIRST_USER))
    return job_id


def watch(stack: Stack, page: Page, topic: str) -> tuple[list[float], Any]:
    """What the browser's script does, with the browser's session."""
    jar: Any = page.context.cookies()  # whose types say that a cookie may have no name
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in jar)
    delays: list[float] = []
    first = sys.maxsize
    with connect(stack.websocket_url, additional_headers={"Cookie": cookies}, origin=Origin(stack.url)) as socket:
        socket.send(json.dumps({"topic": topic, "action": "subscribe"}))
        for text in socket:
            now = time.time() * 1000
            frame = json.loads(text)
            if frame["action"] == "subscribed":
                first = frame["payload"]["seq"] + 1
            if frame.get("seq", 1) % 100 == 0:
                socket.send(json.dumps({"topic": topic, "action": "ack", "payload": {"seq": frame["seq"]}}))
            if frame["action"] == "sent" and frame["seq"] >= first:
                delays.append(now - frame["payload"]["at_ms"])
            if frame["action"] in {"job_succeeded", "job_failed", "job_cancelled"}:
                return delays, frame["payload"]
    raise RuntimeError("the socket ended before the job")


if __name__ == "__main__":
    main()
