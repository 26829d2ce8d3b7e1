"""Whether workers fit this process: their store, their layer, their clocks and their versions: E302 to E308, W403."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from chanx.bridge.installed import Bridge
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.transports.event_bus.store import EventBusStore
from chanx.bridge.worker_id import on_bus
from chanx.bridge.worker_report import LayerReport, WorkerReport, store_name
from chanx.doctor.broker import Answer
from chanx.doctor.clock import ahead, in_words, is_off
from chanx.doctor.finding import Finding
from chanx.doctor.versions import other_chanx, unsupported
from chanx.errors import ConfigurationError

RENEWAL_SECONDS: Final = 5.0
"""How long a worker's lease is waited for: it renews it once a second."""


def no_worker(*, seconds: float) -> Finding:
    """E302."""
    return Finding(
        "chanx.E302",
        f"No worker answered within {seconds:g} s.",
        "Start one: celery -A <project> worker. One that runs has another broker or virtual host, has "
        "worker_enable_remote_control off, or is busy in a solo pool.",
    )


def without_bridge(answers: Sequence[Answer]) -> Iterator[Finding]:
    """W303, and E305 for those that cannot publish."""
    for answer in answers:
        if answer.error.startswith("cannot publish"):
            yield _silent(answer.worker, answer.error)
        elif answer.report is None:
            yield Finding(
                "chanx.W303",
                f"The worker {answer.worker} does not know chanx: its app has no bridge, or its chanx is older.",
                "Call chanx.bridge.install(app, ...) in the module that celery -A names, and restart the worker. If it "
                "belongs to another project, give each project a virtual host or a database of its own.",
            )


def silent_leases(
    bridge: Bridge,
    reports: Mapping[str, WorkerReport],
    before: Mapping[str, int],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> set[str]:
    """The workers that have not renewed their lease in the bridge's store since it was as ``before``.

    None where the store cannot be asked, which is a finding of its own.
    """
    # Two names: a store of the site knows a worker on the event bus by another than the bus itself.
    missing = {name: (report.lease, on_bus(report.lease)) for name, report in reports.items()}
    deadline = clock() + RENEWAL_SECONDS
    while missing:
        try:
            now = bridge.store.leases()
        except (StoreUnavailableError, ConfigurationError):
            return set()
        renewed = {lease for lease, number in now.items() if number != before.get(lease)}
        missing = {name: leases for name, leases in missing.items() if renewed.isdisjoint(leases)}
        if clock() > deadline:
            break
        time.sleep(0.1)
    return set(missing)


def other_store(bridge: Bridge, reports: Mapping[str, WorkerReport], silent: Collection[str]) -> Iterator[Finding]:
    """E304 for those whose lease is ``silent``, and that are not on the event bus."""
    if isinstance(bridge.store, EventBusStore):  # which has the leases of workers on the bus only
        return
    for name, report in reports.items():
        if name in silent and not report.over_bus:
            yield Finding(
                "chanx.E304",
                f"The worker {name} keeps its jobs in another store ({report.store}) than this process "
                f"({store_name(bridge)}), or cannot reach it.",
                "Give install(store=...) the same server, database and prefix on all hosts, and restart the worker.",
            )


def without_relay(reports: Mapping[str, WorkerReport], silent: Collection[str]) -> Iterator[Finding]:
    """E308 for those on the event bus of which nothing comes: neither a renewal of their lease, nor a word."""
    for name, report in reports.items():
        if name in silent and report.over_bus:
            yield Finding(
                "chanx.E308",
                f"The worker {name} is on the event bus, and nothing of it arrives here.",
                "Run chanx relay where the site runs, with the same broker and the same name of the bus; if one runs, "
                "see its log.",
            )


def unheard(
    reports: Mapping[str, WorkerReport], heard: set[str], layers: Mapping[str, LayerReport]
) -> Iterator[Finding]:
    """E305 for those whose word came on none of the consumers' ``layers``, and that are not on the event bus."""
    for name, report in reports.items():
        if name in heard or report.over_bus:
            continue
        said = [f"{alias!r}: {', '.join(found)}" for alias, found in _differences(report, layers) if found]
        yield _silent(name, "; ".join(said) or _reason(report.layer))


def other_layer(reports: Mapping[str, WorkerReport], ours: LayerReport) -> Iterator[Finding]:
    """W306, where there is no consumers' layer to listen on. Of a layer known by its class only, nothing is said."""
    for name, report in reports.items():
        if report.layer.places and ours.places and (found := list(report.layer.differences(ours))):
            yield Finding(
                "chanx.W306",
                f"The worker {name} publishes to another channel layer than this process: {', '.join(found)}.",
                "Give install(layer=...) the same options on all hosts, and restart the worker.",
            )


def other_clock(answers: Sequence[Answer]) -> Iterator[Finding]:
    """W307."""
    for answer in answers:
        if answer.report is None:
            continue
        seconds = ahead(answer.report.time, before=answer.asked, after=answer.received)
        if is_off(seconds):
            yield Finding(
                "chanx.W307",
                f"The clock of the worker {answer.worker} is {in_words(seconds)}: times of events, signed tokens and "
                "the core layer's messages depend on it.",
                "Have both hosts keep their time by NTP.",
            )


def other_versions(
    reports: Mapping[str, WorkerReport], ours: Mapping[str, str], bounds: Mapping[str, str]
) -> Iterator[Finding]:
    """W401 to W403 of the workers."""
    for name, report in reports.items():
        yield from unsupported(report.versions, bounds, where=f" on the worker {name}")
        yield from other_chanx(report.versions.get("chanx"), ours.get("chanx"), worker=name)


def _differences(report: WorkerReport, layers: Mapping[str, LayerReport]) -> Iterator[tuple[str, list[str]]]:
    for alias, layer in layers.items():
        yield alias, list(report.layer.differences(layer))


def _reason(layer: LayerReport) -> str:
    """Why nothing comes although both layers look the same."""
    if layer.kind.endswith("InMemoryChannelLayer"):
        return "its layer is in its own memory"
    return "its layer looks the same, so its host may not reach the server"


def _silent(worker: str, why: str) -> Finding:
    return Finding(
        "chanx.E305",
        f"What the worker {worker} publishes reaches no channel layer of the consumers ({why}).",
        "Give install(layer=...) of the worker the options of the site's layer: hosts, prefix, serializer and keys.",
    )
