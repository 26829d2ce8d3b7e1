"""The site's one WebSocket: every job and every list that a page watches is a topic on it."""

import logging
from collections.abc import Callable

from channels.db import database_sync_to_async

from chanx.bridge import JobListTopic, JobRef, JobTopic
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, ws_handler
from example_site.jobs import services
from example_site.jobs.messages import JobAccepted, JobNotStarted, RefusalPayload, RunAgain, StartCommand
from example_site.jobs.services import NOT_STARTED, JobsUnavailableError
from example_worker.events import BadRow, ColumnStats, FileProfiled

NOT_SIGNED_IN = 4401
SIGNED_OUT = "You are signed out."
NOT_AGAIN = "There is no such job, or its files are gone."

logger = logging.getLogger(__name__)


@channel(name="job", description="A job: its log from any position on, then live. Cancel it, too.", tags=["jobs"])
class SiteJobTopic(JobTopic):
    """The job topic, with the events of this site's own worker in its documentation."""

    sends = (ColumnStats, BadRow, FileProfiled)


@channel(
    name="jobs",
    description="Starts jobs of the signed-in user. Watch one as the topic job:<job_id>, all of them as jobs:me.",
    tags=["jobs"],
)
class JobsConsumer(AsyncJsonWebsocketConsumer):
    """Job streams of the signed-in user, and the list of these jobs."""

    topics = [SiteJobTopic, JobListTopic]

    async def post_authentication(self) -> None:
        if not self.scope["user"].is_authenticated:
            # After the handshake, because a browser does not tell a page why a handshake was refused.
            await self.close(code=NOT_SIGNED_IN)

    @ws_handler(summary="Start a command")
    async def start_command(self, message: StartCommand) -> JobAccepted | JobNotStarted:
        """Runs one of the worker's commands as a job of yours."""
        return await self._started(lambda: services.start_command_job(message.payload.command, self.user))

    @ws_handler(summary="Run a job again")
    async def run_again(self, message: RunAgain) -> JobAccepted | JobNotStarted:
        """Starts a job of yours anew, with the same files or the same command."""
        return await self._started(lambda: services.run_again(message.payload.job_id, self.user))

    async def _started(self, start: Callable[[], JobRef | None]) -> JobAccepted | JobNotStarted:
        if not self.user.is_authenticated:  # signed out since, in another tab
            return _refused(SIGNED_OUT)
        try:
            ref = await database_sync_to_async(start)()
        except JobsUnavailableError:
            logger.warning("job not started", exc_info=True)
            return _refused(NOT_STARTED)
        return _refused(NOT_AGAIN) if ref is None else JobAccepted(payload=ref)


def _refused(detail: str) -> JobNotStarted:
    return JobNotStarted(payload=RefusalPayload(detail=detail))
