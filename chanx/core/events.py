"""Events from the server side: sending them to consumers, and a consumer handling them."""

from collections.abc import Callable, Collection, Coroutine
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, Generic

from pydantic import ValidationError
from pydantic_core import to_json
from typing_extensions import TypeVar

from chanx.core.broadcasting import Broadcasting
from chanx.core.calling import call_handler
from chanx.core.channel_layer import (
    ChannelLayer,
    configured,
    group_list,
    refuse_too_large,
    send_to_name,
    send_to_name_sync,
)
from chanx.core.failures import log_failure
from chanx.core.handlers import merged_over_mro
from chanx.core.hub.shared_event import encoded_reply, event_for_handler
from chanx.core.hub.shared_message import worked_out
from chanx.core.own_methods import is_replaced
from chanx.core.sending import Sending
from chanx.errors import ConfigurationError
from chanx.layers import publisher_for
from chanx.log import log_event
from chanx.messages.base import BaseMessage, Event
from chanx.messages.outgoing import EventCompleteMessage
from chanx.telemetry import stamped

ReceiveEvent = TypeVar("ReceiveEvent", bound=Event, default=Event)

_EVENT_COMPLETE = EventCompleteMessage()
_SENDING: Final = (Sending.send_message, Sending.send_last, Sending.encode)


