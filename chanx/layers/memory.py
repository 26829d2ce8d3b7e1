"""A publisher for tests, which keeps what it is given."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal

from chanx.layers.payload import refuse_foreign_values
from chanx.layers.publisher import DeliveryFailed, Publisher


class MemoryPublisher(Publisher):
    """Keeps every message in ``sent`` as ``(kind, name, message)``, ``kind`` being ``"group"`` or ``"channel"``.

    It refuses what the real publishers refuse. Set ``down`` to make it behave like a layer that cannot be reached.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[Literal["group", "channel"], str, dict[str, Any]]] = []
        self.down = False

    def close(self) -> None:
        """Nothing to let go of: ``sent`` stays for the test to read."""

    def _group_send(self, group: str, message: dict[str, Any]) -> None:
        self._keep("group", group, message)

    def _send(self, channel: str, message: dict[str, Any]) -> None:
        self._keep("channel", channel, message)

    def _keep(self, kind: Literal["group", "channel"], name: str, message: dict[str, Any]) -> None:
        refuse_foreign_values(message)
        if self.down:
            raise DeliveryFailed("The test took this layer down.")
        # A copy: on a wire, what the sender changes later does not reach the receiver.
        self.sent.append((kind, name, deepcopy(message)))
