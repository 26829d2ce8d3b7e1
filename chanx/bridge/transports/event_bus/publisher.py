"""The publisher of workers on the bus: a relay hands their messages to the site's channel layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.transports.event_bus.store import EventBusStore
from chanx.layers import Publisher
from chanx.layers.batch import Parcel
from chanx.layers.failures import Kind, PublishFailure
from chanx.layers.payload import refuse_foreign_values, size_of
from chanx.layers.publisher import failure_of


class EventBusPublisher(Publisher):
    """On the lines of a job store of the bus, which closes them. What went out is not lost while the relay is away."""

    def __init__(self, store: EventBusStore) -> None:
        super().__init__()
        self._store = store

    def close(self) -> None:
        """Nothing to let go of: the store has the connections."""

    def _encode(self, kind: Kind, name: str, message: dict[str, Any]) -> tuple[dict[str, Any], int]:
        refuse_foreign_values(message)
        return deepcopy(message), size_of(message)

    def _deliver(self, parcels: Sequence[Parcel]) -> Iterable[PublishFailure]:
        failures: list[PublishFailure] = []
        for parcel in parcels:
            try:
                self._store.tell(parcel.kind, parcel.name, parcel.content)
            except StoreUnavailableError as error:
                failures.append(failure_of(parcel, str(error)))
        return failures
