"""The topic that shows somebody's jobs as they come and change: ``jobs:<owner>``, or ``jobs:me``.

group of the list (a state has changed) ─┐
heads of the active jobs, every 2 s      ├─> what may differ ─> read it ─> JobList ─> job_changed, job_removed
the whole list again, every 10 s         ┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final

from pydantic import ValidationError

from chanx.bridge.entry import Head
from chanx.bridge.names import JOB_LIST_PROTOCOL, list_group
from chanx.bridge.owner import is_owner, owner_or_none
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.heads import Listener
from chanx.bridge.web import descriptions
from chanx.bridge.web.access import NO_SUCH_LIST
from chanx.bridge.web.bridged import BridgedTopic
from chanx.bridge.web.job_list import MAX_SHOWN, JobList, listed
from chanx.bridge.web.list_messages import PAGE, JobChanged, JobListPage, JobListRequest, JobRemoved
from chanx.core.decorators import channel
from chanx.core.failures import log_failure
from chanx.core.topic import TopicRefused
from chanx.core.topic_pattern import MAX_TOPIC_LENGTH
from chanx.log import log_throttled

OWN: Final = "me"
RETRY_SECONDS: Final = 1.0
ROUND_SECONDS: Final = 0.1
"""The shortest time between two rounds: what changes meanwhile is told of once."""

MAX_SINGLE_READS: Final = 10
"""How many jobs that may differ are read one by one; of more the whole list is read."""

_PREFIX: Final = "jobs:"


@channel(description=descriptions.JOB_LIST)
class JobListTopic(BridgedTopic):
    """Put it into a consumer's ``topics``: a client sees the lists of the owners that it watches as.

    ``subscribed`` has ``{"jobs": [newest first], "more": true}``: another ``subscribe`` with ``{"before": …,
    "before_id": …}``, the ``created_at`` and ``job_id`` of the oldest, adds the next page. The list follows its newest
    500 jobs. ``job_changed`` may tell of a job that the client has; each one replaces what it had. Long values are left
    out: watch the job itself.

    With ``install(authorize=...)``, or where a subclass overrides :meth:`allows`, only what may be watched is shown.
    """

    pattern = f"{_PREFIX}{{owner}}"
    sends = (JobChanged, JobRemoved)
    subscribe_payload_type = JobListRequest | None
    subscribed_payload_type = JobListPage
    protocol = JOB_LIST_PROTOCOL
    repair_seconds: ClassVar[float] = 10.0

    def __init__(self, consumer: Any, topic: str, params: Mapping[str, str]) -> None:
        super().__init__(consumer, topic, params)
        self._owner: str | None = None
        self._list = JobList()
        self._changed: set[str] = set()
        self._reads_all = False
        self._asks_again = False
        self._wake = asyncio.Event()
        self._polled: dict[str, Listener] = {}

    @classmethod
    def parse(cls, topic: str) -> dict[str, str] | None:
        owner = topic.removeprefix(_PREFIX)
        is_list = topic.startswith(_PREFIX) and len(topic) <= MAX_TOPIC_LENGTH and (owner == OWN or is_owner(owner))
        return {"owner": owner} if is_list else None

    @classmethod
    def group_name(cls, topic: str) -> str:
        return list_group(topic.removeprefix(_PREFIX))

    @property
    def group(self) -> str:
        return self.group_name(self.topic) if self._owner is None else list_group(self._owner)

    @property
    def event_topic(self) -> str:
        return self.group

    async def authorize(self, owner: str) -> bool:
        """For who watches as the owner; an owner without jobs and another's list look the same."""
        name = await self._name_of(owner)
        if name is None or self._owner not in {None, name}:
            raise TopicRefused("unauthorized", NO_SUCH_LIST)
        self._owner = name
        return True

    async def reauthorize(self) -> bool:
        self._asks_again = self._reads_all = self._asks_for_each
        self._wake.set()
        return await super().reauthorize()

    async def subscribed_payload(self, payload: Any) -> dict[str, Any]:
        """The newest jobs, or the next older ones."""
        try:
            request = JobListRequest.model_validate(payload or {})
        except ValidationError as error:
            oldest = '"before": "<created_at of the oldest job>", "before_id": "<its job_id>"'
            hint = f'Send {{{oldest}, "limit": 1 to {PAGE}}}, or no payload at all.'
            raise TopicRefused("invalid_request", hint) from error
        await self._stop()
        if request.before is None:
            self._list = JobList()
        limit = max(0, min(request.limit, self._list.room))
        jobs = await self._jobs_of(limit=limit + 1, before=request.before, before_id=request.before_id)
        has_more = len(jobs) > limit
        page = jobs[:limit]
        self._list.extend(page, reaches_end=not has_more)
        shown: list[dict[str, Any]] = []
        for job in page:
            is_hidden = not await self._may_show(job)
            self._list.take(job, is_hidden=is_hidden)
            if not is_hidden:
                shown.append(listed(job))
        return {"jobs": shown, "more": has_more and self._list.room > 0}

    async def receive_event(self, message: dict[str, Any]) -> None:
        """Takes word of a job whose state has changed, or an ordinary event of the topic, from the channel layer."""
        if "job_id" in message:
            self._may_differ(message["job_id"])
        else:
            await super().receive_event(message)

    async def _name_of(self, owner: str) -> str | None:
        self.get_bridge()  # where there is none, that is no matter of who asks
        try:
            name = owner_or_none(self.user) if owner == OWN else owner
            return name if name in await self.watches_as() else None
        except Exception as error:
            log_failure("job_access_failed", error, topic=self.topic)
            return None

    @property
    def _asks_for_each(self) -> bool:
        has_own_rule = type(self).allows is not BridgedTopic.allows
        return has_own_rule or self.get_bridge().access.authorize is not None

    async def _may_show(self, job: JobSnapshot) -> bool:
        if not self._asks_for_each:
            return True
        try:
            return await self.is_allowed(job, "subscribe")
        except TopicRefused:
            return False

    def _may_differ(self, job_id: str) -> None:
        if len(self._changed) < MAX_SHOWN:
            self._changed.add(job_id)
        else:
            self._reads_all = True
        self._wake.set()

    def _heard(self, job_id: str, head: Head | None) -> None:
        if head is None or self._list.is_behind(job_id, head):
            self._may_differ(job_id)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        # Joining a group returns before Redis has subscribed: what is lost until then is found soon.
        repair_at = loop.time() + min(RETRY_SECONDS, self.repair_seconds)
        try:
            while True:
                self._poll(self._list.active)
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(repair_at):
                        await self._wake.wait()
                self._wake.clear()
                self._reads_all |= loop.time() >= repair_at or len(self._changed) > MAX_SINGLE_READS
                if self._reads_all:
                    repair_at = loop.time() + self.repair_seconds
                await self._round()
                await asyncio.sleep(ROUND_SECONDS)
        finally:
            self._poll(set())

    async def _round(self) -> None:
        """Tells of what differs. What fails, most of all a store that is away, is tried again."""
        try:
            await (self._tell_of_all() if self._reads_all else self._tell_of_changed())
            for job_id in self._list.overflow():
                await self._tell_of_removal(job_id)
        except Exception as error:
            if isinstance(error, StoreUnavailableError):
                log_throttled("job_list_waits", key=id(self.get_bridge().store), topic=self.topic, error=str(error))
            else:
                log_failure("job_list_failed", error, topic=self.topic)
            await asyncio.sleep(RETRY_SECONDS)
            self._reads_all = True
            self._wake.set()

    async def _tell_of_changed(self) -> None:
        store = self.get_bridge().async_store
        while self._changed:
            job_id = self._changed.pop()
            job = await store.snapshot(job_id)
            if job is None:
                await self._tell_of_removal(job_id)
            elif self._owner in (job.owner, *job.watchers):
                await self._tell_of(job)

    async def _tell_of_all(self) -> None:
        asks_again, self._asks_again, self._reads_all = self._asks_again, False, False
        self._changed.clear()
        try:
            await self._tell_of_pages(asks_again=asks_again)
        except BaseException:  # also of a client that asks for the next page meanwhile
            self._asks_again |= asks_again
            raise

    async def _tell_of_pages(self, *, asks_again: bool) -> None:
        found: set[str] = set()
        before: datetime | None = None
        before_id = ""
        while len(found) < MAX_SHOWN:
            # No more than a page in memory at a time: each of its jobs may have a large result.
            page = await self._jobs_of(limit=PAGE, before=before, before_id=before_id)
            covered = [job for job in page if self._list.covers(job)]
            for job in reversed(covered):
                await self._tell_of(job, asks_again=asks_again)
            found.update(job.job_id for job in covered)
            if len(covered) < PAGE:
                break
            before, before_id = page[-1].place
        for job_id in self._list.gone(found):
            await self._tell_of_removal(job_id)

    async def _tell_of(self, job: JobSnapshot, *, asks_again: bool = False) -> None:
        is_news, was_shown = self._list.is_news(job), self._list.shows(job.job_id)
        if not (is_news or asks_again):
            return
        is_shown = await self._may_show(job)
        if is_shown and (is_news or not was_shown):
            await self.send_message(JobChanged(payload={"job": listed(job)}))
        elif was_shown and not is_shown:
            await self.send_message(JobRemoved(payload={"job_id": job.job_id}))
        self._list.take(job, is_hidden=not is_shown)

    async def _tell_of_removal(self, job_id: str) -> None:
        if self._list.shows(job_id):
            await self.send_message(JobRemoved(payload={"job_id": job_id}))
        self._list.remove(job_id)

    async def _jobs_of(self, *, limit: int, before: datetime | None, before_id: str) -> list[JobSnapshot]:
        bridge, owner = self.get_bridge(), self._owner or ""
        listed = partial(bridge.store.jobs_of, owner, limit=limit, before=before, before_id=before_id)
        return await bridge.async_store.run(listed)

    def _poll(self, active: set[str]) -> None:
        """Has the heads of these jobs polled, and of no others."""
        poller = self.get_bridge().async_store.head_poller
        for job_id in self._polled.keys() - active:
            poller.remove(job_id, self._polled.pop(job_id))
        for job_id in active - self._polled.keys():
            self._polled[job_id] = partial(self._heard, job_id)
            poller.add(job_id, self._polled[job_id])
