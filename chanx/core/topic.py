"""A topic: one of many streams over one connection, with handlers and an authorization of its own."""

from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from chanx.core.calling import call_handler
from chanx.core.envelope import Ref, enveloped
from chanx.core.failures import log_failure
from chanx.core.handlers import HandlerTable, build_table
from chanx.core.hub.shared_event import encoded_reply, event_for_handler
from chanx.core.hub.shared_message import worked_out
from chanx.core.incoming import decamelized_json, problems
from chanx.core.own_methods import is_replaced
from chanx.core.refusal import TopicRefused as TopicRefused
from chanx.core.refusal import refusal_message
from chanx.core.sending import Sending
from chanx.core.topic_address import TopicAddress
from chanx.log import log_event
from chanx.messages.base import BaseMessage, Event
from chanx.messages.outgoing import CompleteMessage, ErrorMessage, EventCompleteMessage
from chanx.utils.naming import snake_case

CONTROL_ACTIONS: Final = ("subscribe", "unsubscribe")
MAX_HELD_EVENTS: Final = 1000

_COMPLETE = CompleteMessage()
_EVENT_COMPLETE = EventCompleteMessage()


class Topic(TopicAddress):
    """One subscription of one connection; subclasses have a ``pattern``, handlers and hooks.

    On a client's ``subscribe`` these run in order: ``authorize``, joining the topic's group, ``subscribed_payload``,
    the ``subscribed`` reply, ``on_subscribe`` (``on_resubscribe`` if it was subscribed already). Topic frames of one
    connection are handled in order of arrival, events in the order the channel layer delivers them, the two at the
    same time. ``on_unsubscribe`` runs exactly once for every topic whose ``on_subscribe`` was begun.

    ``channel_layer_alias`` names the layer that ``broadcast`` uses: that of the consumers which have the topic.
    ``reauthorize_seconds``: after so many seconds each time, and when the client signs out, ``authorize`` is asked
    again, and a subscription that is refused ends (None: never).

    For the AsyncAPI document: ``sends`` are message types that the topic sends without a handler that declares them,
    merged over the MRO; ``subscribe_payload_type`` and ``subscribed_payload_type`` say what the payloads of
    ``subscribe`` and ``subscribed`` look like (None: they say nothing; else their fields are camelCase in frames of a
    consumer that camelizes); ``protocol`` names the protocol that clients know the topic's frames by, which
    ``camelize`` never renames (None: its messages are all there is to know). ``name`` is the class name without a
    trailing ``Topic``, ``snake_name`` its snake_case.

    Attributes: ``consumer`` (the host), ``topic`` (the full name), ``params`` (what the pattern found in it),
    ``subscribe_payload`` (that of the client's last ``subscribe``).
    """

    passthrough_events: ClassVar[Sequence[type[BaseMessage]]] = ()
    passthrough_method_prefix: ClassVar[str] = "handle_passthrough_"
    send_completion: ClassVar[bool | None] = None
    reauthorize_seconds: ClassVar[float | None] = None

    sends: ClassVar[Sequence[type[BaseMessage]]] = ()
    subscribe_payload_type: ClassVar[Any] = None
    subscribed_payload_type: ClassVar[Any] = None
    protocol: ClassVar[str | None] = None
    name: ClassVar[str]
    snake_name: ClassVar[str]

    handler_table: HandlerTable
    incoming_message_adapter: ClassVar[TypeAdapter[BaseMessage] | None]
    incoming_event_adapter: ClassVar[TypeAdapter[Event] | None]
    outgoing_message_adapter: ClassVar[TypeAdapter[BaseMessage]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        table = build_table(cls, cls.passthrough_method_prefix)
        for action in CONTROL_ACTIONS:
            if action in table.messages:
                raise TypeError(
                    f"{cls.__name__}.{table.messages[action].name}() handles the action {action!r}, which every topic "
                    "understands by itself: override subscribed_payload, on_subscribe or on_unsubscribe instead."
                )
        cls.handler_table = table
        cls.incoming_message_adapter = table.incoming_message_adapter
        cls.incoming_event_adapter = table.incoming_event_adapter
        cls.outgoing_message_adapter = table.outgoing_message_adapter
        if "name" not in vars(cls):
            cls.name = cls.__name__.removesuffix("Topic") or cls.__name__
        if "snake_name" not in vars(cls):
            cls.snake_name = snake_case(cls.name)

    def __init__(self, consumer: Sending, topic: str, params: Mapping[str, str]) -> None:
        self.consumer = consumer
        self.handler_table = type(self).handler_table.under(consumer.discriminator)
        self.topic = topic
        self.params = dict(params)
        self.subscribe_payload: Any = None
        # Events that come while subscribing wait for the `subscribed` reply.
        self._held: deque[dict[str, Any]] | None = deque()

    @property
    def scope(self) -> dict[str, Any]:
        """The connection's ASGI scope."""
        return self.consumer.scope

    @property
    def user(self) -> Any:
        """The connection's user."""
        return self.consumer.user

    @property
    def should_send_completion(self) -> bool:
        """Whether completion frames follow: the topic's own option, else the project's, never the host class's."""
        return self.consumer.config.send_completion if self.send_completion is None else self.send_completion

    @property
    def group(self) -> str:
        """The channel-layer group that the subscription joins, known once it is authorized."""
        return self.group_name(self.topic)

    @property
    def event_topic(self) -> str:
        """The name of the topic in the messages of that group."""
        return self.topic

    # Hooks

    async def authorize(self, *args: Any, **params: Any) -> bool:
        """Whether this user may subscribe; called with the pattern's parameters, again on a repeated subscribe.

        Everybody may by default. Raise ``TopicRefused`` for a refusal in words of your own.
        """
        return True

    async def reauthorize(self) -> bool:
        """Whether the subscription may go on; asked at intervals. A failure ends it, as a refusal does."""
        return await self.authorize(**self.params)

    async def subscribed_payload(self, payload: Any) -> Any:
        """What the ``subscribed`` reply carries; ``payload`` is the client's. May raise ``TopicRefused``.

        The group is joined already, and events reach ``receive_event`` while this runs.
        """
        return None

    async def on_subscribe(self) -> None:
        """Called after the first ``subscribed`` reply."""

    async def on_resubscribe(self) -> None:
        """Called after the reply to a repeated ``subscribe`` of the same connection."""

    async def on_unsubscribe(self) -> None:
        """Called when the subscription ends: on unsubscribe, when it is refused later, on disconnect."""

    def can_miss(self, message: Mapping[str, Any]) -> bool:
        """Whether a message of the topic's group may be dropped where a client's connection has no room for it.

        True for what the topic finds again by itself; else the connection is closed, with 1013. Overridable.
        """
        return False

    async def receive_event(self, message: dict[str, Any]) -> None:
        """Take a message of the topic's group: validate its ``event_data`` and run the event's handler. Overridable.

        Until the ``subscribed`` reply is sent events are kept back, up to 1,000 of them.
        """
        if self._held is None:
            await self._handle_event(message)
        elif len(self._held) < MAX_HELD_EVENTS:
            self._held.append(message)
        else:
            log_event("topic_event_dropped", topic=self.topic, held=len(self._held))

    @property
    def is_held(self) -> bool:
        """Whether events are kept back for now."""
        return self._held is not None

    async def release_events(self) -> None:
        """Handle the events kept back so far, and from now on every event at once. Called after the first reply."""
        while self._held:
            await self._handle_event(self._held.popleft())
        self._held = None

    # Sending to this client

    async def send_message(self, message: BaseMessage, *, ref: Ref = None, seq: int | None = None) -> None:
        """Send a message on this topic; ``ref`` makes it the reply to a frame, ``seq`` numbers it."""
        await self.send_last(message, ref=ref, seq=seq)
        await self.consumer.pause()

    def send_last(self, message: BaseMessage, *, ref: Ref = None, seq: int | None = None) -> Coroutine[Any, Any, None]:
        """The same without a pause, for what ends the handling of a frame or an event."""
        text = self.frame(message, ref=ref, seq=seq)
        return self.consumer.send_encoded(text, self.handler_table.tag_of(message))

    def frame(self, message: BaseMessage, *, ref: Ref = None, seq: int | None = None) -> str:
        """A message on this topic as the client reads it."""
        is_fixed = self.protocol is not None and type(message) in self.handler_table.sends
        return enveloped(self.consumer.encode(message, is_fixed=is_fixed), self.topic, ref=ref, seq=seq)

    async def send_text(self, text: str) -> None:
        """Send a ready JSON text frame as it is."""
        await self.consumer.send_text(text)

    # Handling

    async def receive_frame(self, content: dict[str, Any], ref: Ref) -> None:
        """Handle a client's message to this topic. Raises ``TopicRefused`` if it takes none."""
        adapter, camelize = self.handler_table.incoming_message_adapter, self.consumer.should_camelize
        if adapter is None:
            raise TopicRefused("no_handler", "This topic takes no messages.")
        data = to_json(content)
        try:
            message = adapter.validate_json(decamelized_json(self.handler_table, data) if camelize else data)
        except ValidationError as error:
            found = problems(self.handler_table, error, camelize=camelize)
            await self.send_message(ErrorMessage(payload=found), ref=ref)
        except Exception as error:  # of a validator: the client waits for the completion all the same
            action = content.get(self.handler_table.discriminator)
            log_failure("topic_frame_failed", error, topic=self.topic, action=action)
            refused = TopicRefused("failed", f"Failed to process message for {action}")
            await self.send_message(refusal_message(refused), ref=ref)
        else:
            await self._handle_message(message, ref)
        if self.should_send_completion:
            await self.send_message(_COMPLETE, ref=ref)

    async def _handle_message(self, message: BaseMessage, ref: Ref) -> None:
        action = self.handler_table.tag_of(message)
        self.consumer.log_frame("Websocket received", action)
        try:
            answer = await call_handler(self, self.handler_table.messages[action], message)
        except TopicRefused as refused:
            answer = refusal_message(refused)
        except Exception as error:
            log_failure("topic_handler_failed", error, topic=self.topic, action=action)
            answer = ErrorMessage(payload={"detail": f"Failed to process message for {action}"})
        if answer is not None:
            await self.send_message(answer, ref=ref)

    def validated_event(self, message: dict[str, Any]) -> Event | None:
        """The event in a message; None, which is logged, if the class handles none such.

        Validated once for all, who may only look at it.
        """
        table = self.handler_table
        return worked_out(message, ("event", id(table)), partial(self.validate_event, message))

    def validate_event(self, message: dict[str, Any]) -> Event | None:
        """The same, validated anew."""
        adapter, data = self.handler_table.incoming_event_adapter, message.get("event_data")
        if adapter is None:
            log_event("event_without_handler", topic=self.topic)
            return None
        try:
            return adapter.validate_json(worked_out(message, "event json", partial(to_json, data)))
        except ValidationError as error:
            log_event("event_not_handled", topic=self.topic, problems=error.error_count())
            return None

    async def _handle_event(self, message: dict[str, Any]) -> None:
        event = event_for_handler(self, message)
        if event is None:
            return
        try:
            answer = await call_handler(self, self.handler_table.event_handler(event), event)
            if answer is not None:
                await self._send_reply(answer, message)
        except Exception as error:
            log_failure("event_handler_failed", error, topic=self.topic, action=self.handler_table.event_tag(event))
        if self.should_send_completion:
            await self.send_message(_EVENT_COMPLETE)

    async def _send_reply(self, reply: BaseMessage, message: dict[str, Any]) -> None:
        """``send_message`` without its pause; a reply that other connections send too is encoded once."""
        seq, consumer = message.get("seq"), self.consumer
        methods = (self.send_message, self.send_last, self.frame, consumer.encode)
        if any(map(is_replaced, methods, (Topic.send_message, Topic.send_last, Topic.frame, Sending.encode))):
            await self.send_message(reply, seq=seq)
            return
        form = (type(self), self.topic, seq, consumer.discriminator, consumer.should_camelize)
        text = encoded_reply(message, reply, form, partial(self.frame, reply, seq=seq))
        await consumer.send_encoded(text, self.handler_table.tag_of(reply))
