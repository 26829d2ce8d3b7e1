"""The worker's tasks: thin, as all that they do is written and tested without Celery."""

from __future__ import annotations

from typing import Any

from chanx.bridge import JobError, JobTask
from example_worker.app import app
from example_worker.command_job import run_as_job
from example_worker.commands import COMMANDS
from example_worker.csv_job import CsvJob, open_upload
from example_worker.files_job import profile_upload, summarise
from example_worker.settings import Settings


@app.task(bind=True, base=JobTask)
def profile_csv(self: JobTask, upload_id: str) -> dict[str, Any]:
    """Profile the columns of an uploaded CSV file; ``upload_id`` is the UUID the site stored it under."""
    settings = Settings.from_env()
    with open_upload(upload_id, settings) as reader:
        return CsvJob(self.job, reader, settings).run()


@app.task(bind=True, base=JobTask)
def profile_file(self: JobTask, upload_id: str, name: str) -> dict[str, Any]:
    """Profile one of many uploaded CSV files; ``name`` is what the people who watch know it by."""
    return profile_upload(self.job, upload_id, name, Settings.from_env())


@app.task(bind=True, base=JobTask)
def summarise_files(self: JobTask, profiles: list[dict[str, Any]]) -> dict[str, Any]:
    """Sum up what :func:`profile_file` returned for each of the files: the body of their chord."""
    return summarise(self.job, profiles)


@app.task(bind=True, base=JobTask)
def run_command(self: JobTask, command: str) -> dict[str, Any]:
    """Run a command of :data:`~example_worker.commands.COMMANDS`, by its key, and stream its output."""
    chosen = COMMANDS.get(command)
    if chosen is None:
        raise JobError("There is no such command.", code="command_unknown")
    return run_as_job(self.job, chosen)
