"""A publisher for tests, which keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from chanx.layers.batch import Parcel
from chanx.layers.failures import Kind, PublishFailure
from chanx.layers.payload import refuse_foreign_values, size_of
from chanx.layers.publisher import Publisher, failure_of


class MemoryPublisher(Publisher):
    """Keeps every message in ``sent`` as ``(kind, name, message)``, ``kind`` being ``"group"`` or ``"channel"``.

    It refuses what the real publishers refuse. Set ``down`` to make it behave like a layer that cannot be reached.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Kind, str, dict[str, Any]]] = []
        self.down = False

    def close(self) -> None:
        """Nothing to let go of: ``sent`` stays for the test to read."""

    def _encode(self, kind: Kind, name: str, message: dict[str, Any]) -> tuple[dict[str, Any], int]:
        refuse_foreign_values(message)
        # A copy: on a wire, what the sender changes later does not reach the receiver.
        return deepcopy(message), size_of(message)

    def _deliver(self, parcels: Sequence[Parcel]) -> Iterable[PublishFailure]:
        if self.down:
            return [failure_of(parcel, "The test took this layer down.") for parcel in parcels]
        for parcel in parcels:
            self.sent.append((parcel.kind, parcel.name, parcel.content))
        return ()
