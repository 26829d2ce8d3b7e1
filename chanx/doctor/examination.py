"""The whole examination of a running set-up, over the network.

store ─> broker ─> listen on the layers ─┬─ this process speaks
                                         └─ workers are asked, and speak
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from chanx.bridge.installed import Bridge
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.worker_report import PROBE_TYPE, LayerReport, WorkerReport, installed_versions, layer_of, store_name
from chanx.doctor.broker import Answer, BrokerError, ask_workers, broker_finding, connect_to_broker
from chanx.doctor.finding import Finding
from chanx.doctor.listening import Heard, listen
from chanx.doctor.separate_workers import broker_of_app
from chanx.doctor.store import store_findings
from chanx.doctor.versions import supported
from chanx.doctor.workers import (
    no_worker,
    other_clock,
    other_layer,
    other_store,
    other_versions,
    silent_leases,
    unheard,
    without_bridge,
    without_relay,
)
from chanx.errors import ChanxError, ConfigurationError
from chanx.layers import LayerSpec

SECONDS: Final = 2.0
_HERE: Final = "this process"
_ALIKE: Final = "although their options are the same"


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found, and the names of the workers that answered.

    ``looked_at`` is what was asked, in words. ``listened``: whether what the bridge publishes was listened for, on
    layers that all deliver.
    """

    findings: tuple[Finding, ...]
    workers: tuple[str, ...] = ()
    looked_at: tuple[str, ...] = ()
    listened: bool = False


@dataclass(slots=True)
class _Round:
    """What is learnt while the layers are listened to."""

    broker: list[Finding] = field(default_factory=list[Finding])
    answers: list[Answer] = field(default_factory=list[Answer])
    leases: dict[str, int] = field(default_factory=dict[str, int])


def examine(bridge: Bridge | None, layers: Mapping[str, Any], *, seconds: float = SECONDS) -> Examination:
    """Everything that needs the network: the store, the broker, the workers, and the consumers' ``layers`` by alias.

    ``seconds`` is how long each of them has to answer. Without a bridge it is the layers alone.
    """
    learnt = _Round()
    heard = asyncio.run(listen(layers, lambda group: _speak(bridge, group, learnt, seconds=seconds), seconds=seconds))
    findings = [*_broken(heard)]
    looked_at = [f"channel layer {alias!r}" for alias in layers]
    if bridge is None:
        return Examination(tuple(findings), (), tuple(looked_at))
    looked_at += [store_name(bridge), *(["broker", "workers"] if _has_workers(bridge) else [])]
    # Who is not heard may have spoken on a layer that does not deliver.
    listened = bool(layers) and not heard.broken
    if listened and _HERE not in heard.names:
        findings.append(_unheard_here(bridge, layers))
    findings += store_findings(bridge, seconds=seconds)
    findings += learnt.broker
    if not learnt.broker and _has_workers(bridge):
        findings += _of_workers(bridge, layers if listened else {}, heard, learnt, seconds=seconds)
    workers = tuple(answer.worker for answer in learnt.answers)
    return Examination(tuple(findings), workers, tuple(looked_at), listened)


def _speak(bridge: Bridge | None, group: str, learnt: _Round, *, seconds: float) -> Collection[str]:
    if bridge is None:
        return ()
    with suppress(ChanxError):  # who cannot publish is not heard
        bridge.transport.tell([group], {"type": PROBE_TYPE, "who": _HERE})
    if not _has_workers(bridge):
        return (_HERE,)
    try:
        connect_to_broker(bridge.app, seconds=seconds)
        with suppress(StoreUnavailableError, ConfigurationError):  # which is a finding of its own
            learnt.leases.update(bridge.store.leases())
        learnt.answers += ask_workers(bridge.app, group=group, seconds=seconds)
    except BrokerError as error:
        learnt.broker.append(broker_finding(error))
    return (_HERE, *_reports(learnt.answers))


def _of_workers(
    bridge: Bridge, layers: Mapping[str, Any], heard: Heard, learnt: _Round, *, seconds: float
) -> Iterator[Finding]:
    answers = learnt.answers
    if not answers:
        yield no_worker(seconds=seconds)
        return
    reports = _reports(answers)
    silent = silent_leases(bridge, reports, learnt.leases)
    yield from without_bridge(answers)
    yield from other_store(bridge, reports, silent)
    yield from without_relay(reports, silent | (reports.keys() - heard.names if layers else set()))
    if layers:
        yield from unheard(reports, heard.names, _described(layers))
    else:
        yield from other_layer(reports, layer_of(bridge))
    yield from other_clock(answers)
    yield from other_versions(reports, installed_versions(), supported())


def _has_workers(bridge: Bridge) -> bool:
    """Apart from this process: what is in its memory can be asked nothing."""
    return broker_of_app(bridge.app) is not None


def _reports(answers: Collection[Answer]) -> dict[str, WorkerReport]:
    return {answer.worker: answer.report for answer in answers if answer.report is not None}


def _described(layers: Mapping[str, Any]) -> dict[str, LayerReport]:
    return {alias: LayerReport.of(LayerSpec.from_layer(layer), layer) for alias, layer in layers.items()}


def _broken(heard: Heard) -> Iterator[Finding]:
    for alias, error in heard.broken.items():
        yield Finding(
            "chanx.E007",
            f"The channel layer {alias!r} does not deliver: {error}",
            "Start its server, or correct its hosts, their passwords and their firewall.",
        )


def _unheard_here(bridge: Bridge, layers: Mapping[str, Any]) -> Finding:
    ours = layer_of(bridge)
    differences = {alias: list(ours.differences(layer)) for alias, layer in _described(layers).items()}
    said = "; ".join(f"{alias!r}: {', '.join(found)}" for alias, found in differences.items() if found)
    return Finding(
        "chanx.E008",
        f"What this process publishes for jobs reaches no channel layer of its consumers ({said or _ALIKE}).",
        "install(app, ..., layer=get_channel_layer()), or a LayerSpec with the options of the site's layer.",
    )
