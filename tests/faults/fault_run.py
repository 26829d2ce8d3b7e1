"""One job on the real stack with a fault in the middle: what the log acknowledged, and what each client has seen."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chanx.bridge import start_job_sync
from chanx.bridge.entry import LogEntry
from chanx.bridge.store.base import JobStore
from tests.faults.fault_stack import FaultStack, fault_stack
from tests.faults.faults import FAULTS
from tests.faults.noted_app import emit_paced
from tests.faults.watching_client import WatchingClient, identity
from tests.waiting import wait_until

SLOW_READ_SECONDS = 0.002
RECONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Report:
    """Numbers of events; those of clients are sums over all of them. Times in seconds.

    ``lost``: acknowledged by the log, and not in a client's final view. ``unreported``: emitted before the end, not in
    the log, and in no ``job_gap``. ``to_terminal``: from the fault to the end as the first client saw it.
    """

    fault: str
    terminal: str
    acknowledged: int
    in_log: int
    lost: int
    duplicated: int
    out_of_order: int
    views_unlike_log: int
    resets: int
    gaps_reported: int
    unreported: int
    to_terminal: float
    seconds: float


async def run_with_fault(
    name: str, directory: Path, *, events: int, clients: int, per_second: float, seed: int, within: float
) -> Report:
    """Raises ``TimeoutError`` if a client has not seen the job's end ``within`` seconds after it should be over."""
    # The server ends with the thread that started it, so its start and stop belong into this one.
    with fault_stack(directory) as stack:
        return await _run(name, stack, events, clients, per_second, random.Random(seed), within)


async def _run(
    name: str, stack: FaultStack, events: int, clients: int, per_second: float, chance: random.Random, within: float
) -> Report:
    fault, _ = FAULTS[name]
    began = time.monotonic()
    job = await asyncio.to_thread(start_job_sync, emit_paced, events, per_second, owner="user:1")
    watching = _clients(stack.urls, job.ref.topic, clients)
    tasks = [asyncio.create_task(client.watch()) for client in watching]

    due = chance.randint(events // 5, events * 4 // 5)
    async with asyncio.timeout(within + events / per_second):
        await asyncio.to_thread(wait_until, lambda: len(stack.acknowledged()) >= due, seconds=within, what="the job")
        faulty_since = time.monotonic()
        await fault(stack)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        to_terminal = time.monotonic() - faulty_since
        await asyncio.gather(*tasks)
    log = await asyncio.to_thread(whole_log, stack.bridge.store, job.job_id)
    return _report(name, stack, watching, log, events, to_terminal, time.monotonic() - began)


def _clients(urls: Sequence[str], topic: str, number: int) -> list[WatchingClient]:
    watching = [WatchingClient(urls, topic) for _ in range(number)]
    watching[0].read_delay = SLOW_READ_SECONDS
    watching[1].reconnect_every = RECONNECT_SECONDS
    return watching


def _report(
    name: str,
    stack: FaultStack,
    clients: Sequence[WatchingClient],
    log: Sequence[LogEntry],
    events: int,
    to_terminal: float,
    seconds: float,
) -> Report:
    acknowledged = set(stack.acknowledged())
    told = [json.loads(entry.event) for entry in log]
    by_seq = [(entry.seq, identity(event)) for entry, event in zip(log, told, strict=True)]
    seen = [{seq for seq, _ in client.view} for client in clients]
    gaps = sum(event["payload"]["lost"] for event in told if event["action"] == "job_gap")
    counted = sum(event["action"] == "counted" for event in told)
    terminals = {client.terminal for client in clients}
    is_whole = terminals == {"job_succeeded"}
    return Report(
        fault=name,
        terminal=" or ".join(sorted(terminals)),
        acknowledged=len(acknowledged),
        in_log=len(log),
        lost=len(acknowledged - {entry.seq for entry in log}) + sum(len(acknowledged - view) for view in seen),
        duplicated=sum(client.duplicates for client in clients),
        out_of_order=sum(client.gaps for client in clients),
        views_unlike_log=sum(client.view != by_seq for client in clients),
        resets=sum(client.resets for client in clients),
        gaps_reported=gaps,
        unreported=events - counted - gaps if is_whole else 0,
        to_terminal=to_terminal,
        seconds=seconds,
    )


def whole_log(store: JobStore, job_id: str) -> list[LogEntry]:
    entries: list[LogEntry] = []
    while (page := store.read(job_id, after=entries[-1].seq if entries else 0, limit=1000)) and page.entries:
        entries += page.entries
    return entries
