"""Starting a job: mint its id, store it, queue its tasks, and hand back what a page needs to watch it.

start_job ─> JobStore.create, with job_queued ─> apply_async, now or on commit ─> before_task_publish gives the context
          └─ deadline: whoever dies on the way leaves no job open ─┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from celery import Celery, Task
from celery.canvas import Signature

from chanx.bridge.canvas import canvas_of
from chanx.bridge.encoding import plain_meta
from chanx.bridge.installed import bridge_of
from chanx.bridge.observer import ENQUEUE_SECONDS
from chanx.bridge.owner import owner_of
from chanx.bridge.started import JobRef as JobRef
from chanx.bridge.started import StartedJob as StartedJob
from chanx.bridge.starting import COMMIT_SECONDS, JobStart
from chanx.errors import ConfigurationError
from chanx.layers import valid_group_name
from chanx.telemetry import SpanStart, span


def start_job_sync(
    task: Task[Any, Any] | Signature[Any],
    /,
    *args: Any,
    owner: object,
    meta: Mapping[str, Any] | None = None,
    groups: Sequence[str] | str = (),
    reply_to: object = None,
    idempotency_key: str | None = None,
    watchers: Sequence[str] | str = (),
    on_commit: bool = False,
    task_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> StartedJob:
    """Starts ``task(*args, **kwargs)`` as a job of ``owner`` (a user object, or an owner string).

    ``task`` may also be a signature, chain, group or chord: then the job ends with the last of its tasks, and its
    result is that of the final task, or a list of theirs. The job is stored before anything is published, so a page
    can subscribe at once.

    ``meta`` is yours (a title, say; at most 64 KiB as JSON) and comes back in the job's snapshot; ``task_options`` go
    to ``apply_async`` (``queue``, ``countdown``, …). ``groups`` are channel-layer groups that ``job.notify(event)``
    reaches, ``reply_to`` is the consumer (or its ``channel_name``) that ``job.reply(event)`` reaches. With an
    ``idempotency_key`` that the owner has used within the store's retention, nothing is started and the earlier job is
    returned, unless that one could not be started. ``watchers`` are owner strings of others who may watch the job
    (``"project:7"``), but not cancel it. With ``on_commit`` the task is published once Django's current transaction is
    committed; a rollback ends the job as failed.

    Raises ``StoreUnavailableError`` if the job cannot be stored: then nothing was started. Raises
    :class:`~chanx.errors.TooManyJobsError` if the owner has too many active jobs (``install(max_active_jobs=)``).
    Raises what Celery raises if the task cannot be published: then the job has ended as failed; ``on_commit`` does not
    raise that any more. A process that dies while it starts a job leaves one that fails within five minutes, an hour
    with ``on_commit``.
    """
    if task_options and "task_id" in task_options:
        raise ConfigurationError('task_options={"task_id": ...}: leave it out, or set it on a signature of the task')
    if idempotency_key is not None and not _is_key(idempotency_key):
        raise ConfigurationError(f"idempotency_key={idempotency_key!r}: pass a text that is not empty, or None")
    bridge, canvas = bridge_of(_app_of(task)), canvas_of(task.s() if isinstance(task, Task) else task)
    with span(SpanStart(f"start_job {canvas.name}", "producer", {"chanx.task": canvas.name})) as starting:
        start = JobStart(
            bridge,
            canvas,
            partial(_apply, args, kwargs, dict(task_options or {})),
            owner=owner_of(owner),
            groups=tuple(map(valid_group_name, [groups] if isinstance(groups, str) else groups)),
            reply_channel=_channel_of(reply_to),
        )
        earlier = start.store(
            meta=plain_meta(meta or {}),
            watchers=tuple(map(owner_of, [watchers] if isinstance(watchers, str) else watchers)),
            idempotency_key=idempotency_key,
            seconds=COMMIT_SECONDS if on_commit else ENQUEUE_SECONDS,
        )
        job = earlier or start.job
        starting.note({"chanx.job.id": job.job_id})
        if earlier is None and on_commit:
            start.enqueue_on_commit()
        elif earlier is None:
            start.enqueue()
        return job


async def start_job(
    task: Task[Any, Any] | Signature[Any],
    /,
    *args: Any,
    owner: object,
    meta: Mapping[str, Any] | None = None,
    groups: Sequence[str] | str = (),
    reply_to: object = None,
    idempotency_key: str | None = None,
    watchers: Sequence[str] | str = (),
    on_commit: bool = False,
    task_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> StartedJob:
    """As :func:`start_job_sync`, from async code; the broker and the store are talked to in a thread.

    With ``on_commit`` that is the thread of Django's database connections.
    """
    start = partial(
        start_job_sync,
        task,
        *args,
        owner=owner,
        meta=meta,
        groups=groups,
        reply_to=reply_to,
        idempotency_key=idempotency_key,
        watchers=watchers,
        on_commit=on_commit,
        task_options=task_options,
        **kwargs,
    )
    return await (_in_database_thread(start) if on_commit else asyncio.to_thread(start))


def _app_of(task: object) -> Celery:
    app: Celery | None = getattr(task, "app", None)
    if app is None:
        raise ConfigurationError(
            f"start_job({task!r}): pass a task (a function with @shared_task), or a signature of one"
        )
    return app


def _apply(args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any], signature: Any, **more: Any) -> None:
    signature.apply_async(args, kwargs, **more, **options)


def _is_key(key: object) -> bool:
    return isinstance(key, str) and bool(key.strip())


def _channel_of(reply_to: object) -> str | None:
    channel = getattr(reply_to, "channel_name", reply_to)
    if channel is None or isinstance(channel, str):
        return channel
    raise ConfigurationError(f"reply_to={reply_to!r}: pass a consumer, or its channel_name")


async def _in_database_thread(start: Callable[[], StartedJob]) -> StartedJob:
    try:
        from asgiref.sync import sync_to_async
    except ImportError as error:
        raise ConfigurationError("on_commit=True needs Django, whose transaction it waits for") from error
    return await sync_to_async(start, thread_sensitive=True)()
