"""Whom a task can reach beside those who watch its job: the client who started it, its owner, groups, other users."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from chanx.bridge.context import JobContext
from chanx.bridge.names import owner_group
from chanx.bridge.owner import owner_of
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.log import log_throttled
from chanx.messages.base import BaseMessage
from chanx.telemetry import stamped


class Reach:
    """Sends plain events, as consumers handle them. Without a context, to nobody."""

    def __init__(self, transport: JobTransport, context: JobContext | None) -> None:
        self._transport = transport
        self._context = context

    def reply(self, event: BaseMessage) -> None:
        """To the channel that the job was started from."""
        if self._context is None:
            return
        if self._context.reply_channel is None:
            log_throttled(
                "job_reply_to_nobody",
                key=type(event),
                job_id=self._context.job_id,
                event_type=type(event).__name__,
                fix="start_job(..., reply_to=consumer)",
            )
            return
        self._tell([self._context.reply_channel], event)

    def notify(self, event: BaseMessage, *, user: object = None, groups: Collection[str] | str = ()) -> None:
        """To a user's connections and to groups; with neither, to the job's groups, or else to its owner."""
        if self._context is None:
            return
        names = [groups] if isinstance(groups, str) else list(groups)
        if user is not None:
            names.append(owner_group(owner_of(user)))
        if not names:
            names = list(self._context.groups) or [owner_group(self._context.owner)]
        self._tell(list(dict.fromkeys(names)), event)

    def _tell(self, names: list[str], event: BaseMessage) -> None:
        # As chanx.core.events has it, which a worker does not load.
        message = stamped({"type": "handle_channel_event", "event_data": event.model_dump(mode="json")})
        self._transport.tell(names, message)


NOBODY: Final = Reach(NowhereTransport(), None)
