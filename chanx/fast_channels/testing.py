"""Testing consumers on FastAPI and Starlette."""

from fast_channels.testing import WebsocketCommunicator as FastChannelsCommunicator

from chanx.core.testing import WebsocketCommunicatorMixin


class WebsocketCommunicator(WebsocketCommunicatorMixin, FastChannelsCommunicator):
    """A typed test client of one connection::

        async with WebsocketCommunicator(app, "/ws/chat", consumer=ChatConsumer) as client:
            await client.send_message(ChatMessage(payload="Hello"))
            assert await client.receive_all_messages() == [EchoMessage(payload="Hello")]

    It has the methods of fast-channels' own communicator too.
    """
