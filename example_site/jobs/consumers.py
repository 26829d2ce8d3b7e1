"""The site's one WebSocket: every job and every list that a page watches is a topic on it."""

from chanx.bridge import JobListTopic, JobTopic
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel

NOT_SIGNED_IN = 4401


@channel(name="jobs")
class JobsConsumer(AsyncJsonWebsocketConsumer):
    """Job streams of the signed-in user, and the list of these jobs."""

    topics = [JobTopic, JobListTopic]

    async def post_authentication(self) -> None:
        if not self.scope["user"].is_authenticated:
            # After the handshake, because a browser does not tell a page why a handshake was refused.
            await self.close(code=NOT_SIGNED_IN)
