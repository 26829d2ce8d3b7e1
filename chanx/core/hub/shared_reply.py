"""The reply of one handler to many connections, encoded once where it is the same."""

from collections.abc import Callable, Hashable
from typing import Any, Final

from chanx.core.hub.mutable_parts import is_frozen
from chanx.core.hub.shared_message import SharedMessage
from chanx.messages.base import BaseMessage

MAX_REPLIES: Final = 16
"""Of one message are kept: what each connection has of its own is of no use to the others."""


def encoded_reply(
    message: dict[str, Any] | None, reply: BaseMessage, form: Hashable, encode: Callable[[], str], *, is_plain: bool
) -> str:
    """What ``encode`` makes of the reply, kept for the other connections that take ``message`` and have this ``form``.

    A frozen reply is known by its identity. Another may have been changed since: it is known by its JSON, and what is
    saved is to give that the form of the wire; where that ``is_plain``, there is nothing to save.
    """
    if not isinstance(message, SharedMessage):
        return encode()
    replies: dict[Hashable, tuple[BaseMessage | None, str]] = message.work.setdefault("replies", {})
    key: Hashable = (id(reply), form)
    kept: BaseMessage | None = None
    if key not in replies:
        if is_frozen(reply):
            kept = reply  # so that no other gets its identity
        elif is_plain:
            return encode()
        else:
            key = (type(reply), reply.model_dump_json(), form)
    known = replies.get(key)
    if known is not None:
        return known[1]
    text = encode()
    if len(replies) < MAX_REPLIES:
        replies[key] = (kept, text)
    return text
