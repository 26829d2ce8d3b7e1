"""The tables of the job store. The store itself writes them in SQL of its own; these are for migrations and the admin.

    job ──< event        the log                    job ──< execution    what it waits for, until its end
        ──< patch        the snapshot's fields          ──< task         what it consists of, until its end
        ──< run          which appends are known        ──< listing      whom it is listed for
                                                        ──< key          the idempotency key it was started with
    lease, held          workers, and what is in their care
    deadline             what is due
    epoch                one row: which history the logs belong to

No constraint ties the rows of a job together: the store deletes them itself, in one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from chanx.bridge.contrib.fields import UnixTimeField
from chanx.bridge.states import JobState

if TYPE_CHECKING:
    OfJob = models.ForeignKey["Job", "Job"]
    Chars = models.CharField[str, str]
    Text = models.TextField[str, str]
    TextOrNull = models.TextField[str | None, str | None]
    Number = models.BigIntegerField[int, int]
    NumberOrNull = models.BigIntegerField[int | None, int | None]
    Flag = models.BooleanField[bool, bool]
else:
    OfJob = models.ForeignKey


def _of_job(*, related_name: str = "+") -> OfJob:
    return models.ForeignKey(
        "Job", models.DO_NOTHING, related_name=related_name, db_constraint=False, db_index=False, db_column="job_id"
    )


class Job(models.Model):
    """A job, its position and its outcome so far. ``record`` and ``listed_for``, its owner and watchers, are JSON."""

    job_id: Chars = models.CharField(max_length=64, primary_key=True)
    owner: Text = models.TextField()
    name: Text = models.TextField()
    record: Text = models.TextField()
    listed_for: Text = models.TextField()
    created_at = UnixTimeField("created", db_index=True)
    expires_at = UnixTimeField("kept until", db_index=True)
    state: Chars = models.CharField(max_length=16, choices=[(state.value, state.value) for state in JobState])
    is_active: Flag = models.BooleanField(default=True)
    attempt: Number = models.BigIntegerField(default=0)
    is_cancelled: Flag = models.BooleanField("cancellation requested", default=False)
    cancel_reason: TextOrNull = models.TextField(null=True)  # null is no reason, as in the snapshot; JSON
    seq: Number = models.BigIntegerField(default=0)
    rev: Number = models.BigIntegerField(default=0)
    oldest: Number = models.BigIntegerField(default=1)
    log_bytes: Number = models.BigIntegerField(default=0)
    trimmed_bytes: Number = models.BigIntegerField(default=0)
    tasks: Number = models.BigIntegerField(default=0)
    parts: Number = models.BigIntegerField(default=0)
    unfinished: Number = models.BigIntegerField(default=0)
    result_bytes: Number = models.BigIntegerField(default=0)
    failure: TextOrNull = models.TextField(null=True)  # null is none
    cancellation: TextOrNull = models.TextField(null=True)  # null is none

    if TYPE_CHECKING:
        field_patches: list[Patch]  # as the admin prefetches them

    class Meta:
        indexes = [
            models.Index(fields=["owner"], name="chanx_jobs_active", condition=models.Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.job_id})"


class Event(models.Model):
    """A numbered event. ``start`` is how many bytes the log had before it, counted from the job's first event."""

    job = _of_job(related_name="events")
    seq: Number = models.BigIntegerField()
    start: Number = models.BigIntegerField()
    text: Text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "seq"], name="chanx_jobs_event_once")]


class Patch(models.Model):
    """What events have patched into the snapshot: ``field``, as JSON, or the rev of a ``latest`` action."""

    job = _of_job(related_name="patches")
    kind: Chars = models.CharField(max_length=8)
    name: Text = models.TextField()
    value: Text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "kind", "name"], name="chanx_jobs_patch_once")]


class Run(models.Model):
    """The newest ``n`` that a run has appended."""

    job = _of_job()
    run_id: Text = models.TextField()
    n: Number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "run_id"], name="chanx_jobs_run_once")]


class Execution(models.Model):
    """An execution that the job waits for. ``worker`` has the task in its care that published it."""

    job = _of_job()
    publish_id: Text = models.TextField()
    task_id: Text = models.TextField()
    worker: Text = models.TextField(default="")
    is_claimed: Flag = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "publish_id"], name="chanx_jobs_execution_once")]


class Task(models.Model):
    """A task of the job, or another one that runs for it (``place`` null).

    ``place`` is 1, 2, 3, … for the final ones, 0 for the others. ``attempt`` and ``run_id`` are the newest attempt that
    runs and the run that may speak for it. A result that is too large to keep is empty.
    """

    job = _of_job()
    task_id: Text = models.TextField()
    place: NumberOrNull = models.BigIntegerField(null=True)
    attempt: Number = models.BigIntegerField(default=-1)
    run_id: Text = models.TextField(default="")
    progress_attempt: Number = models.BigIntegerField(default=0)
    progress_parts: Number = models.BigIntegerField(default=0)
    result: TextOrNull = models.TextField(null=True)  # null is none yet

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "task_id"], name="chanx_jobs_task_once")]


class Listing(models.Model):
    """Whom a job is listed for: a digest of an owner string, of its owner or of a watcher."""

    job = _of_job()
    listed_for: Chars = models.CharField(max_length=64)
    created_at = UnixTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "listed_for"], name="chanx_jobs_listing_once")]
        indexes = [models.Index(fields=["listed_for", "-created_at"], name="chanx_jobs_listing_newest")]


class Key(models.Model):
    """An idempotency key: a digest of the owner and the key."""

    digest: Chars = models.CharField(max_length=64, primary_key=True)
    job_id: Chars = models.CharField(max_length=64, db_index=True)
    expires_at = UnixTimeField(db_index=True)


class Lease(models.Model):
    """A worker. ``renewal`` is changed by each renewal."""

    worker: Text = models.TextField(primary_key=True)
    renewal: Number = models.BigIntegerField()


class Held(models.Model):
    """An execution that a worker has in its care, as JSON."""

    worker: Text = models.TextField()
    publish_id: Text = models.TextField()
    run_id: Text = models.TextField()
    execution: Text = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "publish_id"], name="chanx_jobs_held_once")]


class Deadline(models.Model):
    """What is due, as JSON; ``digest`` is that of the JSON."""

    digest: Chars = models.CharField(max_length=64, primary_key=True)
    deadline: Text = models.TextField()
    due_at = UnixTimeField(db_index=True)


class Epoch(models.Model):
    """The one row with the epoch of all logs, and the identity of the database that it was minted in."""

    epoch: Chars = models.CharField(max_length=32)
    identity: Text = models.TextField()
