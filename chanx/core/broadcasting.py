"""The groups of a connection, and sending a message to all their members."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final

from chanx.core.camelize import camelized_by, packed_names
from chanx.core.channel_layer import configured, group_list
from chanx.core.dispatch import Dispatching
from chanx.core.handlers import merged_over_mro
from chanx.core.hub.shared_message import worked_out
from chanx.core.own_methods import is_replaced
from chanx.core.rekeying import decoded, rekeyed
from chanx.core.sending import Sending, json_text
from chanx.messages.base import ACTION, BaseMessage, tag_fields
from chanx.messages.outgoing import GroupCompleteMessage
from chanx.telemetry import stamped

OWN_BROADCAST_SECONDS: Final = 1.0

_GROUP_COMPLETE = GroupCompleteMessage()


class Broadcasting(Dispatching):
    """The part of a consumer that is in groups.

    ``groups`` of a class are joined by each of its connections, and so are ``extra_groups``, merged over the MRO. On an
    instance, ``groups`` is a list of its own: what is appended to it is left on disconnect and broadcast to by default.
    """

    groups: Any = None  # a sequence of names on a class, a list on an instance: Any, so that both assign
    extra_groups: Sequence[str] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.groups = group_list([*(self.groups or ()), *merged_over_mro(type(self), "extra_groups")])
        self._broadcasts: list[asyncio.Future[None]] = []
        super().__init__(*args, **kwargs)

    async def broadcast_message(
        self,
        message: BaseMessage | dict[str, Any],
        groups: Collection[str] | str | None = None,
        *,
        exclude_current: bool = False,
    ) -> None:
        """Send a message to every connection in the groups (None: those of this connection), once per group.

        With ``exclude_current`` this connection does not get it. Otherwise its own copy comes after what its handler
        sends next without waiting for anything: after its answer and the completion, where those follow at once.
        """
        layer = configured(self.channel_layer, self.channel_layer_alias)
        group_message = self._group_message(message)
        group_message["exclude"] = self.channel_name if exclude_current else None
        done = asyncio.get_running_loop().create_future()
        self._broadcasts.append(done)
        try:
            for group in group_list(self.groups if groups is None else groups):
                await layer.group_send(group, group_message)
        finally:
            self._broadcasts.remove(done)
            done.set_result(None)

    async def handle_group_message(self, message: dict[str, Any]) -> None:
        """Take a broadcast from the channel layer: send it to the client, then the completion."""
        exclude = message.get("exclude")
        if exclude is not None and exclude == self.channel_name:
            return
        if self._broadcasts:  # one's own copy may be here before the layer has returned to the handler that sent it
            await asyncio.wait(tuple(self._broadcasts), timeout=OWN_BROADCAST_SECONDS)
        content, text = self.broadcast_content(message)
        await self.send_encoded(text, content.get(self.discriminator))
        if self.should_send_completion:
            await self.send_last(_GROUP_COMPLETE)

    def _group_message(self, message: BaseMessage | dict[str, Any]) -> dict[str, Any]:
        """A message for connections that may have another wire form, and need not know its type.

        So there goes with it what they need of the type: the keys that can tell it apart (``tags``, its own first), and
        which keys are ``names`` of fields, to those that write them in camelCase.
        """
        model: type[BaseMessage] | None
        if isinstance(message, BaseMessage):
            model, content, tags = type(message), decoded(message.model_dump_json()), tag_fields(type(message))
        else:
            tag = message.get(self.discriminator)
            model = self.handler_table.outputs.get(tag) if isinstance(tag, str) else None
            content, tags = message, (self.discriminator,)
        group_message: dict[str, Any] = {"type": "handle_group_message", "message": content, "tags": list(tags)}
        names = None if model is None else packed_names(model)
        if names is not None:
            group_message["names"] = names
        return stamped(group_message)

    @property
    def is_broadcasting(self) -> bool:
        """Whether a broadcast of this connection's own is on its way to the channel layer."""
        return bool(self._broadcasts)

    def broadcast_content(self, message: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """A broadcast under this connection's discriminator, and as JSON in its wire form: once for all who share it.

        Whoever does not know the names of the message's fields asks its own class for them, or leaves them as they are.
        """
        camelize, names = self.should_camelize, message.get("names")
        is_named = names is not None and camelize
        if not is_named and is_replaced(self.encode_content, Sending.encode_content):
            return self._encoded_broadcast(message, None)
        key = ("broadcast", self.discriminator, camelize, type(self) if camelize and not is_named else None)
        return worked_out(message, key, lambda: self._encoded_broadcast(message, names if is_named else None))

    def _encoded_broadcast(self, message: dict[str, Any], names: str | None) -> tuple[dict[str, Any], str]:
        content, key = message["message"], self.discriminator
        tags = message.get("tags") or [key if key in content else ACTION]
        content = rekeyed(content, key if key in tags else tags[0], key)
        text = self.encode_content(content) if names is None else json_text(camelized_by(names, content, key))
        return content, text

    async def join_groups(self) -> None:
        """Join every group of this connection."""
        if self.groups:
            layer = configured(self.channel_layer, self.channel_layer_alias)
            for group in self.groups:
                await layer.group_add(group, self.channel_name)

    async def leave_groups(self) -> None:
        """Leave every group of this connection, those included that only ``channel_layer.group_add`` has joined."""
        if self.channel_layer is not None:
            await self.channel_layer.leave_groups(self.groups)
