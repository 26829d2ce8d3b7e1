"""The framework-free half of a consumer: its class facts, and the life of its connection.

accept ─> authenticate ─> join groups ─> post_authentication ─> frames and events ─> disconnect
               └─ refused: close, nothing else runs
"""

import asyncio
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.events import ReceiveEvent
from chanx.core.failures import log_failure
from chanx.core.frame_counts import RECEIVED
from chanx.core.frame_queue import FrameQueue
from chanx.core.handlers import HandlerTable, OfTable, build_table
from chanx.core.long_keys import repeats_long_keys
from chanx.core.stray_cancellation import stray_cancellation_fails
from chanx.core.topic_host import TopicHost
from chanx.log import log_event
from chanx.messages.base import ACTION, BaseMessage, Event
from chanx.messages.outgoing import ErrorMessage
from chanx.metrics import SLOW_CLIENTS
from chanx.telemetry import OBSERVERS, measure
from chanx.utils.naming import consumer_name, consumer_snake_name
from chanx.utils.scope import path_params

MAX_PENDING_FRAMES: Final = 1000
MAX_PENDING_BYTES_FACTOR: Final = 4

INSTANCE_ATTRIBUTES: Final = frozenset(
    ("authenticator", "base_send", "channel_layer", "channel_name", "groups", "scope", "topic_session", "user")
)
"""What a connection sets on its consumer, and so would hide a method of the class."""

CLOSE_TOO_BIG: Final = 1009
CLOSE_INTERNAL_ERROR: Final = 1011
CLOSE_TRY_AGAIN_LATER: Final = 1013


def _incoming_messages(table: HandlerTable) -> TypeAdapter[BaseMessage] | None:
    return table.incoming_message_adapter


def _incoming_events(table: HandlerTable) -> TypeAdapter[Event] | None:
    return table.incoming_event_adapter


def _outgoing_messages(table: HandlerTable) -> TypeAdapter[BaseMessage]:
    return table.outgoing_message_adapter


