"""What the hub knows of a connection: whether it can take a message now, and those that wait until it can."""

from collections import deque
from collections.abc import Coroutine
from contextvars import Context, copy_context
from typing import Any, Final, Protocol

from chanx.core.hub.shared_message import SharedMessage

MAX_WAITING_MESSAGES: Final = 1000


class Receiver(Protocol):
    """The part of a consumer that takes messages of the channel layer."""

    is_closed: bool

    def send_direct(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        """What sends the message's frame to the client, where that is all there is to do; else None."""
        ...

    async def finish_send(self, sending: Coroutine[Any, Any, None], awaited: Any) -> None:
        """Go on with such a sending, which waits for the client and has yielded ``awaited``. Never raises."""
        ...

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand the message to the method its type names."""
        ...

    def refuse_message(self, message: SharedMessage) -> None:
        """Deal with a message for which there is no room, as the client does not read or its handlers are slow."""
        ...

    def end_with(self, error: BaseException) -> None:
        """End the connection for what ``dispatch`` has raised."""
        ...


class Mailbox:
    """One connection's. While it ``is_busy``, messages wait in it, in order: one is handled at a time.

    It is busy from the start, until the connection is open.
    """

    __slots__ = ("context", "has_ended", "is_busy", "receiver", "waiting")

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.context: Context = copy_context()
        self.is_busy = True
        self.has_ended = False
        self.waiting: deque[SharedMessage] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is handed to the connection any more."""
        return self.has_ended or self.receiver.is_closed

    def end_with(self, error: BaseException) -> None:
        """End the connection for what ``dispatch`` has raised; no other message reaches it, though it takes a while."""
        self.has_ended = self.is_busy = True
        self.waiting = None
        self.receiver.end_with(error)

    def hold(self, message: SharedMessage) -> None:
        """Keep a message until the connection is no longer busy."""
        if self.has_ended:
            return
        if self.waiting is None:
            self.waiting = deque()
        if len(self.waiting) < MAX_WAITING_MESSAGES:
            self.waiting.append(message)
        else:
            self.receiver.refuse_message(message)
