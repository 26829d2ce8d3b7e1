"""The site's one WebSocket: every job a page watches is a topic on it."""

from chanx.bridge import JobTopic
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

NOT_SIGNED_IN = 4401


@channel(name="jobs")
class JobsConsumer(AsyncJsonWebsocketConsumer):
    """Job streams of the signed-in user."""

    topics = [JobTopic]

    async def post_authentication(self) -> None:
        if not self.scope["user"].is_authenticated:
            # After the handshake, because a browser does not tell a page why a handshake was refused.
            await self.close(code=NOT_SIGNED_IN)

    @ws_handler
    async def handle_ping(self, message: PingMessage) -> PongMessage:
        """Lets a page find out that its connection is dead although nobody closed it."""
        return PongMessage()
