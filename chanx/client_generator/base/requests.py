"""Messages and requests to a topic: they wait until it is open, and an answer is known by its ``ref``."""

from __future__ import annotations

import asyncio
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from .channel import Channel
from .errors import NotConnectedError, RequestRefusedError, UnexpectedAnswerError
from .messages import COMPLETIONS, Frame, MessageTypes, UnknownMessage, frame_of
from .socket import WITHOUT_ANSWER
from .source import timeouts_say
from .subscriptions import Subscriptions

ReplyT = TypeVar("ReplyT", bound=BaseModel)

SEND_WITHIN = 10.0
REPLY_WITHIN = 30.0


class TopicRequests:
    """What a client asks of one topic."""

    def __init__(self, channel: Channel, subscriptions: Subscriptions) -> None:
        self._channel = channel
        self._subscriptions = subscriptions
        self._types: dict[tuple[type[BaseModel], ...], MessageTypes[BaseModel]] = {}

    async def send(self, message: BaseModel, timeout: float | None) -> None:
        """Sends a message that has no reply; should the server answer it with an error, that comes as a message.

        Raises ``RequestRefusedError`` where the topic is refused, ``NotConnectedError``, ``AnswerTimeoutError``.
        """
        limit = SEND_WITHIN if timeout is None else timeout
        with timeouts_say(f"{self._channel.topic!r} was not open within {limit:g} seconds."):
            async with asyncio.timeout(limit):
                await self._subscriptions.until_open(self._channel)
                ref = WITHOUT_ANSWER + self._subscriptions.socket.next_ref()
                await self._subscriptions.socket.send(self._frame(message, ref))

    async def request(
        self, message: BaseModel, reply_types: type[ReplyT] | tuple[type[ReplyT], ...], timeout: float | None
    ) -> ReplyT:
        """Sends a message and returns its reply.

        Raises ``RequestRefusedError`` where that is an error, ``UnexpectedAnswerError`` where it is something else,
        ``AnswerTimeoutError`` where none comes, and ``NotConnectedError`` where the connection is lost meanwhile:
        whether the server has dealt with the message is not known then.
        """
        limit = REPLY_WITHIN if timeout is None else timeout
        types = reply_types if isinstance(reply_types, tuple) else (reply_types,)
        with timeouts_say(f"{self._channel.topic!r} did not answer within {limit:g} seconds."):
            async with asyncio.timeout(limit):
                await self._subscriptions.until_open(self._channel)
                frame = await self._answer(message)
        return cast("ReplyT", self._read(frame, types))

    async def _answer(self, message: BaseModel) -> Frame:
        socket = self._subscriptions.socket
        answer: asyncio.Future[Frame | None] = asyncio.get_running_loop().create_future()

        def answered(frame: Frame | None) -> None:
            if not answer.done():
                answer.set_result(frame)

        ref = socket.next_ref()
        socket.expect(ref, answered)
        try:
            await socket.send(self._frame(message, ref))
            frame = await answer
        finally:
            socket.forget(ref)
        if frame is None:
            raise NotConnectedError("The connection was lost before the answer came.")
        return frame

    def _read(self, frame: Frame, types: tuple[type[BaseModel], ...]) -> BaseModel:
        action = frame.get(self._subscriptions.discriminator)
        if action == "error":
            error = RequestRefusedError(frame.get("payload"))
            if error.reason == "not_subscribed":
                self._subscriptions.again(self._channel)
            raise error
        if action in COMPLETIONS:
            raise RequestRefusedError({"reason": "no_answer", "detail": "The server has no answer to this."})
        if types not in self._types:
            self._types[types] = MessageTypes(types, self._subscriptions.discriminator)
        try:
            message = self._types[types].read(frame)
        except ValidationError as error:
            raise UnexpectedAnswerError(frame) from error
        if isinstance(message, UnknownMessage):
            raise UnexpectedAnswerError(frame)
        return message

    def _frame(self, message: BaseModel, ref: str) -> Frame:
        return {"topic": self._channel.topic, "ref": ref, **frame_of(message)}
