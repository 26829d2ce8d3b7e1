"""Messages from a client that every project can use."""

from typing import Literal

from chanx.messages.base import BaseMessage


class PingMessage(BaseMessage):
    """Asks whether the connection is alive."""

    action: Literal["ping"] = "ping"
    payload: None = None
