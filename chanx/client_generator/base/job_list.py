"""Somebody's jobs on the connection: the newest first, as they come, change and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, Final

from .channel import Token
from .errors import JobRefusedError
from .job_models import ListedJob
from .messages import Frame
from .subscriptions import Subscriptions

MOST: Final = 500
"""As many as the server lets a list follow."""


class ListChannel:
    """What is known of one list, for all who look at it."""

    hears_while_asking: ClassVar[bool] = True  # the next page adds to what there is

    def __init__(self, topic: str, subscriptions: Subscriptions, token: Token, on_empty: Callable[[], None]) -> None:
        self.topic: Final = topic
        self.is_known = False
        self.has_more = False
        self.error: Exception | None = None
        self.version = 0
        self.changed = asyncio.Event()
        self._subscriptions = subscriptions
        self._token = token
        self._on_empty = on_empty
        self._lists: list[JobList] = []
        self._is_listed = False
        self._jobs: dict[str, ListedJob] = {}
        self._wanted = 0
        self._begins = True

    @property
    def jobs(self) -> list[ListedJob]:
        """Newest first."""
        return list(self._jobs.values())

    def join(self, jobs: JobList) -> None:
        self._lists.append(jobs)
        if not self._is_listed:
            self._is_listed = True
            self.error = None
            self._subscriptions.add(self)

    def leave(self, jobs: JobList) -> None:
        self._lists.remove(jobs)
        if not self._lists:
            self._on_empty()
            if self._is_listed:
                self._is_listed = False
                self._subscriptions.release(self)

    def close(self) -> None:
        """The client is done with it."""
        for jobs in list(self._lists):
            jobs.close()

    def more(self) -> None:
        """Asks for the next older jobs."""
        if self.has_more:
            self._wanted = len(self._jobs) + 1
            self._subscriptions.again(self)

    # What the subscriptions ask and tell

    def token(self) -> Token:
        return self._token

    def payload(self, token: str | None) -> dict[str, Any] | None:
        payload: dict[str, Any] = {}
        if not self._begins and self._jobs:
            oldest = self.jobs[-1]
            payload |= {"before": oldest.created_at.isoformat(), "before_id": oldest.job_id}
        if token:
            payload["token"] = token
        return payload or None

    def trouble(self, payload: Any) -> None: ...

    def lost(self) -> None:
        """The next answer begins the list anew; as much as was there is asked for again."""
        self._wanted = max(self._wanted, len(self._jobs))
        self._begins = True

    def subscribed(self, payload: dict[str, Any]) -> None:
        if self._begins:
            self._jobs.clear()
        self._begins = False
        self.is_known = True
        self.has_more = bool(payload.get("more"))
        before = len(self._jobs)
        self._add([ListedJob.model_validate(job) for job in payload["jobs"]])
        self._tell()
        if self.has_more and before < len(self._jobs) < self._wanted:
            self._subscriptions.again(self)

    def frame(self, frame: Frame) -> None:
        action = frame.get(self._subscriptions.discriminator)
        payload: Any = frame.get("payload")
        if action == "job_changed":
            job = ListedJob.model_validate(payload["job"])
            known = self._jobs.get(job.job_id)
            if known is None or not _is_older(job, known):
                self._add([job])
                self._tell()
        elif action == "job_removed" and self._jobs.pop(payload["job_id"], None) is not None:
            self._tell()

    def refused(self, payload: Any) -> None:
        self.failed(JobRefusedError(None, payload))

    def failed(self, error: Exception) -> None:
        self._is_listed = False
        self.error = error
        self._tell()

    def _add(self, jobs: list[ListedJob]) -> None:
        self._jobs.update({job.job_id: job for job in jobs})
        newest = sorted(self._jobs.values(), key=_place, reverse=True)[:MOST]
        self._jobs = {job.job_id: job for job in newest}

    def _tell(self) -> None:
        self.version += 1
        self.changed.set()


class JobList:
    """``async for jobs in list`` gives the list whenever it has changed, newest first; for a slow loop only the newest.

    The loop ends with ``close``; it raises ``JobRefusedError`` where the list is another's, and what the connection
    ended with.
    """

    def __init__(self, channel: ListChannel) -> None:
        self._channel = channel
        self._seen = 0 if channel.is_known else channel.version
        self._is_closed = False
        channel.join(self)

    @property
    def jobs(self) -> list[ListedJob]:
        """Newest first; empty until the server has answered."""
        return self._channel.jobs

    @property
    def has_more(self) -> bool:
        """Whether there are older jobs than these."""
        return self._channel.has_more

    def more(self) -> None:
        """Asks for the next older jobs: the loop goes on when they are there."""
        self._channel.more()

    def __aiter__(self) -> JobList:
        return self

    async def __anext__(self) -> list[ListedJob]:
        while not self._is_closed and self._seen == self._channel.version:
            self._channel.changed.clear()
            await self._channel.changed.wait()
        if self._is_closed:
            raise StopAsyncIteration
        if self._channel.error is not None:
            raise self._channel.error
        self._seen = self._channel.version
        return self.jobs

    def close(self) -> None:
        """Ends the watching."""
        if not self._is_closed:
            self._is_closed = True
            self._channel.changed.set()
            self._channel.leave(self)


def _place(job: ListedJob) -> tuple[datetime, str]:
    return job.created_at, job.job_id


def _is_older(job: ListedJob, known: ListedJob) -> bool:
    """Whether a snapshot was taken before another one of the same job. Another epoch may have begun anew."""
    return job.epoch == known.epoch and (job.seq, job.rev) < (known.seq, known.rev)
