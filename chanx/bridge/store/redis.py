"""The job store on Redis or Valkey: a stream per job for its log, a hash for its snapshot, one script per step.

    {prefix}:{<job>}:job    hash    record, state, position, patched fields
    {prefix}:{<job>}:log    stream  entry id = <seq>-0
    {prefix}:{<job>}:runs   hash    run id -> the newest n appended
    {prefix}:owner:<hash>   zset    job id by the time it was created

The keys of a job share a hash tag, so that a cluster holds them in one slot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any

from chanx.bridge.entry import Appended, AppendStatus, Head, LogEntry, LogPage, NewEntry
from chanx.bridge.names import validated_job_id
from chanx.bridge.snapshot import JobRecord, JobSnapshot, decoded_fields
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention, StoreUnavailableError
from chanx.errors import ConfigurationError, MissingExtraError
from chanx.utils.process import PerProcess

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.commands.core import Script
    from redis.retry import Retry
except ImportError as error:  # pragma: no cover - the extra is installed wherever the tests run
    raise MissingExtraError('The Redis job store needs redis-py: pip install "chanx[bridge]"') from error


class RedisJobStore(JobStore):
    """A store that every process of a site and its workers can share.

    ``timeout`` (seconds) bounds connecting and each answer. Safe across forks and threads: each process opens its own
    connections when it first needs them. Works on Redis >= 6.2 and Valkey. A URL of another form raises
    :class:`~chanx.errors.ConfigurationError`.
    """

    def __init__(
        self, url: str, *, prefix: str = "chanx", retention: Retention | None = None, timeout: float = 0.5
    ) -> None:
        try:
            redis.connection.parse_url(url)  # type: ignore[no-untyped-call]  # redis-py has no types here
        except ValueError as error:
            raise ConfigurationError(f"The job store's URL: {error}") from error
        self.url = url
        self.prefix = prefix
        self.retention = retention or Retention()
        self._timeout = timeout
        self._connection = PerProcess(self._connect)

    def create(self, record: JobRecord) -> None:
        job_key = self._keys(record.job_id)[0]
        owner_key = self._owner_key(record.owner)
        with self._guarded() as scripts:
            created = scripts.create(keys=[job_key], args=[record.model_dump_json(), self.retention.active_seconds])
            if not created:
                raise ConfigurationError(f"The job id {record.job_id} is taken. Let start_job mint the id.")
            started = record.created_at.timestamp()
            pipeline = scripts.client.pipeline(transaction=False)
            pipeline.zadd(owner_key, {record.job_id: started})
            pipeline.zremrangebyscore(owner_key, 0, started - self.retention.active_seconds)
            pipeline.expire(owner_key, self.retention.active_seconds)
            pipeline.execute()

    def append(self, entry: NewEntry) -> Appended:
        state = entry.state
        patch = [text for pair in entry.patch.items() for text in pair]
        with self._guarded() as scripts:
            status, seq, rev, epoch, cancelled = scripts.append(
                keys=self._keys(entry.job_id),
                args=[
                    entry.event,
                    entry.delivery,
                    entry.run_id,
                    entry.n,
                    state or "",
                    state.rank if state else 0,
                    entry.attempt,
                    int(state is not None and state.is_terminal),
                    int(entry.only_if_queued),
                    self.retention.max_entries,
                    self.retention.active_seconds,
                    self.retention.ended_seconds,
                    *patch,
                ],
            )
        return Appended(AppendStatus(status.decode()), seq, rev, epoch.decode(), bool(cancelled))

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        with self._guarded() as scripts:
            found = scripts.read(keys=self._keys(job_id)[:2], args=[after, limit])
        if found is None:
            return None
        oldest, head, epoch, entries = found
        return LogPage(
            tuple(LogEntry(int(entry_id.split(b"-")[0]), fields[1].decode()) for entry_id, fields in entries),
            oldest,
            head,
            epoch.decode(),
        )

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        with self._guarded() as scripts:
            return _snapshot(scripts.snapshot(keys=self._keys(job_id)[:2]))

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        with self._guarded() as scripts:
            found = self._pipelined(scripts, scripts.head, [self._keys(job_id)[:1] for job_id in job_ids])
        return [None if head is None else Head(head[0].decode(), head[1], head[2]) for head in found]

    def jobs_of(self, owner: str, *, limit: int = 50) -> list[JobSnapshot]:
        owner_key = self._owner_key(owner)
        jobs: list[JobSnapshot] = []
        with self._guarded() as scripts:
            start = 0
            while len(jobs) < limit:
                ids: list[bytes] = scripts.client.zrevrange(owner_key, start, start + limit - 1)
                if not ids:
                    break
                keys = [self._keys(job_id.decode())[:2] for job_id in ids]
                found = [_snapshot(row) for row in self._pipelined(scripts, scripts.snapshot, keys)]
                jobs += [job for job in found if job is not None]
                gone = [job_id for job_id, job in zip(ids, found, strict=True) if job is None]
                if gone:
                    scripts.client.zrem(owner_key, *gone)
                start += len(ids) - len(gone)
        return jobs[:limit]

    def request_cancel(self, job_id: str) -> JobState | None:
        with self._guarded() as scripts:
            state = scripts.cancel(keys=self._keys(job_id)[:1])
        return None if state is None else JobState(state.decode())

    def is_cancelled(self, job_id: str) -> bool:
        with self._guarded() as scripts:
            return bool(scripts.client.hexists(self._keys(job_id)[0], "cancel"))

    def close(self) -> None:
        scripts = self._connection.reset()
        if scripts is not None:
            scripts.client.close()

    def _connect(self) -> _Scripts:
        client: Any = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - redis-py's **kwargs
            self.url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            # Once, for a connection that the server closed meanwhile. Safe: appends are idempotent on (run_id, n).
            retry=Retry(NoBackoff(), 1),
        )
        return _Scripts(client)

    @contextmanager
    def _guarded(self) -> Generator[_Scripts]:
        try:
            yield self._connection.get()
        except redis.RedisError as error:
            raise StoreUnavailableError(f"The job store did not answer: {type(error).__name__}: {error}") from error

    @staticmethod
    def _pipelined(scripts: _Scripts, script: Callable[..., Any], keys: Sequence[Sequence[str]]) -> list[Any]:
        """One script for many jobs in one round trip."""
        pipeline = scripts.client.pipeline(transaction=False)
        for job_keys in keys:
            script(keys=job_keys, client=pipeline)
        answers: list[Any] = pipeline.execute()
        return answers

    def _keys(self, job_id: str) -> tuple[str, str, str]:
        base = f"{self.prefix}:{{{validated_job_id(job_id)}}}"
        return f"{base}:job", f"{base}:log", f"{base}:runs"

    def _owner_key(self, owner: str) -> str:
        return f"{self.prefix}:owner:{hashlib.sha256(owner.encode()).hexdigest()[:32]}"


class _Scripts:
    """The scripts of the store, bound to one process's client."""

    def __init__(self, client: Any) -> None:
        self.client = client  # Any: redis-py types its synchronous and asynchronous answers as one
        self.create = self._script("create")
        self.append = self._script("append")
        self.read = self._script("read")
        self.snapshot = self._script("snapshot")
        self.head = self._script("head")
        self.cancel = self._script("cancel")

    def _script(self, name: str) -> Script:
        script: Script = self.client.register_script(_source("epoch") + _source(name))
        return script


@cache
def _source(name: str) -> str:
    return resources.files("chanx.bridge.store").joinpath("scripts", f"{name}.lua").read_text()


def _snapshot(found: Any) -> JobSnapshot | None:
    if found is None:
        return None
    oldest, flat = found
    values: dict[str, str] = {key.decode(): value.decode() for key, value in zip(flat[::2], flat[1::2], strict=True)}
    record: Mapping[str, Any] = json.loads(values["record"])
    return JobSnapshot(
        **record,
        state=JobState(values["state"]),
        attempt=int(values["attempt"]),
        cancel_requested="cancel" in values,
        epoch=values["epoch"],
        seq=int(values["seq"]),
        oldest=oldest,
        rev=int(values["rev"]),
        fields=decoded_fields({name[2:]: text for name, text in values.items() if name.startswith("f:")}),
    )
