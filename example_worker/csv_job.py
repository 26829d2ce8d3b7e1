"""Profiles a CSV file as a job: progress, log lines, bad rows as events, and statistics as they firm up."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from chanx.bridge import Job, JobError
from example_worker.csv_reader import CsvReader, EmptyFileError, Fault, HeaderError
from example_worker.events import BadRow, BadRowPayload, ColumnStats
from example_worker.profile import Profile
from example_worker.settings import Settings

TICK_SECONDS = 0.05
MILESTONES = 10
FIRST_STATS_SECONDS = 0.1  # soon, but one row tells nothing

_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


def open_upload(upload_id: str, settings: Settings) -> CsvReader:
    """The uploaded file of that id, a UUID: a path never comes from a client. Raises JobError if it cannot be read."""
    try:
        name = str(UUID(upload_id))
    except ValueError:
        raise JobError("There is no such upload.", code="upload_unknown") from None
    try:
        return CsvReader(settings.upload_dir / f"{name}.csv", max_columns=settings.max_columns)
    except FileNotFoundError:
        raise JobError("The uploaded file is gone.", code="upload_missing") from None
    except EmptyFileError:
        raise JobError("The file is empty.", code="empty_file") from None
    except HeaderError as error:
        raise JobError(str(error), code="bad_header") from None


class CsvJob:
    """One profile being made. The total is in bytes, known from the start; the message says the rows."""

    def __init__(self, job: Job, reader: CsvReader, settings: Settings) -> None:
        self._job = job
        self._reader = reader
        self._settings = settings
        self._profile = Profile(reader.columns)
        self._bad_rows = 0
        self._milestone = 1
        self._stats_due = 0.0

    def run(self) -> dict[str, Any]:
        """Read to the end and return the profile as JSON data. Raises JobCancelled between two rows."""
        self._announce()
        due = 0.0
        self._stats_due = time.monotonic() + FIRST_STATS_SECONDS
        for record in self._reader:
            if isinstance(record, Fault):
                self._reject(record)
            else:
                self._profile.add(record)
            # A look at the clock costs far less than a row, so a slow row cannot starve the progress.
            now = time.monotonic()
            if now >= due:
                due = now + TICK_SECONDS
                self._report(now)
        self._report(time.monotonic(), last=True)
        self._conclude()
        return {
            "bad_rows": self._bad_rows,
            "encoding": self._reader.encoding.name,
            "delimiter": self._reader.dialect.delimiter,
            **self._profile.snapshot().model_dump(mode="json"),
        }

    def _announce(self) -> None:
        reader, encoding = self._reader, self._reader.encoding
        delimiter = _DELIMITER_NAMES[reader.dialect.delimiter]
        found = f"{len(reader.columns)} columns, {reader.size:,} bytes, encoding {encoding.name}, delimiter {delimiter}"
        self._job.log(found)
        if not encoding.clean:
            self._job.log("Some bytes are not valid in that encoding; rows with them are left out.", level="warning")

    def _reject(self, fault: Fault) -> None:
        self._bad_rows += 1
        if self._bad_rows <= self._settings.listed_bad_rows:
            self._job.emit(BadRow(payload=BadRowPayload(line=fault.line, reason=fault.reason, text=fault.text)))

    def _report(self, now: float, *, last: bool = False) -> None:
        position, size, rows = self._reader.position, self._reader.size, self._profile.rows
        self._job.progress(position, size, message=f"{rows:,} rows", unit="bytes")
        if last or now >= self._stats_due:
            self._stats_due = now + self._settings.stats_period
            self._job.emit(ColumnStats(payload=self._profile.snapshot()))
        reached = position * MILESTONES // size
        if self._milestone <= reached < MILESTONES:
            self._milestone = reached + 1
            self._job.log(f"{reached * 100 // MILESTONES} % read: {rows:,} rows")

    def _conclude(self) -> None:
        unlisted = self._bad_rows - self._settings.listed_bad_rows
        if unlisted > 0:
            self._job.log(f"{unlisted:,} more bad rows are not listed.", level="warning")
        left_out = f", {self._bad_rows:,} bad rows left out" if self._bad_rows else ""
        self._job.log(f"All read: {self._profile.rows:,} rows{left_out}")
