"""Profiles many small CSV files as one job: a task for each of them, and one more that sums them up.

chord:  profile_file, profile_file, profile_file, … ─> summarise_files
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from chanx.bridge import Job, JobError
from example_worker.csv_job import TICK_SECONDS, open_upload
from example_worker.csv_reader import CsvReader, Fault
from example_worker.events import FileProfile, FileProfiled
from example_worker.kinds import Kind
from example_worker.profile import Profile
from example_worker.settings import Settings
from example_worker.text import shorten

MAX_NAME = 200


def profile_upload(job: Job, upload_id: str, name: str, settings: Settings) -> dict[str, Any]:
    """Profile one of the files; returns its :class:`~example_worker.events.FileProfile` as JSON data.

    A file that cannot be read says so in its ``error`` and stops no other. Raises JobCancelled between two rows.
    """
    name = shorten(name, MAX_NAME)
    try:
        reader = open_upload(upload_id, settings)
    except JobError as error:
        profile = FileProfile(name=name, error=error.message)
        job.log(f"{name}: {error.message}", level="warning")
    else:
        with reader:
            profile = _profile(job, reader, name)
    job.emit(FileProfiled(payload=profile))
    return profile.model_dump(mode="json")


def _profile(job: Job, reader: CsvReader, name: str) -> FileProfile:
    table = Profile(reader.columns)
    bad_rows = 0
    due = 0.0
    for record in reader:
        if isinstance(record, Fault):
            bad_rows += 1
        else:
            table.add(record)
        now = time.monotonic()
        if now >= due:
            due = now + TICK_SECONDS
            job.progress(reader.position, reader.size, name, unit="bytes")
    kinds: Counter[Kind] = Counter(column.type for column in table.snapshot().columns)
    return FileProfile(name=name, size=reader.size, rows=table.rows, bad_rows=bad_rows, kinds=dict(kinds))


def summarise(job: Job, profiles: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Sum up what :func:`profile_upload` returned for each file; raises JobError if none of them could be read."""
    files = [FileProfile.model_validate(profile) for profile in profiles]
    readable = [file for file in files if file.error is None]
    if not readable:
        raise JobError("None of the files could be read.", code="nothing_readable")
    rows, bad_rows = sum(file.rows for file in readable), sum(file.bad_rows for file in readable)
    left_out = f", {bad_rows:,} bad rows left out" if bad_rows else ""
    job.log(f"{len(readable):,} of {len(files):,} files read: {rows:,} rows{left_out}")
    return {
        "files": len(files),
        "unreadable_files": len(files) - len(readable),
        "rows": rows,
        "bad_rows": bad_rows,
        "profiles": [file.model_dump(mode="json") for file in files],
    }
