"""A publisher that keeps everything, and hands it on to the consumers of this process.

tasks of the test ─> SitePublisher ─┬─> sent
                                    └─> the in-memory channel layers of this process
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from chanx.layers import MemoryPublisher, PublishFailure, publisher_for
from chanx.layers.batch import Parcel


class SitePublisher(MemoryPublisher):
    """Hands on to the layers of Channels and fast-channels that are in memory, and to ``layers``."""

    def __init__(self, layers: Iterable[object] = ()) -> None:
        super().__init__()
        self._layers = tuple(layers)

    def _deliver(self, parcels: Sequence[Parcel]) -> Iterable[PublishFailure]:
        failures = super()._deliver(parcels)
        for parcel in parcels:
            for layer in self._in_memory():
                _hand_on(layer, parcel)
        return failures

    def _in_memory(self) -> Iterator[Any]:
        every = dict.fromkeys([*self._layers, *_layers_of_frameworks()])
        return (layer for layer in every if _is_in_memory(layer))


def _layers_of_frameworks() -> Iterator[Any]:
    """What was made in this process, under any alias; of a framework that nobody has imported, nothing."""
    channels = _registry("channels.layers")
    if channels is not None:
        yield from channels.backends.values()
    fast_channels = _registry("fast_channels.layers.registry")
    if fast_channels is not None:
        yield from map(fast_channels.get, fast_channels.list_aliases())


def _registry(module: str) -> Any:
    return getattr(sys.modules.get(module), "channel_layers", None)


def _is_in_memory(layer: object) -> bool:
    """Channels' and fast-channels' have the same name, and neither need be installed."""
    return any(base.__name__ == "InMemoryChannelLayer" for base in type(layer).__mro__)


def _hand_on(layer: Any, parcel: Parcel) -> None:
    if parcel.kind == "channel":
        publisher_for(layer).send(parcel.name, parcel.message)
    elif parcel.name in layer.groups:  # where nobody listens there is no event loop that could deliver either
        publisher_for(layer).group_send(parcel.name, parcel.message)
