"""What the event bus needs of a broker: durable queues, read by one at a time, and answers to whoever asks.

worker: BusLine.put, post ─> queue ─> BusInbox.take, done :relay
        BusLine.next_answer <── BusInbox.answer
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from chanx.bridge.store.base import StoreUnavailableError

BROKER_SECONDS: Final = 0.5
"""How long a worker waits for its broker, to connect and for each of its words."""

ANSWERS: Final = "chanx.answers."
"""How the addresses of lines begin: an inbox answers nobody else."""

ANSWERS_SECONDS: Final = 60
"""How long a broker keeps an answer that nobody fetches."""


class BusUnavailableError(StoreUnavailableError):
    """The broker did not answer in time, or refused. The text names the cause."""


@dataclass(frozen=True, slots=True)
class BusMessage:
    """One message of a queue. ``token`` is how its inbox knows it."""

    body: bytes
    token: object


class _Open(ABC):
    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Lets go of the connection; never raises."""


class BusLine(_Open):
    """A worker's connection, for one caller at a time. After an error it is of no use any more: close it."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where an inbox sends answers for this line."""

    @property
    def outstanding(self) -> int:
        """How many messages there are from the oldest one that the broker has not confirmed on."""
        return 0

    @abstractmethod
    def put(self, queue: str, body: bytes) -> None:
        """The broker has the message when this returns, after all that was put there before by anybody.

        Raises ``BusUnavailableError``, within a second or two; the broker may have it all the same.
        """

    def post(self, queue: str, body: bytes) -> None:
        """As :meth:`put`, but without waiting for the broker's word. It comes after what this line sent before."""
        self.put(queue, body)

    def wait_for_confirms(self, at_most: int = 0) -> None:
        """Until at most so many messages are ``outstanding``. Raises ``BusUnavailableError`` where that takes long."""
        return

    @abstractmethod
    def next_answer(self, seconds: float) -> bytes | None:
        """The oldest answer that has not been read; None where none comes in time. Raises ``BusUnavailableError``."""


class BusInbox(_Open):
    """A relay's connection to one queue. What is not done when it closes is taken again, in the same order.

    Of several inboxes of one queue, in whatever processes, one gets messages; another takes over where it ends. All
    methods raise ``BusUnavailableError``, also where another one has taken over; then close it.
    """

    @abstractmethod
    def take(self, seconds: float) -> BusMessage | None:
        """The first message that is not done; None where none comes in time."""

    @abstractmethod
    def ahead(self, seconds: float) -> Sequence[BusMessage]:
        """The first messages that are not done, in order, as many as are at hand when so many seconds have passed."""

    @abstractmethod
    def done(self, message: BusMessage) -> None:
        """The message, one that this inbox has handed out, leaves the queue."""

    @abstractmethod
    def keep(self) -> None:
        """Says that this inbox is still there; to be called every few seconds while no other method is."""

    @abstractmethod
    def answer(self, address: str, body: bytes) -> None:
        """Sends an answer, after all that this inbox has done is known to be done. Whoever asked may be gone."""

    @abstractmethod
    def put(self, queue: str, body: bytes) -> None:
        """Adds a message to a queue; it is not lost unless the broker is."""


class Bus(ABC):
    """A broker. Names of queues are plain: letters, digits, dots."""

    @abstractmethod
    def line(self) -> BusLine:
        """A new connection for a worker. Raises ``BusUnavailableError``."""

    @abstractmethod
    def inbox(self, queue: str) -> BusInbox:
        """A new connection for a relay. Raises ``BusUnavailableError``."""
