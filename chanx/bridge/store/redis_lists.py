"""The jobs of owners and watchers on Redis, how many of an owner's are active, and what an owner wants done once.

    {prefix}:jobs           zset    job id by the time it was created
    {prefix}:owner:<hash>   zset    the same, for its owner and each of its watchers
    {prefix}:active:<hash>  zset    job id by the order of creation, of an owner's jobs that had not ended
    {prefix}:key:<hash>     string  the job of an owner's idempotency key

A cluster may hold a list elsewhere than its jobs, so nothing takes a job off a list when it ends or expires: whoever
reads a list asks the jobs too, and a list is cleaned while it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError, too_many_jobs
from chanx.bridge.store.redis_client import RedisClient
from chanx.bridge.store.redis_lines import Request, request
from chanx.bridge.store.redis_scripts import snapshot_of

_CREATION_SECONDS: Final = 60
"""How long a job may be listed as active before it is stored."""


class JobLists:
    """Lists, each of which grows by little more than the jobs that are kept."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    def jobs_of(self, owner: str, *, limit: int, before: datetime | None, before_id: str) -> list[JobSnapshot]:
        """The contract's; what is gone by now leaves the list."""
        return self._newest(self._listed(owner), owner, limit, before, before_id)

    def all_jobs(self, *, limit: int, before: datetime | None, before_id: str) -> list[JobSnapshot]:
        """The contract's; what is gone by now leaves the list."""
        return self._newest(self._all, None, limit, before, before_id)

    def _newest(
        self, key: str, owner: str | None, limit: int, before: datetime | None, before_id: str
    ) -> list[JobSnapshot]:
        newest = "+inf" if before is None else f"{'' if before_id else '('}{before.timestamp()!r}"
        jobs: list[JobSnapshot] = []
        offset = 0
        while len(jobs) < limit:
            # Redis has those of the same time by their ids backwards, too.
            listed = request("ZREVRANGEBYSCORE", key, newest, "-inf", "WITHSCORES", "LIMIT", offset, limit)
            (answer,) = self._client.ask(listed)
            if not answer:
                break
            ids = answer[::2]
            if before is not None and before_id:
                last = before.timestamp(), before_id.encode()
                ids = [job_id for job_id, at in zip(ids, answer[1::2], strict=True) if (float(at), job_id) < last]
            found = [job for job in map(snapshot_of, self._of_each(ids, self._client.scripts.snapshot)) if job]
            kept = [job for job in found if owner is None or owner in (job.owner, *job.watchers)]
            jobs += kept
            self._leave(key, {job_id.decode() for job_id in ids} - {job.job_id for job in kept})
            offset += len(answer) // 2 - len(ids) + len(kept)
        return jobs[:limit]

    def earlier(self, record: JobRecord) -> str | None:
        """The job that was started with the record's idempotency key before, if any."""
        if record.idempotency_key is None:
            return None
        (job_id,) = self._client.ask(request("GET", self._used(record.owner, record.idempotency_key)))
        return job_id.decode() if job_id else None

    def take_place(self, record: JobRecord, max_active: int) -> None:
        """Lists a job as active before it is stored; ``TooManyJobsError`` where enough came before it.

        Whoever comes later sees it there, whether it is stored by then or not: never more than ``max_active`` pass.
        """
        key = self._active(record.owner)
        (listed,) = self._client.ask(self._client.scripts.enlist([key], [record.job_id, "1"]))
        if len(listed) // 2 - self._clean_active(key, listed) >= max_active:
            self._leave(key, [record.job_id])
            raise too_many_jobs(max_active)

    def add(self, record: JobRecord) -> tuple[Request, ...]:
        """What lists a job that has just been stored, and gives it its idempotency key unless another job has it."""
        scripts, created, used = self._client.scripts, repr(record.created_at.timestamp()), record.idempotency_key
        return (
            *([] if used is None else [scripts.use_key([self._used(record.owner, used)], [record.job_id])]),
            *(scripts.list([key], [record.job_id, created]) for key in self._lists_with(record)),
            scripts.enlist([self._active(record.owner)], [record.job_id, ""]),
        )

    def added(self, record: JobRecord, answers: Sequence[Any]) -> str:
        """Takes the answers to :meth:`add`, and cleans the lists if it is time to; returns the job that has the key."""
        holder = [] if record.idempotency_key is None else [answers[0].decode()]
        *listed, active = answers[len(holder) :]
        # The job is stored, whatever comes of this.
        with suppress(StoreUnavailableError):
            for key, ids in zip(self._lists_with(record), listed, strict=True):
                gone = [job_id for job_id, (seq, _) in zip(ids, self._states(ids), strict=True) if not seq]
                self._leave(key, gone)
            self._clean_active(self._active(record.owner), active)
        return holder[0] if holder else record.job_id

    def remove(self, record: JobRecord) -> tuple[Request, ...]:
        """What takes a job off all lists, and forgets its idempotency key."""
        return (
            *(request("ZREM", key, record.job_id) for key in self._lists_with(record)),
            request("ZREM", self._active(record.owner), record.job_id),
            *self.forget_key(record),
        )

    def forget_key(self, record: JobRecord) -> tuple[Request, ...]:
        """What forgets an idempotency key if it is the job's."""
        if record.idempotency_key is None:
            return ()
        return (self._client.scripts.forget_key([self._used(record.owner, record.idempotency_key)], [record.job_id]),)

    def _clean_active(self, key: str, listed: Sequence[Any]) -> int:
        """Takes off the list what is not active of (job id, age, job id, age, ...); returns how many."""
        ids, ages = listed[::2], listed[1::2]
        gone = [
            job_id
            for job_id, age, (seq, ended) in zip(ids, ages, self._states(ids), strict=True)
            if ended or (not seq and int(age) >= _CREATION_SECONDS)
        ]
        self._leave(key, gone)
        return len(gone)

    def _states(self, ids: Sequence[bytes]) -> list[tuple[bytes | None, bytes | None]]:
        """Of each job the newest ``seq``, None where it is unknown, and whether it has ended."""
        return self._of_each(ids, lambda keys: request("HMGET", *keys, "seq", "ended"))

    def _of_each(self, ids: Sequence[bytes], question: Callable[[list[str]], Request]) -> list[Any]:
        return self._client.ask(*(question(self._client.job_keys(job_id.decode(), "job")) for job_id in ids))

    def _leave(self, key: str, ids: Collection[str | bytes]) -> None:
        if ids:
            self._client.ask(request("ZREM", key, *ids))

    def _lists_with(self, record: JobRecord) -> list[str]:
        return [self._all, *map(self._listed, record.listed_for)]

    @property
    def _all(self) -> str:
        return self._client.key("jobs")

    def _listed(self, owner: str) -> str:
        return self._client.hashed_key("owner", owner)

    def _active(self, owner: str) -> str:
        return self._client.hashed_key("active", owner)

    def _used(self, owner: str, key: str) -> str:
        return self._client.hashed_key("key", f"{owner}\0{key}")
