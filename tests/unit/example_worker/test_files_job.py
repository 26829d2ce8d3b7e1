"""Many small files: each is profiled by a task of its own, and one more sums them up."""

from __future__ import annotations

from typing import Any

import pytest
from celery import chord

from chanx.bridge.events import (
    JobFailed,
    JobLogLine,
    JobProgress,
    JobQueued,
    JobStarted,
    JobSucceeded,
    JobTaskState,
    LogPayload,
)
from chanx.bridge.states import JobState
from chanx.testing.jobs import MemoryBridge, like
from example_worker.events import FileProfile, FileProfiled
from example_worker.tasks import profile_file, summarise_files
from tests.unit.example_worker.conftest import Upload


def test_a_file_tells_what_it_is(memory_bridge: MemoryBridge, upload: Upload) -> None:
    # Given a file with a bad row
    upload_id = upload(b"id,name,born\n1,Ann,2001-01-31\n2\n3,Bob,2002-02-28\n")
    # When it is profiled
    job = memory_bridge.run(profile_file, upload_id, "people.csv")
    # Then that is what is returned, as JSON data, and told to whoever watches
    assert job.result == {
        "name": "people.csv", "size": 49, "rows": 2, "bad_rows": 1,
        "kinds": {"integer": 1, "text": 1, "date": 1}, "error": None,
    }  # fmt: skip
    told = FileProfiled(payload=FileProfile(**job.result))
    job.events.assert_sequence([JobQueued, JobStarted, JobProgress, told, JobSucceeded])


def test_progress_is_the_file_s_own_and_names_it(memory_bridge: MemoryBridge, upload: Upload) -> None:
    content = b"a,b\n" + b"1,2\n" * 50_000
    job = memory_bridge.run(profile_file, upload(content), "long.csv")
    reports = job.events.of_type(JobProgress)
    assert {report.payload.message for report in reports} == {"long.csv"}
    assert (reports[0].payload.total, reports[0].payload.unit) == (len(content), "bytes")


@pytest.mark.parametrize(
    ("content", "error"), [(b"", "The file is empty."), (b'"a,b\n', "The header row (line 1) cannot be read")]
)
def test_a_file_that_cannot_be_read_stops_no_other(
    memory_bridge: MemoryBridge, upload: Upload, content: bytes, error: str
) -> None:
    # Given a file without a table, when it is profiled
    job = memory_bridge.run(profile_file, upload(content), "x.csv")
    # Then that is no failure of the job but a line of its result
    assert job.result["error"].startswith(error)
    assert (job.result["rows"], job.result["kinds"]) == (0, {})
    # And the log names it, so that nobody has to look for it among the others
    warning = LogPayload(level="warning", message=f"x.csv: {job.result['error']}")
    told = FileProfiled(payload=FileProfile(**job.result))
    job.events.assert_sequence([JobQueued, JobStarted, JobLogLine(payload=warning), told, JobSucceeded])


def test_a_name_is_made_fit_to_show(memory_bridge: MemoryBridge, upload: Upload) -> None:
    job = memory_bridge.run(profile_file, upload(b"a,b\n1,2\n"), "a\x1b[31m\udcff.csv")
    assert job.result["name"] == "a\ufffd[31m\ufffd.csv"


def test_cancelling_stops_in_the_middle_of_a_file(memory_bridge: MemoryBridge, upload: Upload) -> None:
    upload_id = upload(b"a,b\n" + b"1,2\n" * 400_000)
    job = memory_bridge.run(profile_file, upload_id, "long.csv", cancel_after=JobProgress)
    assert job.state is JobState.CANCELLED
    assert job.events.of_type(FileProfiled) == []


def profile_of(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "size": 10, "rows": 5, "bad_rows": 1, "kinds": {"text": 2}, "error": None} | more


def test_the_summary_adds_up_what_could_be_read(memory_bridge: MemoryBridge) -> None:
    # Given the profiles of three files, one of which could not be read
    broken = profile_of("c.csv", rows=0, bad_rows=0, kinds={}, error="The file is empty.")
    profiles = [profile_of("a.csv"), profile_of("b.csv", rows=7), broken]
    # When they are summed up
    job = memory_bridge.run(summarise_files, profiles)
    # Then the result has the sums and every file, in order
    assert job.result == {"files": 3, "unreadable_files": 1, "rows": 12, "bad_rows": 2, "profiles": profiles}
    # And the log says so
    line = like(JobLogLine, level="info", message="2 of 3 files read: 12 rows, 2 bad rows left out")
    job.events.assert_sequence([JobQueued, JobStarted, line, JobSucceeded])


def test_nothing_but_unreadable_files_is_a_failure(memory_bridge: MemoryBridge) -> None:
    job = memory_bridge.run(summarise_files, [profile_of("a.csv", error="The file is empty.")])
    error = {"code": "nothing_readable", "message": "None of the files could be read."}
    job.events.assert_sequence([JobQueued, JobStarted, like(JobFailed, error=error)])


def test_all_of_them_are_one_job(memory_bridge: MemoryBridge, upload: Upload) -> None:
    # Given two files
    files = [profile_file.s(upload(b"a,b\n1,2\n"), "a.csv"), profile_file.s(upload(b"a\n"), "b.csv")]
    # When the canvas is run that the site starts
    job = memory_bridge.run(chord(files, summarise_files.s()))
    # Then it ends once, with the sum, after each of them
    assert (job.result["files"], job.result["rows"]) == (2, 1)
    ends = [event for event in job.events.of_type(JobTaskState) if event.payload.state == "succeeded"]
    assert [event.payload.name.rpartition(".")[2] for event in ends] == ["profile_file"] * 2 + ["summarise_files"]
    assert job.events.actions.count("job_succeeded") == 1
