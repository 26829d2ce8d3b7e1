"""What the bridge of a Celery app tells without a connection: W006, E202, I309."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chanx.bridge.installed import Bridge
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.worker_report import LayerReport, layer_of
from chanx.doctor.finding import Finding
from chanx.doctor.separate_workers import broker_of_app
from chanx.layers import LayerSpec


def memory_store(bridge: Bridge) -> Iterator[Finding]:
    """E202."""
    broker = broker_of_app(bridge.app)
    if isinstance(bridge.store, MemoryJobStore) and broker is not None:
        yield Finding(
            "chanx.E202",
            f"The job store is in this process's memory, but Celery has a broker ({broker}), so its workers are other "
            "processes: their jobs' events reach nobody.",
            'install(app, store="redis://..."), or store=DjangoJobStore(). For tests, set task_always_eager.',
        )


def lost_results(app: Any) -> Iterator[Finding]:
    """I309."""
    conf = app.conf
    if conf.result_backend and not conf.task_ignore_result and not conf.result_backend_always_retry:
        yield Finding(
            "chanx.I309",
            "A task that returns while the result backend is away has failed, for Celery and so for its job.",
            "Set result_backend_always_retry = True for Celery.",
        )


def other_layer(bridge: Bridge, layers: Mapping[str, object]) -> Iterator[Finding]:
    """W006: none of the consumers' ``layers``, by alias, is what the bridge publishes to, as far as settings tell.

    Says nothing where one of them cannot be told from its settings.
    """
    published = layer_of(bridge, identify=False)
    differences: dict[str, list[str]] = {}
    for alias, layer in layers.items():
        spec = LayerSpec.from_layer(layer)
        if spec is None or not published.places:
            return
        try:
            listened = LayerReport.of(spec, layer, identify=False)
        except (TypeError, ValueError):  # of options that redis-py does not read: E007
            return
        differences[alias] = list(published.differences(listened))
    if differences and all(differences.values()):
        said = "; ".join(f"{alias!r}: {', '.join(found)}" for alias, found in differences.items())
        yield Finding(
            "chanx.W006",
            f"What jobs send goes to another channel layer than consumers listen on ({said}): events come seconds "
            "late, and those of notify() and reply() do not come at all.",
            "install(app, ..., layer=get_channel_layer()), or a LayerSpec with the options of CHANNEL_LAYERS. If both "
            "names lead to one server, write the same one.",
        )
