"""What authors say about classes, methods and messages."""

from typing import Any

from chanx.asyncapi.descriptions import handler_description
from chanx.core.decorators import ws_handler
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage


class TestDescriptionsOfHandlers:
    def test_only_methods_describe_a_method(self) -> None:
        """Given a handler without a docstring whose bases have no such method, then the description is empty.

        What they have instead, nothing or a plain value, has the docstring of its type: since Python 3.13 None too.
        """

        class Base(ChanxWebsocketConsumerMixin[Any]):
            handle_ping: Any = 5

        class Consumer(Base):
            @ws_handler
            async def handle_ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

        (handler,) = Consumer.handler_table.handlers
        assert handler_description(Consumer, handler) == ""
