"""Everything the pages ask of the worker and of chanx's bridge: start a job, look one up, list them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import chord
from django.contrib.auth.models import AbstractBaseUser
from kombu.exceptions import OperationalError

from chanx.bridge import JobRef, bridge_of, owner_of, start_job_sync
from chanx.bridge.names import is_job_id
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from example_site.jobs.models import Upload
from example_worker.app import app
from example_worker.commands import COMMANDS
from example_worker.tasks import profile_csv, profile_file, run_command, summarise_files

JOBS_LISTED = 50
NOT_STARTED = "The job could not be started: the queue does not answer. Try again in a moment."


class JobsUnavailableError(Exception):
    """The job log or the queue cannot be reached at the moment."""


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except (StoreUnavailableError, OperationalError) as error:
        raise JobsUnavailableError from error


def command_choices() -> list[tuple[str, str]]:
    """(key, title) of what the worker agrees to run."""
    return [(key, command.title) for key, command in COMMANDS.items()]


def start_upload_job(uploads: Sequence[Upload], user: AbstractBaseUser) -> JobRef:
    """Starts reading uploads whose files are in place, several of them as one job."""
    ids = [str(upload.pk) for upload in uploads]
    if len(uploads) == 1:
        return _start(profile_csv.s(*ids), user, title=uploads[0].original_name, kind="csv", uploads=ids)
    files = [profile_file.s(str(upload.pk), upload.original_name) for upload in uploads]
    return _start(chord(files, summarise_files.s()), user, title=f"{len(files)} CSV files", kind="files", uploads=ids)


def start_command_job(command: str, user: AbstractBaseUser) -> JobRef:
    """Starts a command of the worker's list."""
    return _start(run_command.s(command), user, title=COMMANDS[command].title, kind="command", command=command)


def run_again(job_id: str, user: AbstractBaseUser) -> JobRef | None:
    """Starts what a job of the user's was about anew; None if there is no such job, or its uploads are gone."""
    job = job_of(user, job_id)
    if job is None:
        return None
    if command := job.meta.get("command"):
        return start_command_job(command, user)
    ids = job.meta.get("uploads", ())
    found = {str(id): upload for id, upload in Upload.objects.filter(owner=user).in_bulk(ids).items()}
    return start_upload_job([found[id] for id in ids], user) if ids and found.keys() == set(ids) else None


def _start(canvas: Any, user: AbstractBaseUser, **meta: Any) -> JobRef:
    with _reachable():
        return start_job_sync(canvas, owner=user, meta=meta).ref


def jobs_of(user: AbstractBaseUser) -> list[JobSnapshot]:
    """The user's jobs, newest first."""
    with _reachable():
        return bridge_of(app).store.jobs_of(owner_of(user), limit=JOBS_LISTED)


def job_of(user: AbstractBaseUser, job_id: str) -> JobSnapshot | None:
    """The job if it exists and is the user's own; None looks the same for all reasons."""
    if not is_job_id(job_id):
        return None
    with _reachable():
        snapshot = bridge_of(app).store.snapshot(job_id)
    return snapshot if snapshot is not None and snapshot.owner == owner_of(user) else None
