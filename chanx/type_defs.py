"""Types that appear in signatures of several packages."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from chanx.messages.base import BaseMessage

SendMessageFn: TypeAlias = Callable[[BaseMessage], Awaitable[None]]
"""Sends one message to the client of a connection."""

JsonObject: TypeAlias = dict[str, Any]
"""A decoded JSON object: ``Any`` because its shape is the wire's."""
