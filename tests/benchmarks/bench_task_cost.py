"""What the bridge adds to an empty task: the start and the end of its job, told to the log and to the watchers.

Run it with ``python -m tests.benchmarks.bench_task_cost [ROUNDS]``. Two prefork workers of one process, one without
the bridge, share a Redis server of their own; in each round every way has its turn, and the figures are medians over
the rounds. "In the worker" is from the message to the stored result, in the process that runs the task; "of its CPU" is
how much of that it worked, and did not wait for Redis or for a processor. "To enqueue" and "to the result" are what the
caller sees.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chanx.bridge import install, start_job_sync
from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.task_cost_app import app, empty, empty_job, take_times
from tests.integration.worker_process import worker

APP = "tests.benchmarks.task_cost_app"
TASKS_A_TURN = 20
FIGURES = ("in the worker", "of its CPU", "to enqueue", "to the result")
BRIDGE = "CHANX_BENCH_BRIDGE"

Start = Callable[[], str]
"""Enqueues a task; returns its id."""

WAYS: dict[str, tuple[str, Start]] = {
    "a task, without chanx": ("bare", lambda: str(empty.apply_async(queue="bare").id)),
    "a task": ("bridged", lambda: str(empty.apply_async(queue="bridged").id)),
    "a JobTask without a job": ("bridged", lambda: str(empty_job.apply_async(queue="bridged").id)),
    "a task as a job": ("bridged", lambda: as_job(empty)),
    "a JobTask as a job": ("bridged", lambda: as_job(empty_job)),
}


def main(rounds: int = 30) -> None:
    """Print the table."""
    with redis_server(private=True) as server, TemporaryDirectory() as directory:
        app.conf.update(broker_url=server.url, result_backend=server.url)
        log = Path(directory) / "worker.log"
        with worker(APP, app, server.url, "-Q", "bare", "-n", "bare@%h", log=log):
            os.environ[BRIDGE] = "yes"
            install(app, store=server.url)
            with worker(APP, app, server.url, "-Q", "bridged", "-n", "bridged@%h", log=log):
                show(measured(rounds))
        app.close()


def measured(rounds: int) -> dict[str, list[list[float]]]:
    """For each way and figure the seconds of each round."""
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in FIGURES] for name in WAYS}
    for way in WAYS.values():
        turn(*way)
    for _ in range(rounds):
        for name, way in WAYS.items():
            for figures, median in zip(seconds[name], turn(*way), strict=True):
                figures.append(median)
    return seconds


def turn(queue: str, start: Start) -> list[float]:
    """Some tasks one after another; the medians of the FIGURES."""
    enqueued: list[float] = []
    done: list[float] = []
    for _ in range(TASKS_A_TURN):
        began = time.perf_counter()
        result = app.AsyncResult(start())
        enqueued.append(time.perf_counter() - began)
        result.get(timeout=30)
        done.append(time.perf_counter() - began)
    in_worker: list[tuple[float, float]] = take_times.apply_async(queue=queue).get(timeout=30)
    assert len(in_worker) == TASKS_A_TURN
    return [statistics.median(each) for each in (*zip(*in_worker, strict=True), enqueued, done)]


def as_job(task: Any) -> str:
    return start_job_sync(task, owner="user:1", task_options={"queue": "bridged"}).task_id


def show(seconds: dict[str, list[list[float]]]) -> None:
    """Milliseconds; "added" are the medians over the rounds of the difference to the first way in each."""
    first = next(iter(seconds.values()))
    print(f"{'milliseconds':<26}" + "".join(f"{name:>16}{'added':>8}" for name in FIGURES))
    for name, figures in seconds.items():
        cells = ""
        for base, values in zip(first, figures, strict=True):
            added = statistics.median(value - b for b, value in zip(base, values, strict=True))
            cells += f"{statistics.median(values) * 1e3:>16.2f}{added * 1e3:>8.2f}"
        print(f"{name:<26}{cells}")
    tell(seconds)


def tell(seconds: dict[str, list[list[float]]]) -> None:
    """The figures of the table."""
    without = "a task, without chanx"
    for name, figures in (
        ("a task", ("in the worker",)),
        ("a task as a job", FIGURES),
    ):
        for figure in figures:
            place = FIGURES.index(figure)
            cost, base = (statistics.median(seconds[way][place]) * 1e3 for way in (name, without))
            headline(f"{name}, empty, {figure}", cost, "ms", against=(without, base))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
