"""A test client of one connection that speaks in typed messages; mixed into a framework's own communicator."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, cast

from chanx.constants import COMPLETE_ACTIONS, ENVELOPE_VERSION
from chanx.core.testing.wire import Wire
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage


class WebsocketCommunicatorMixin:
    """``async with`` connects and disconnects; one instance is one connection.

    Other than in the frameworks, a timeout leaves the application running, so that a test can go on after it, and what
    is skipped while waiting for something else can be received afterwards.
    """

    consumer: type[ChanxWebsocketConsumerMixin[Any]]

    if TYPE_CHECKING:  # the framework's communicator has these

        @property
        def future(self) -> asyncio.Task[Any]: ...
        @property
        def output_queue(self) -> asyncio.Queue[dict[str, Any]]: ...

        async def send_json_to(self, data: Any) -> None: ...

    def __init__(
        self,
        application: Any,
        path: str,
        headers: Any = None,
        subprotocols: Any = None,
        spec_version: Any = None,
        *,
        consumer: type[ChanxWebsocketConsumerMixin[Any]],
    ) -> None:
        """``path`` may hold a query string; ``consumer`` is the class whose messages are expected there."""
        super().__init__(application, path, headers, subprotocols, spec_version)  # type: ignore[call-arg] # the framework's
        self.consumer = consumer
        self.wire = Wire(consumer)
        self._received: deque[dict[str, Any]] = deque()
        self._is_open = False

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.disconnect()

    # The connection

    async def connect(self, timeout: float = 1) -> tuple[bool, Any]:
        """Open the connection: ``(True, subprotocol)``, or ``(False, close code)`` if it was not even accepted."""
        self._is_open = True
        connected: Any = await super().connect(timeout)  # type: ignore[misc] # the framework's
        return cast("tuple[bool, Any]", connected)

    async def disconnect(self, code: int = 1000, timeout: float = 1) -> None:
        """Close the connection from the client's end and wait for the application to end.

        Does nothing on a connection that was never opened or has ended; raises what the application failed with.
        """
        if not self._is_open:
            return
        self._is_open = False
        if not self.future.done():
            await super().disconnect(code, timeout)  # type: ignore[misc] # the framework's
        elif not self.future.cancelled():
            self.future.result()

    async def assert_closed(self, timeout: float = 1) -> None:
        """Expect that the server closes the connection now, with no frame before it."""
        message = await self.receive_output(timeout)
        assert message["type"] == "websocket.close", f"Expected the connection to be closed, but got {message!r}"

    # Sending

    async def send_message(
        self, message: BaseMessage, *, topic: str | None = None, ref: str | int | None = None
    ) -> None:
        """Send a message to the consumer, or to one of its topics."""
        await self._send_frame(self.wire.write(message), topic, ref)

    async def subscribe(
        self, topic: str, ref: str | int = "1", *, payload: Any = None, timeout: float = 1
    ) -> dict[str, Any]:
        """Subscribe to a topic; returns the reply as it came, a refusal (action ``error``) included."""
        await self._send_frame(self.wire.write_control("subscribe", payload), topic, ref)
        return await self._reply(topic, ref, timeout)

    async def unsubscribe(self, topic: str, ref: str | int = "1", *, timeout: float = 1) -> dict[str, Any]:
        """Unsubscribe from a topic; returns the reply as it came."""
        await self._send_frame(self.wire.write_control("unsubscribe", None), topic, ref)
        return await self._reply(topic, ref, timeout)

    # Receiving

    async def receive_output(self, timeout: float = 1) -> dict[str, Any]:
        """The next ASGI message of the application; ``TimeoutError`` if there is none in time, or it has ended."""
        if not self._received:
            await self._fetch(timeout)
        return self._received.popleft()

    async def receive_nothing(self, timeout: float = 0.1, interval: float = 0.01) -> bool:
        """Whether the application sends nothing for so long."""
        if self._received:
            return False
        return bool(await super().receive_nothing(timeout, interval))  # type: ignore[misc] # the framework's

    async def receive_all_json(self, timeout: float = 1) -> list[Any]:
        """Every frame, decoded, until there is none for ``timeout`` seconds or the connection is closed."""
        frames: list[Any] = []
        while (frame := await self._next_frame(timeout)) is not None:
            frames.append(frame)
        return frames

    async def receive_all_messages(self, stop_action: str = "complete", timeout: float = 1) -> list[BaseMessage]:
        """Every message up to the one with ``stop_action``, as what the consumer, or the topic, declares to send.

        A stop message that is no completion is included, completions are not. Ends as well when nothing comes for
        ``timeout`` seconds or the connection is closed. A message nobody declares raises ``ValidationError``.
        """
        messages: list[BaseMessage] = []
        while (frame := await self._next_frame(timeout)) is not None:
            action = self.wire.action(frame)
            if action not in COMPLETE_ACTIONS:
                messages.append(self.wire.read(frame))
            if action == stop_action:
                break
        return messages

    async def receive_topic_message(self, topic_class: type[Topic], timeout: float = 1) -> BaseMessage:
        """The next message of any topic of this class but completions; what is not of it can be received later.

        Raises ``TimeoutError`` if there is none in time, and ``ValidationError`` for one the class does not declare.
        """

        def is_wanted(frame: dict[str, Any]) -> bool:
            topic = frame.get("topic")
            of_class = isinstance(topic, str) and topic_class.parse(topic) is not None
            return of_class and self.wire.action(frame) not in COMPLETE_ACTIONS

        frame = await self._pick(is_wanted, f"a message of {topic_class.__name__}", timeout)
        return self.wire.read_topic(topic_class, frame)

    async def receive_topic_frame(self, topic: str, timeout: float = 1) -> dict[str, Any]:
        """The next frame of this topic, as it came; what is not of it can be received later.

        Raises ``TimeoutError`` if there is none in time.
        """

        def is_wanted(frame: dict[str, Any]) -> bool:
            return frame.get("topic") == topic

        return await self._pick(is_wanted, f"a frame of the topic {topic!r}", timeout)

    async def receive_topic_reply(self, topic: str, ref: str | int, timeout: float = 1) -> dict[str, Any]:
        """The frame of this topic that answers what was sent with ``ref``, in the same way."""
        return await self._reply(topic, ref, timeout)

    async def _send_frame(self, content: dict[str, Any], topic: str | None, ref: str | int | None) -> None:
        if topic is not None:
            content = {"version": ENVELOPE_VERSION, "topic": topic, **content}
        if ref is not None:
            content["ref"] = ref
        await self.send_json_to(content)

    async def _reply(self, topic: str, ref: str | int, timeout: float) -> dict[str, Any]:
        def is_reply(frame: dict[str, Any]) -> bool:
            return (frame.get("topic"), frame.get("ref")) == (topic, ref)

        return await self._pick(is_reply, f"the reply {ref!r} of the topic {topic!r}", timeout)

    async def _pick(self, is_wanted: Callable[[dict[str, Any]], bool], what: str, timeout: float) -> dict[str, Any]:
        passed: list[dict[str, Any]] = []
        try:
            async with asyncio.timeout(timeout):
                while True:
                    message = await self.receive_output(timeout)
                    frame = _frame(message)
                    if isinstance(frame, dict) and is_wanted(frame):  # pyright: ignore[reportUnknownArgumentType] -- any JSON
                        return frame  # pyright: ignore[reportUnknownVariableType] -- any JSON
                    passed.append(message)
                    assert message["type"] == "websocket.send", f"Got {message!r} while waiting for {what}"
        except TimeoutError as error:
            why = error if str(error) else None  # that its time is over says nothing
            raise TimeoutError(f"There was not {what} within {timeout:g} s") from why
        finally:
            self._received.extendleft(reversed(passed))

    async def _next_frame(self, timeout: float) -> Any:
        try:
            message = await self.receive_output(timeout)
        except TimeoutError:
            return None
        frame = _frame(message)
        if frame is None:
            self._received.appendleft(message)
        return frame

    async def _fetch(self, timeout: float) -> None:
        getting = asyncio.ensure_future(self.output_queue.get())
        either: set[asyncio.Future[Any]] = {getting, self.future}
        try:
            await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            getting.cancel()
            await asyncio.gather(getting, return_exceptions=True)
            if not getting.cancelled():
                self._received.append(getting.result())
        if self._received:
            return
        if not self.future.done():
            raise TimeoutError(f"The application sent nothing within {timeout:g} s")
        if not self.future.cancelled():
            self.future.result()
        raise TimeoutError("The application has ended, and will send nothing more")


def _frame(message: dict[str, Any]) -> Any:
    text = message.get("text") if message["type"] == "websocket.send" else None
    return None if text is None else json.loads(text)
