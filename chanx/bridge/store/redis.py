"""The job store on Redis or Valkey: a stream per job for its log, a hash for its snapshot, one script per step.

    {prefix}:{<job>}:job    hash    record, state, position, patched fields
    {prefix}:{<job>}:log    stream  entry id = <seq>-0
    {prefix}:{<job>}:runs   hash    run id -> the newest n appended
    {prefix}:{<job>}:pending, :tasks    what it waits for and knows of its tasks until it ends (executions.lua)

The keys of a job share a hash tag, so that a cluster holds them in one slot. No script takes keys of two slots.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import count

from chanx.bridge.encoding import MAX_EVENT_BYTES
from chanx.bridge.entry import (
    Appended,
    Deadline,
    Execution,
    Head,
    JobOutcome,
    LogEntry,
    LogPage,
    NewEntry,
)
from chanx.bridge.names import list_group
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention, id_taken
from chanx.bridge.store.fractions import parts_of
from chanx.bridge.store.redis_client import RedisClient
from chanx.bridge.store.redis_leases import RedisDeadlines, RedisLeases
from chanx.bridge.store.redis_lines import Arguments, LineScript, Request, request
from chanx.bridge.store.redis_lists import JobLists
from chanx.bridge.store.redis_scripts import CLAIMED, appended_of, head_of, outcome_of, snapshot_of, terms_of
from chanx.layers import Publisher, RedisPubSubPublisher
from chanx.layers.redis_options import are_one_server

_MAX_MESSAGE_BYTES = 2 * MAX_EVENT_BYTES + 1024
"""What a live message has at most: as a JSON text in JSON, an event may double."""

_JOB_KEYS = ("job", "log", "runs", "pending", "tasks")


class RedisJobStore(JobStore):
    """A store that every process of a site and its workers can share.

    ``url`` is one of redis-py's (``redis://``, ``rediss://``, ``unix://``), or names Sentinels, who say which server it
    is: ``redis+sentinel://user:password@host1:26379,host2:26379/master_name/0``, or ``rediss+sentinel://``. Options of
    it that begin with ``sentinel_``, such as ``sentinel_password``, are for the connections to the Sentinels.

    ``timeout`` (seconds) bounds connecting and each answer. Safe across forks and threads: each process opens its own
    connections when it first needs them. Works on Redis >= 6.2 and Valkey. A URL of another form raises
    :class:`~chanx.errors.ConfigurationError`.
    """

    def __init__(
        self, url: str, *, prefix: str = "chanx", retention: Retention | None = None, timeout: float = 0.5
    ) -> None:
        self.url = url
        self.prefix = prefix
        self.retention = retention or Retention()
        self._client = RedisClient(url, prefix=prefix, retention=self.retention, timeout=timeout)
        self._scripts = self._client.scripts
        self._keys = self._client.job_keys
        self._lists = JobLists(self._client)
        self._leases = RedisLeases(self._client)
        self._deadlines = RedisDeadlines(self._client)
        # Most events are one of many of a run.
        self._of_run = lru_cache(maxsize=256)(self._arguments_of_run)

    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        earlier = self._lists.earlier(record)
        if earlier is not None:
            return earlier
        if max_active is not None:
            self._lists.take_place(record, max_active)
        executions, places = _flat(pending or {}), _flat(_places(tasks or {record.task_id: True}))
        groups = json.dumps([list_group(owner) for owner in record.listed_for])
        adding = self._lists.add(record)
        created, *answers = self._client.ask(
            self._scripts.create(
                self._keys(record.job_id, "job", "pending", "tasks"),
                [record.model_dump_json(), groups, len(executions) // 2, *executions, *places],
            ),
            *([] if first is None else [self._appending(self._scripts.append, first)]),
            # Last, so that neither a key nor a list leads to a job that is not stored.
            *adding,
        )
        if not created:
            self._client.ask(*self._lists.forget_key(record))
            raise id_taken(record.job_id)
        job_id = self._lists.added(record, answers[-len(adding) :])
        if job_id != record.job_id:
            # Another start with the key was faster, at the same moment.
            self._client.ask(request("DEL", *self._keys(record.job_id, *_JOB_KEYS)), *self._lists.remove(record))
        return job_id

    def append(self, entry: NewEntry) -> Appended:
        return self._append(self._scripts.append, entry)

    def announcing_append(self, publisher: Publisher) -> Callable[[NewEntry], Appended] | None:
        spec = publisher.spec if type(publisher) is RedisPubSubPublisher else None
        if spec is None or spec.fernet_keys or spec.max_event_bytes < _MAX_MESSAGE_BYTES:
            return None
        if type(self).append is not RedisJobStore.append:
            # A subclass has its reasons, which this way would pass by.
            return None
        host, *others = spec.hosts
        if others or not are_one_server(host, self._client.host):
            return None
        return partial(self._append, self._scripts.announcing_append(spec.prefix, spec.serializer))

    def _append(self, script: LineScript, entry: NewEntry) -> Appended:
        before, after = self._leases.before(entry), self._leases.after(entry)
        answers = self._client.ask(*before, self._appending(script, entry), *after)
        return appended_of(answers[len(before)])

    def _appending(self, script: LineScript, entry: NewEntry) -> Request:
        of_run = self._of_run(entry.job_id, entry.run_id, entry.task_id, entry.attempt)
        parts = [
            b"%d" % entry.n,
            entry.action.encode(),
            entry.delivery.encode(),
            entry.event.encode(),
            b"" if entry.fraction is None else b"%d" % parts_of(entry.fraction),
            terms_of(entry).encode(),
        ]
        if entry.patch:
            parts += [text.encode() for field in entry.patch.items() for text in field]
        return script.call(of_run, parts)

    def _arguments_of_run(self, job_id: str, run_id: str, task_id: str, attempt: int) -> Arguments:
        return Arguments.of(self._keys(job_id, *_JOB_KEYS), [job_id, run_id, task_id, attempt])

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        (found,) = self._client.ask(self._scripts.read(self._keys(job_id, "job", "log"), [after, limit]))
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
        (found,) = self._client.ask(self._scripts.snapshot(self._keys(job_id, "job")))
        return snapshot_of(found)

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        found = self._client.ask(*(self._scripts.head(self._keys(job_id, "job")) for job_id in job_ids))
        return [head_of(head) for head in found]

    def delete(self, job_id: str) -> bool:
        ((record, ended),) = self._client.ask(request("HMGET", *self._keys(job_id, "job"), "record", "ended"))
        if not ended:
            return False
        # Last the job itself, so that a deletion that was broken off can be repeated.
        *_, deleted = self._client.ask(
            *self._lists.remove(JobRecord.model_validate_json(record)),
            self._scripts.delete(self._keys(job_id, *_JOB_KEYS)),
        )
        return bool(deleted)

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        keys = self._keys(job_id, "job", "pending")
        (added,) = self._client.ask(self._scripts.add_pending(keys, [publish_id, task_id, worker]))
        return bool(added)

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        (complete,) = self._client.ask(self._scripts.drop_pending(self._keys(job_id, "job", "pending"), publish_ids))
        return bool(complete)

    def pending(self, job_id: str) -> dict[str, str]:
        return {publish_id: task_id for publish_id, task_id, _ in self._executions(job_id)}

    def unclaimed(self, job_id: str, *, worker: str | None = None) -> dict[str, str]:
        return {
            publish_id: task_id
            for publish_id, task_id, publisher in self._executions(job_id)
            if publisher != CLAIMED and worker in (None, publisher)
        }

    def outcome(self, job_id: str) -> JobOutcome | None:
        (found,) = self._client.ask(self._scripts.outcome(self._keys(job_id, "job", "tasks")))
        return outcome_of(found)

    def renew_lease(self, worker: str) -> None:
        self._leases.renew(worker)

    def leases(self) -> dict[str, int]:
        return self._leases.numbers()

    def drop_lease(self, worker: str) -> None:
        self._leases.drop(worker)

    def hold(self, worker: str, executions: Sequence[Execution]) -> None:
        self._leases.hold(worker, executions)

    def held(self, worker: str) -> list[Execution]:
        return self._leases.held(worker)

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        self._leases.release(worker, publish_ids, run_id=run_id)

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        self._deadlines.set(deadline, seconds=seconds)

    def due_deadlines(self, *, limit: int = 100) -> list[Deadline]:
        return self._deadlines.due(limit=limit)

    def clear_deadline(self, deadline: Deadline) -> None:
        self._deadlines.clear(deadline)

    def jobs_of(
        self, owner: str, *, limit: int = 50, before: datetime | None = None, before_id: str = ""
    ) -> list[JobSnapshot]:
        return self._lists.jobs_of(owner, limit=limit, before=before, before_id=before_id)

    def all_jobs(self, *, limit: int = 50, before: datetime | None = None, before_id: str = "") -> list[JobSnapshot]:
        return self._lists.all_jobs(limit=limit, before=before, before_id=before_id)

    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
        arguments = [] if reason is None else [reason]
        (state,) = self._client.ask(self._scripts.cancel(self._keys(job_id, "job"), arguments))
        return None if state is None else JobState(state.decode())

    def is_cancelled(self, job_id: str) -> bool:
        (flag,) = self._client.ask(request("HEXISTS", *self._keys(job_id, "job"), "cancel"))
        return bool(flag)

    def close(self) -> None:
        self._client.close()

    def _executions(self, job_id: str) -> list[tuple[str, str, str]]:
        """Publish id, task id and publisher of each that is pending."""
        (flat,) = self._client.ask(request("HGETALL", *self._keys(job_id, "pending")))
        found = zip(flat[::2], flat[1::2], strict=True)
        return [(name.decode(), *value.decode().rpartition("\n")[::2]) for name, value in found]


def _flat(pairs: Mapping[str, str | int]) -> list[str | int]:
    return [text for pair in pairs.items() for text in pair]


def _places(tasks: Mapping[str, bool]) -> dict[str, int]:
    """The place of each task among the final ones, 0 for the others."""
    counted = count(1)
    return {task_id: next(counted) if is_final else 0 for task_id, is_final in tasks.items()}
