"""The job store on Redis or Valkey: a stream per job for its log, a hash for its snapshot, one script per step.

    {prefix}:{<job>}:job    hash    record, state, position, patched fields
    {prefix}:{<job>}:log    stream  entry id = <seq>-0
    {prefix}:{<job>}:runs   hash    run id -> the newest n appended
    {prefix}:{<job>}:pending, :tasks    what it waits for and knows of its tasks until it ends (executions.lua)
    {prefix}:owner:<hash>   zset    job id by the time it was created
    {prefix}:key:<hash>     string  the job of an owner's idempotency key
    {prefix}:suspects       zset    suspect by the time it was remembered

The keys of a job share a hash tag, so that a cluster holds them in one slot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from datetime import datetime
from functools import partial
from itertools import count
from typing import Any

from chanx.bridge.encoding import MAX_EVENT_BYTES
from chanx.bridge.entry import Appended, Head, JobOutcome, LogEntry, LogPage, NewEntry, Suspect
from chanx.bridge.names import LIVE_EVENT_TYPE, job_group, job_topic, validated_job_id
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention, StoreUnavailableError, id_taken
from chanx.bridge.store.fractions import parts_of
from chanx.bridge.store.redis_lines import Lines
from chanx.bridge.store.redis_scripts import Scripts, appended_of, outcome_of, snapshot_of
from chanx.errors import ConfigurationError, MissingExtraError
from chanx.layers import LayerSpec, Publisher, RedisPubSubPublisher
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import are_one_server
from chanx.utils.process import PerProcess

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError as error:  # pragma: no cover - the extra is installed wherever the tests run
    raise MissingExtraError('The Redis job store needs redis-py: pip install "chanx[bridge]"') from error


_MAX_MESSAGE_BYTES = 2 * MAX_EVENT_BYTES + 1024
"""What a live message has at most: as a JSON text in JSON, an event may double."""


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
            self._host = RedisHost.parse(url)
        except (ValueError, ConfigurationError) as error:
            raise ConfigurationError(f"The job store's URL: {error}") from error
        self.url = url
        self.prefix = prefix
        self.retention = retention or Retention()
        self._timeout = timeout
        self._suspects_key = f"{prefix}:suspects"
        self._connection = PerProcess(self._connect)

    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        executions = _flat(pending or {})
        with self._guarded() as scripts:
            created = scripts.create(
                keys=self._keys(record.job_id, "job", "pending", "tasks"),
                args=[
                    record.model_dump_json(),
                    len(executions) // 2,
                    *executions,
                    *_flat(_places(tasks or {record.task_id: True})),
                ],
            )
            if not created:
                raise id_taken(record.job_id)
            if record.idempotency_key is not None:
                # Last, so that a key never leads to a job that is not stored.
                key = self._hashed("key", f"{record.owner}\0{record.idempotency_key}")
                job_id: str = scripts.use_key(keys=[key], args=[record.job_id]).decode()
                if job_id != record.job_id:
                    scripts.client.delete(*self._keys(record.job_id, "job", "pending", "tasks"))
                    return job_id
            self._list_for_owner(scripts, record)
        return record.job_id

    def append(self, entry: NewEntry) -> Appended:
        return self._append(None, entry)

    def announcing_append(self, publisher: Publisher) -> Callable[[NewEntry], Appended] | None:
        spec = publisher.spec if type(publisher) is RedisPubSubPublisher else None
        if spec is None or spec.fernet_keys or spec.max_event_bytes < _MAX_MESSAGE_BYTES:
            return None
        host, *others = spec.hosts
        return partial(self._append, spec) if not others and are_one_server(host, self._host) else None

    def _append(self, announced_on: LayerSpec | None, entry: NewEntry) -> Appended:
        state, ending = entry.state, entry.ending
        with self._guarded() as scripts:
            answer = scripts.append(
                keys=self._keys(entry.job_id, "job", "log", "runs", "pending", "tasks"),
                args=[
                    entry.event,
                    entry.delivery,
                    entry.run_id,
                    entry.n,
                    state or "",
                    state.rank if state else 0,
                    entry.attempt,
                    "1" if state and state.is_terminal else "",
                    "1" if entry.only_if_queued else "",
                    "1" if entry.only_if_complete else "",
                    entry.task_id,
                    "1" if entry.claims else "",
                    ending.publish_id if ending else "",
                    ending.outcome if ending else "",
                    ending.value if ending else "",
                    "" if entry.fraction is None else parts_of(entry.fraction),
                    f"{announced_on.prefix}__group__{job_group(entry.job_id)}" if announced_on else "",
                    announced_on.serializer if announced_on else "",
                    LIVE_EVENT_TYPE,
                    job_topic(entry.job_id),
                    entry.action,
                    *_flat(entry.patch),
                ],
            )
        return appended_of(answer)

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        with self._guarded() as scripts:
            found = scripts.read(keys=self._keys(job_id, "job", "log"), args=[after, limit])
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
            return snapshot_of(scripts.snapshot(keys=self._keys(job_id, "job", "log")))

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        with self._guarded() as scripts:
            found = self._pipelined(scripts, scripts.head, [self._keys(job_id, "job") for job_id in job_ids])
        return [None if head is None else Head(head[0].decode(), head[1], head[2]) for head in found]

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        keys = self._keys(job_id, "job", "pending")
        with self._guarded() as scripts:
            return bool(scripts.add_pending(keys=keys, args=[publish_id, task_id]))

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        with self._guarded() as scripts:
            return bool(scripts.drop_pending(keys=self._keys(job_id, "job", "pending"), args=list(publish_ids)))

    def pending(self, job_id: str) -> dict[str, str]:
        with self._guarded() as scripts:
            found: dict[bytes, bytes] = scripts.client.hgetall(*self._keys(job_id, "pending"))
        return {publish_id.decode(): task_id.decode() for publish_id, task_id in found.items()}

    def outcome(self, job_id: str) -> JobOutcome | None:
        with self._guarded() as scripts:
            return outcome_of(scripts.outcome(keys=self._keys(job_id, "job", "tasks")))

    def suspect(self, suspect: Suspect) -> None:
        with self._guarded() as scripts:
            scripts.suspect(keys=[self._suspects_key], args=[_member(suspect)])

    def suspects(self, *, older_than: float, limit: int = 100) -> list[Suspect]:
        with self._guarded() as scripts:
            found = scripts.suspects(keys=[self._suspects_key], args=[older_than, limit])
        return [Suspect(*json.loads(member)) for member in found]

    def clear_suspect(self, suspect: Suspect) -> None:
        with self._guarded() as scripts:
            scripts.client.zrem(self._suspects_key, _member(suspect))

    def jobs_of(self, owner: str, *, limit: int = 50, before: datetime | None = None) -> list[JobSnapshot]:
        owner_key = self._hashed("owner", owner)
        jobs: list[JobSnapshot] = []
        with self._guarded() as scripts:
            start = 0
            while len(jobs) < limit:
                ids: list[bytes] = scripts.client.zrevrange(owner_key, start, start + limit - 1)
                if not ids:
                    break
                keys = [self._keys(job_id.decode(), "job", "log") for job_id in ids]
                found = [snapshot_of(row) for row in self._pipelined(scripts, scripts.snapshot, keys)]
                jobs += [job for job in found if job is not None]
                gone = [job_id for job_id, job in zip(ids, found, strict=True) if job is None]
                if gone:
                    scripts.client.zrem(owner_key, *gone)
                start += len(ids) - len(gone)
        return jobs[:limit]

    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
        with self._guarded() as scripts:
            state = scripts.cancel(keys=self._keys(job_id, "job"))
        return None if state is None else JobState(state.decode())

    def is_cancelled(self, job_id: str) -> bool:
        with self._guarded() as scripts:
            return bool(scripts.client.hexists(*self._keys(job_id, "job"), "cancel"))

    def close(self) -> None:
        scripts = self._connection.reset()
        if scripts is not None:
            scripts.client.close()
            scripts.lines.close()

    def _connect(self) -> Scripts:
        client: Any = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - redis-py's **kwargs
            self.url,
            socket_timeout=self._timeout,
            socket_connect_timeout=self._timeout,
            # Once, for a connection that the server closed meanwhile. Safe: appends are idempotent on (run_id, n).
            retry=Retry(NoBackoff(), 1),
        )
        return Scripts(client, Lines(self._host, timeout=self._timeout), self.retention)

    @contextmanager
    def _guarded(self) -> Generator[Scripts]:
        try:
            yield self._connection.get()
        except redis.RedisError as error:
            raise StoreUnavailableError(f"The job store did not answer: {type(error).__name__}: {error}") from error

    @staticmethod
    def _pipelined(scripts: Scripts, script: Callable[..., Any], keys: Sequence[Sequence[str]]) -> list[Any]:
        """One script for many jobs in one round trip."""
        pipeline = scripts.client.pipeline(transaction=False)
        for job_keys in keys:
            script(keys=job_keys, client=pipeline)
        answers: list[Any] = pipeline.execute()
        return answers

    def _list_for_owner(self, scripts: Scripts, record: JobRecord) -> None:
        owner_key, started = self._hashed("owner", record.owner), record.created_at.timestamp()
        pipeline = scripts.client.pipeline(transaction=False)
        pipeline.zadd(owner_key, {record.job_id: started})
        pipeline.zremrangebyscore(owner_key, 0, started - self.retention.active_seconds)
        pipeline.expire(owner_key, self.retention.active_seconds)
        pipeline.execute()

    def _keys(self, job_id: str, *names: str) -> list[str]:
        base = f"{self.prefix}:{{{validated_job_id(job_id)}}}:"
        return [base + name for name in names]

    def _hashed(self, kind: str, text: str) -> str:
        return f"{self.prefix}:{kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _flat(pairs: Mapping[str, str | int]) -> list[str | int]:
    return [text for pair in pairs.items() for text in pair]


def _places(tasks: Mapping[str, bool]) -> dict[str, int]:
    """The place of each task among the final ones, 0 for the others."""
    counted = count(1)
    return {task_id: next(counted) if is_final else 0 for task_id, is_final in tasks.items()}


def _member(suspect: Suspect) -> str:
    return json.dumps(astuple(suspect))
