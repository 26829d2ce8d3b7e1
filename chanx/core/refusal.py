"""Refusing what a client asks of a topic, in words that it is shown."""

from chanx.errors import ChanxError
from chanx.messages.outgoing import ErrorMessage


class TopicRefused(ChanxError):
    """Raise it in a topic's hook or handler to answer the client's frame with ``{"reason", "detail"}``.

    Raised while subscribing it also ends the subscription. Both texts are shown to the client.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def refusal_message(refused: TopicRefused) -> ErrorMessage:
    """The error message that answers a refused frame."""
    return ErrorMessage(payload={"reason": refused.reason, "detail": refused.detail})
