"""The groups of a connection, and sending a message to all their members."""

from collections.abc import Collection, Sequence
from typing import Any

from chanx.core.camelize import camelized
from chanx.core.channel_layer import configured, group_list
from chanx.core.dispatch import Dispatching
from chanx.core.failures import log_failure
from chanx.core.handlers import merged_over_mro
from chanx.core.rekeying import rekeyed
from chanx.messages.base import ACTION, BaseMessage, tag_field
from chanx.messages.outgoing import GroupCompleteMessage

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
        super().__init__(*args, **kwargs)

    async def broadcast_message(
        self,
        message: BaseMessage | dict[str, Any],
        groups: Collection[str] | str | None = None,
        *,
        exclude_current: bool = False,
    ) -> None:
        """Send a message to every connection in the groups (None: those of this connection), once per group.

        With ``exclude_current`` this connection does not get it.
        """
        layer = configured(self.channel_layer, self.channel_layer_alias)
        group_message = self._group_message(message)
        group_message["exclude"] = self.channel_name if exclude_current else None
        for group in group_list(self.groups if groups is None else groups):
            await layer.group_send(group, group_message)

    async def handle_group_message(self, message: dict[str, Any]) -> None:
        """Take a broadcast from the channel layer: send it to the client, then the completion."""
        exclude = message.get("exclude")
        if exclude is not None and exclude == self.channel_name:
            return
        content = message["camelized"] if self.should_camelize and "camelized" in message else message["message"]
        if self.discriminator not in content:
            content = rekeyed(content, ACTION, self.discriminator)
        await self.send_encoded(self.encode_content(content), content.get(self.discriminator))
        if self.should_send_completion:
            await self.send_last(_GROUP_COMPLETE)

    def _group_message(self, message: BaseMessage | dict[str, Any]) -> dict[str, Any]:
        if not isinstance(message, BaseMessage):
            return {"type": "handle_group_message", "message": message}
        own_field = tag_field(type(message), self.discriminator)
        content = rekeyed(message.model_dump(mode="json"), own_field, self.discriminator)
        group_message: dict[str, Any] = {"type": "handle_group_message", "message": content}
        if self.should_camelize:
            # Sent along, as a member need not know the type, and so not which of the keys are names.
            group_message["camelized"] = camelized(type(message), content, self.discriminator)
        return group_message

    async def join_groups(self) -> None:
        """Join every group of this connection."""
        if self.groups:
            layer = configured(self.channel_layer, self.channel_layer_alias)
            for group in self.groups:
                await layer.group_add(group, self.channel_name)

    async def leave_groups(self) -> None:
        """Leave every group of this connection; one that cannot be left is logged and does not stop the others."""
        if self.channel_layer is None:
            return
        for group in self.groups:
            try:
                await self.channel_layer.group_discard(group, self.channel_name)
            except Exception as error:
                log_failure("group_discard_failed", error, group=group)
