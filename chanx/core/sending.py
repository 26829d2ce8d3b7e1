"""Sending to the client of a connection: one message, one encoding, one frame."""

import asyncio
from collections.abc import Coroutine
from functools import lru_cache
from typing import Any, cast

from pydantic_core import to_json

from chanx.constants import COMPLETE_ACTIONS
from chanx.core.camelize import camelized
from chanx.core.connection import Connection
from chanx.core.frame_counts import SENT
from chanx.core.handlers import HandlerTable
from chanx.core.own_methods import is_replaced
from chanx.core.rekeying import decoded, rekeyed_text
from chanx.messages.base import BaseMessage, tag_field
from chanx.telemetry import OBSERVERS
from chanx.utils.logging import log_info


def json_text(content: Any) -> str:
    """``content`` as JSON; infinite numbers and NaN are null, as in messages, because browsers refuse them."""
    return to_json(content, inf_nan_mode="null").decode()


@lru_cache(maxsize=256)
def _unlogged(ignored: frozenset[str]) -> frozenset[str]:
    """One set for all connections that ignore the same."""
    return COMPLETE_ACTIONS | ignored


class Sending(Connection):
    """The part of a consumer that writes to its client."""

    handler_table: HandlerTable
    """The handlers of the class; on an instance, those under its discriminator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.handler_table = type(self).handler_table.under(self.wire_discriminator())
        self.discriminator = self.handler_table.discriminator
        ignored, immediately, logged = (
            self.log_ignored_actions,
            self.send_message_immediately,
            self.log_websocket_message,
        )
        self._yields = self.config.send_message_immediately if immediately is None else immediately
        self.logs_frames = self.config.log_websocket_message if logged is None else logged
        self._unlogged_actions = _unlogged(frozenset(self.config.log_ignored_actions if ignored is None else ignored))

    async def send_message(self, message: BaseMessage, *, validate: bool = False) -> None:
        """Send a message to this connection's client.

        With ``validate`` it is checked first against what the class declares to send; raises ``ValidationError``.
        """
        if validate:
            self.handler_table.outgoing_message_adapter.validate_json(self._rekeyed(message))
        await self.send_encoded(self.encode(message), self.handler_table.tag_of(message))
        await self.pause()

    def send_last(self, message: BaseMessage) -> Coroutine[Any, Any, None]:
        """Send what ends the handling of a frame or an event: no pause, as nothing of it is left to wait for."""
        if is_replaced(self.send_message, Sending.send_message):
            return self.send_message(message)
        return self.send_encoded(self.encode(message), self.handler_table.tag_of(message))

    def encode(self, message: BaseMessage, *, is_fixed: bool = False) -> str:
        """A message as JSON text, as the client reads it: under its discriminator, and in camelCase if that is on.

        ``is_fixed``: its names are those of a protocol, which nothing renames.
        """
        text = message.model_dump_json() if message.own_discriminator == self.discriminator else self._rekeyed(message)
        if is_fixed or not self.should_camelize:
            return text
        return json_text(camelized(type(message), decoded(text), self.discriminator))

    def encode_content(self, content: Any) -> str:
        """The same for a message that was dumped before; of one that is not declared no key is renamed."""
        if not (self.should_camelize and isinstance(content, dict)):
            return json_text(content)
        message = cast("dict[str, Any]", content)
        tag = message.get(self.discriminator)
        model = self.handler_table.outputs.get(tag) if isinstance(tag, str) else None
        return json_text(message if model is None else camelized(model, message, self.discriminator))

    async def pause(self) -> None:
        """Let the server write what was sent, where ``send_message_immediately`` asks for it."""
        if self._yields:
            await asyncio.sleep(0)

    def send_encoded(self, text: str, action: Any) -> Coroutine[Any, Any, None]:
        """Send a message that is JSON text already, with all that belongs to sending (log entry, ``send_json``)."""
        if is_replaced(self.send_json, Sending.send_json):
            return self.send_json(decoded(text))
        if self.logs_frames:
            self.log_frame("Websocket sent", action)
        return self.send_text(text)

    async def send_json(self, content: Any, close: bool = False) -> None:
        """Encode ``content`` as JSON and send it. Where a subclass overrides this, every message goes through it."""
        text = self.encode_content(content)
        self.log_frame("Websocket sent", content.get(self.discriminator) if isinstance(content, dict) else None)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] -- any JSON
        await self.send_text(text)
        if close:
            await self.close(close)

    async def send_text(self, text: str) -> None:
        """Send a text frame as it is; nothing once the connection is closed."""
        if not self.is_closed:
            try:
                await self.base_send({"type": "websocket.send", "text": text})
            except OSError:  # with which ASGI servers say that the client has gone; the disconnect is on its way
                self.is_closed = True
            if OBSERVERS:
                SENT.add(self)

    def is_logged(self, action: Any) -> bool:
        """Whether frames of an action are logged, where frames are."""
        return not (isinstance(action, str) and action in self._unlogged_actions)

    def log_frame(self, event: str, action: Any, **values: Any) -> None:
        """One info entry for a frame, unless it is not wanted."""
        if self.logs_frames and self.is_logged(action):
            log_info(event, action=action, consumer=type(self).__name__, **values)

    def _rekeyed(self, message: BaseMessage) -> str:
        return rekeyed_text(message.model_dump_json(), tag_field(type(message), self.discriminator), self.discriminator)