class Eventful(Broadcasting, Generic[ReceiveEvent]):
    """The part of a consumer that receives events, and the class methods that send them from anywhere.

    The ``_sync`` methods are for tasks, views and commands: they use a synchronous publisher, may be called inside a
    running loop too, and never raise because the layer is unreachable. The others go through the layer itself. With
    ``validate`` the event is checked first against what the class handles; raises ``ValidationError``. With
    ``on_commit`` it is sent once the database transaction around the call is committed, and not if that is rolled back.
    An event over the publisher's ``max_event_bytes`` raises ``EventTooLargeError`` and reaches nobody.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handled_message: dict[str, Any] | None = None

    @classmethod
    async def send_event(cls, event: ReceiveEvent, channel_name: str | None = None, *, validate: bool = False) -> None:
        """Send an event to one connection (its ``channel_name``), or to the group of that name if it is no channel.

        Without a name it goes to the class's own groups, as with ``broadcast_event``.
        """
        if channel_name is None:
            await cls.broadcast_event(event, validate=validate)
            return
        layer, message = cls._layer(), cls._event_message(event, validate)
        refuse_too_large(layer, message)
        await send_to_name(layer, channel_name, message)

    @classmethod
    def send_event_sync(
        cls, event: ReceiveEvent, channel_name: str | None = None, *, on_commit: bool = False, validate: bool = False
    ) -> None:
        """``send_event`` from synchronous code."""
        if channel_name is None:
            cls.broadcast_event_sync(event, on_commit=on_commit, validate=validate)
            return
        layer, message = cls._layer(), cls._event_message(event, validate)
        if on_commit:  # or it would be refused only after the commit
            refuse_too_large(layer, message)

        def send() -> None:
            send_to_name_sync(layer, channel_name, message)

        cls.run_on_commit(send) if on_commit else send()

    @classmethod
    async def broadcast_event(
        cls, event: ReceiveEvent, groups: Collection[str] | str | None = None, *, validate: bool = False
    ) -> None:
        """Send an event to every connection in the groups: a collection, one name, or None for the class's own."""
        layer, message = cls._layer(), cls._event_message(event, validate)
        refuse_too_large(layer, message)
        for group in cls._event_groups(groups):
            await layer.group_send(group, message)

    @classmethod
    def broadcast_event_sync(
        cls,
        event: ReceiveEvent,
        groups: Collection[str] | str | None = None,
        *,
        on_commit: bool = False,
        validate: bool = False,
    ) -> None:
        """``broadcast_event`` from synchronous code; to many groups in one round trip."""
        layer, message = cls._layer(), cls._event_message(event, validate)
        publisher, names = publisher_for(layer), cls._event_groups(groups)
        if on_commit:
            refuse_too_large(layer, message)

        def send() -> None:
            with publisher.batch() if len(names) > 1 else nullcontext():
                for group in names:
                    publisher.group_send(group, message)

        cls.run_on_commit(send) if on_commit else send()

    @classmethod
    def run_on_commit(cls, action: Callable[[], None]) -> None:
        """Call ``action`` after the current database transaction. Overridable, for another ORM's hook."""
        raise ConfigurationError(
            f"{cls.__name__} knows of no database transactions, which on_commit=True needs: subclass "
            "chanx.channels.websocket.AsyncJsonWebsocketConsumer (Django), override run_on_commit(), or send the event "
            "after the commit."
        )

    async def handle_channel_event(self, message: dict[str, Any]) -> None:
        """Take an event from the channel layer: ``{"event_data": {...}}``. Unknown or invalid ones are only logged."""
        event = event_for_handler(self, message)
        if event is None:
            return
        self._handled_message = message
        try:
            await self.receive_event(event)
        finally:
            self._handled_message = None

    def validated_event(self, message: dict[str, Any]) -> Event | None:
        """The event in a message; None, which is logged, if the class handles none such.

        Validated once for all, who may only look at it.
        """
        table = self.handler_table
        return worked_out(message, ("event", id(table)), partial(self.validate_event, message))

    async def receive_event(self, event: Any) -> None:  # Any, so that an override may name the events it has
        """Run the handler of an event and send its answer, then the completion. Overridable.

        The event may be shared with other connections, see ``@event_handler``.
        """
        try:
            answer = await call_handler(self, self.handler_table.event_handler(event), event)
            if answer is not None:
                await self._send_reply(answer)
        except Exception as error:
            await self.handle_event_handler_error(error, self.handler_table.event_tag(event), event)
        if self.should_send_completion:
            await self.send_last(_EVENT_COMPLETE)

    async def handle_event_handler_error(self, error: Exception, action: str, event: Any) -> None:
        """Deal with an event whose handler raised: it is logged, the client is told nothing. Overridable."""
        log_failure("event_handler_failed", error, consumer=type(self).__name__, action=action)

    def _send_reply(self, reply: BaseMessage) -> Coroutine[Any, Any, None]:
        """``send_last``, but a reply that other connections send too is encoded once."""
        methods = (self.send_message, self.send_last, self.encode)
        if any(map(is_replaced, methods, _SENDING)):
            return self.send_last(reply)
        form = (self.discriminator, self.should_camelize)
        text = encoded_reply(self._handled_message, reply, form, partial(self.encode, reply))
        return self.send_encoded(text, self.handler_table.tag_of(reply))

    def validate_event(self, message: dict[str, Any]) -> Event | None:
        """The same, validated anew."""
        adapter, data = self.handler_table.incoming_event_adapter, message.get("event_data")
        if adapter is None:
            log_event("event_without_handler", consumer=type(self).__name__)
            return None
        try:
            return adapter.validate_json(worked_out(message, "event json", partial(to_json, data)))
        except ValidationError as error:
            problems = [(part["type"], part["loc"]) for part in error.errors(include_url=False, include_input=False)]
            log_event("event_not_handled", consumer=type(self).__name__, problems=problems)
            return None

    @classmethod
    def _layer(cls) -> ChannelLayer:
        return configured(cls.find_channel_layer(), cls.channel_layer_alias)

    @classmethod
    def _event_message(cls, event: Event, validate: bool) -> dict[str, Any]:
        message = event_message(event)
        if validate:
            adapter = cls.handler_table.under(cls.wire_discriminator()).incoming_event_adapter
            if adapter is None:
                raise ConfigurationError(f"{cls.__name__} handles no events: give it an @event_handler method.")
            adapter.validate_json(to_json(message["event_data"]))
        return message

    @classmethod
    def _event_groups(cls, groups: Collection[str] | str | None) -> list[str]:
        if groups is not None:
            return group_list(groups)
        return group_list([*(cls.groups or ()), *merged_over_mro(cls, "extra_groups")])


def event_message(event: Event) -> dict[str, Any]:
    """An event as consumers receive it from the channel layer."""
    return stamped({"type": "handle_channel_event", "event_data": event.model_dump(mode="json")})