class ChanxWebsocketConsumerMixin(TopicHost[ReceiveEvent]):
    """Everything of a consumer that needs no framework; a flavour adds its framework's consumer class.

    The optional type parameter is the type of the events it receives, for type checkers only.

    ``sends``: message types that it sends without a handler that declares them (in ``post_authentication``, say), for
    the AsyncAPI document and for tests; merged over the MRO.

    ``message_concurrency``: how many frames of one connection are handled at a time (1: one after the other, in order);
    what runs is cancelled on disconnect. When 1,000 wait, the connection is closed with 1013. ``max_message_bytes``: a
    longer frame closes the connection with 1009, and so does one with a very long key above very many values, because
    Pydantic would repeat the key for each wrong one. ``authentication_timeout``: an authenticator that takes longer, in
    seconds, refuses the connection (None: it may take for ever).

    One thing is bounded by ``max_message_bytes`` alone: in a type that refers to itself through a union
    (``Node | list[Node] | dict[str, Node]``) each level of nesting takes 1.6 times the time of the last, because
    Pydantic tries each member. Tell the members of such a union apart by a discriminator.
    """

    name: ClassVar[str]
    snake_name: ClassVar[str]
    incoming_message_adapter = OfTable(_incoming_messages)
    incoming_event_adapter = OfTable(_incoming_events)
    outgoing_message_adapter = OfTable(_outgoing_messages)

    passthrough_events: ClassVar[Any] = ()  # a sequence of message types: Any, so that a subclass may annotate it
    passthrough_method_prefix: ClassVar[str] = "handle_passthrough_"
    sends: ClassVar[Any] = ()  # message types, likewise

    authenticator_class: type[BaseAuthenticator] | None = None
    authenticator: Any = None  # an instance of that class: Any, so that a subclass may annotate the one it has
    authentication_timeout: float | None = 10.0

    message_concurrency: int = 8
    max_message_bytes: int = 1024 * 1024

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.handler_table = build_table(cls, cls.passthrough_method_prefix, cls.discriminator_field or ACTION)
        for handler in cls.handler_table.handlers:
            if handler.name in INSTANCE_ATTRIBUTES:
                raise TypeError(
                    f"{cls.__name__}.{handler.name}() cannot be a handler, as every consumer has an attribute of that "
                    "name: rename the method."
                )
        if "name" not in vars(cls):
            cls.name = consumer_name(cls.__name__)
        if "snake_name" not in vars(cls):
            cls.snake_name = consumer_snake_name(cls.__name__)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        bounds = {
            "max_frames": MAX_PENDING_FRAMES,
            "max_characters": MAX_PENDING_BYTES_FACTOR * self.max_message_bytes,
        }
        self._frames = FrameQueue(self.receive_text, concurrency=self.message_concurrency, **bounds)
        self._topic_frames = FrameQueue(self.receive_topic_text, concurrency=1, **bounds)
        self.frame_queues = (self._frames, self._topic_frames)

    async def post_authentication(self) -> None:
        """Called once the connection is accepted, authenticated and in its groups."""

    @property
    def url_params(self) -> dict[str, Any]:
        """The parameters of the connection's path."""
        return path_params(self.scope)

    async def open_socket(self) -> None:
        """Run the framework's ``connect``, which accepts the connection or closes it."""
        await self.connect()

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Open the connection; a failure closes it with an error frame and a log line."""
        self.scope.setdefault("path_params", path_params(self.scope))
        self.user = self.scope.get("user")
        try:
            self.find_default_topic()
            with stray_cancellation_fails("connect()"):
                await self.open_socket()
        except Exception as error:
            log_failure("connecting_failed", error, consumer=type(self).__name__)
            await self.close(CLOSE_INTERNAL_ERROR)
        if self.is_closed:
            return
        try:
            if not await self._authenticate():
                await self.close()
            if self.is_closed:
                return
        except Exception as error:
            log_failure("authenticator_failed", error, consumer=type(self).__name__)
            await self._give_up("Authentication failed", None)
            return
        try:
            with stray_cancellation_fails("post_authentication(), or joining the groups,"):
                await self.join_groups()
                await self.post_authentication()
            if (opening := self.opening_frame()) is not None:
                self._topic_frames.put(opening)
        except Exception as error:
            log_failure("connecting_failed", error, consumer=type(self).__name__)
            await self._give_up("Failed to open the connection", CLOSE_INTERNAL_ERROR)

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Take a frame into the queue that its handler is run from."""
        if self.is_closed:
            return
        if OBSERVERS:
            RECEIVED.add(self)
        text = message.get("text")
        if text is None and len(message.get("bytes") or b"") <= self.max_message_bytes:
            await self.send_message(
                ErrorMessage(payload={"detail": "Send text frames: binary ones are not understood"})
            )
            return
        if text is None or self._is_too_big(text) or repeats_long_keys(text):
            await self.close(CLOSE_TOO_BIG)
            return
        queue = self._frames if self.topic_frame(text) is None else self._topic_frames
        if not queue.put(text):
            log_event("too_many_frames", consumer=type(self).__name__)
            measure(SLOW_CLIENTS, 1, {"chanx.reason": "frames"})
            await self.close(CLOSE_TRY_AGAIN_LATER)

    async def drop_frames(self) -> None:
        """Drop what waits for a handler and cancel what is in one."""
        await self._frames.close()
        await self._topic_frames.close()

    async def _authenticate(self) -> bool:
        if self.authenticator_class is None:
            return True
        self.authenticator = self.authenticator_class(self.send_message)
        accepted, limit = False, asyncio.timeout(self.authentication_timeout)
        try:
            async with limit:
                with stray_cancellation_fails("The authenticator"):
                    accepted = bool(await self.authenticator.run(self.scope))
        except TimeoutError:
            if not limit.expired():
                raise
        if limit.expired():  # in any case: an authenticator may suppress its cancellation
            seconds = self.authentication_timeout
            log_event("authentication_timed_out", consumer=type(self).__name__, seconds=seconds)
            return False
        self.user = getattr(self.authenticator, "user", self.user)
        return accepted

    async def _give_up(self, detail: str, code: int | None) -> None:
        try:
            await self.send_message(ErrorMessage(payload={"detail": detail}))
        finally:  # nobody may stay connected because telling them failed
            await self.close(code)

    def _is_too_big(self, text: str) -> bool:
        limit = self.max_message_bytes
        # A character is one to four bytes: only in between does it take counting.
        return len(text) > limit or (len(text) * 4 > limit and len(text.encode("utf-8", "surrogatepass")) > limit)
