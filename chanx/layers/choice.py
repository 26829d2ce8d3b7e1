"""Which publisher serves which channel layer."""

from __future__ import annotations

import asyncio
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, cast

from chanx.errors import PublisherError
from chanx.layers.loop_publisher import AsyncLayer, LoopPublisher
from chanx.layers.publisher import Publisher
from chanx.layers.redis_core import RedisCorePublisher
from chanx.layers.redis_pubsub import RedisPubSubPublisher
from chanx.layers.spec import LayerSpec
from chanx.log import log_event

TESTED: Final = {"channels_redis": "4", "fast_channels": "1"}
"""The major versions of the layers' packages whose bytes the contract tests have seen."""

_KEPT_AS = "_chanx_publisher"


def publisher_for(target: LayerSpec | object) -> Publisher:
    """The publisher for a spec or a channel layer object. Nothing is connected before the first message.

    A layer object has one publisher for its life, so ask as often as you like. A spec gets a new one at each call: keep
    it, and ``close`` it. Raises ``PublisherError`` for what is neither, and ``MissingExtraError`` without redis-py.
    """
    if isinstance(target, LayerSpec):
        return _direct(target)
    # On the object itself: it lives as long as the layer, and two layers share nothing.
    inside: dict[str, Any] = vars(target) if hasattr(target, "__dict__") else {}
    if _KEPT_AS not in inside:
        inside.setdefault(_KEPT_AS, _new_publisher(target))
    publisher: Publisher = inside[_KEPT_AS]
    return publisher


def attach_loop(layer: object) -> None:
    """Say that consumers of ``layer`` run on the present event loop, so that other threads can publish to them.

    Call it on that loop whenever a connection opens. It is cheap, and only an in-memory layer needs it.
    """
    publisher = publisher_for(layer)
    if isinstance(publisher, LoopPublisher):
        publisher.attach_loop(asyncio.get_running_loop())


def _new_publisher(layer: object) -> Publisher:
    spec = LayerSpec.from_layer(layer)
    if spec is not None and _is_tested(layer):
        return _direct(spec)
    # On the class: the pub/sub layer answers a missing attribute only inside a running loop.
    if layer is None or not _can_send(layer):
        raise PublisherError(
            f"{layer!r} is no channel layer with groups. Configure CHANNEL_LAYERS (for workers in other processes a "
            "Redis one), or pass a LayerSpec, like LayerSpec.redis_pubsub('redis://localhost:6379/0')."
        )
    return LoopPublisher(cast("AsyncLayer", layer))


def _direct(spec: LayerSpec) -> Publisher:
    return RedisCorePublisher(spec) if spec.kind == "redis_core" else RedisPubSubPublisher(spec)


def _is_tested(layer: object) -> bool:
    package = type(layer).__module__.partition(".")[0]
    try:
        installed = version(package)
    except PackageNotFoundError:
        installed = "unknown"
    if installed.partition(".")[0] == TESTED[package]:
        return True
    log_event(
        "untested_layer_version",
        package=package,
        installed=installed,
        tested=TESTED[package],
        hint="published to through the layer itself, which is slower; upgrade chanx, or install the tested version",
    )
    return False


def _can_send(layer: object) -> bool:
    try:
        return callable(getattr(layer, "group_send", None)) and callable(getattr(layer, "send", None))
    except RuntimeError:  # an attribute proxied to a loop that does not run
        return False
