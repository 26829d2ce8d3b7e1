"""Many small files: each is profiled by a task of its own, and one more sums them up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chanx.bridge import JobCancelled, JobError
from example_worker.files_job import profile_upload, summarise
from example_worker.settings import Settings
from tests.unit.example_worker.recording import RecordingTransport, recording_job


@pytest.fixture
def worker_settings(tmp_path: Path) -> Settings:
    return Settings(upload_dir=tmp_path)


def upload(settings: Settings, content: bytes) -> str:
    upload_id = str(uuid4())
    (settings.upload_dir / f"{upload_id}.csv").write_bytes(content)
    return upload_id


def test_a_file_tells_what_it_is(worker_settings: Settings) -> None:
    # Given a file with a bad row
    transport = RecordingTransport()
    upload_id = upload(worker_settings, b"id,name,born\n1,Ann,2001-01-31\n2\n3,Bob,2002-02-28\n")
    # When it is profiled
    profile = profile_upload(recording_job(transport), upload_id, "people.csv", worker_settings)
    # Then that is what is returned, as JSON data, and told to whoever watches
    assert profile == {
        "name": "people.csv", "size": 49, "rows": 2, "bad_rows": 1,
        "kinds": {"integer": 1, "text": 1, "date": 1}, "error": None,
    }  # fmt: skip
    assert transport.payloads("file_profiled") == [profile]


def test_progress_is_the_file_s_own_and_names_it(worker_settings: Settings) -> None:
    transport = RecordingTransport()
    job = recording_job(transport)
    content = b"a,b\n" + b"1,2\n" * 50_000
    profile_upload(job, upload(worker_settings, content), "long.csv", worker_settings)
    reports = transport.payloads("job_progress")
    assert [report["message"] for report in reports] == ["long.csv"] * len(reports)
    assert (reports[0]["total"], reports[0]["unit"]) == (len(content), "bytes")


@pytest.mark.parametrize(
    ("content", "error"), [(b"", "The file is empty."), (b'"a,b\n', "The header row (line 1) cannot be read")]
)
def test_a_file_that_cannot_be_read_stops_no_other(worker_settings: Settings, content: bytes, error: str) -> None:
    # Given a file without a table
    transport = RecordingTransport()
    # When it is profiled, that is no failure of the job but a line of its result
    profile = profile_upload(recording_job(transport), upload(worker_settings, content), "x.csv", worker_settings)
    assert profile["error"].startswith(error)
    assert (profile["rows"], profile["kinds"]) == (0, {})
    # And the log names it, so that nobody has to look for it among the others
    assert transport.payloads("job_log") == [{"level": "warning", "message": f"x.csv: {profile['error']}"}]
    assert transport.payloads("file_profiled") == [profile]


def test_a_name_is_made_fit_to_show(worker_settings: Settings) -> None:
    upload_id = upload(worker_settings, b"a,b\n1,2\n")
    profile = profile_upload(recording_job(RecordingTransport()), upload_id, "a\x1b[31m\udcff.csv", worker_settings)
    assert profile["name"] == "a\ufffd[31m\ufffd.csv"


def test_cancelling_stops_in_the_middle_of_a_file(worker_settings: Settings) -> None:
    transport = RecordingTransport(cancel_when=lambda sent: len(sent.events) >= 2)
    upload_id = upload(worker_settings, b"a,b\n" + b"1,2\n" * 400_000)
    with pytest.raises(JobCancelled):
        profile_upload(recording_job(transport), upload_id, "long.csv", worker_settings)
    assert transport.payloads("file_profiled") == []


def profile_of(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "size": 10, "rows": 5, "bad_rows": 1, "kinds": {"text": 2}, "error": None} | more


def test_the_summary_adds_up_what_could_be_read() -> None:
    # Given the profiles of three files, one of which could not be read
    broken = profile_of("c.csv", rows=0, bad_rows=0, kinds={}, error="The file is empty.")
    profiles = [profile_of("a.csv"), profile_of("b.csv", rows=7), broken]
    transport = RecordingTransport()
    # When they are summed up
    result = summarise(recording_job(transport), profiles)
    # Then the result has the sums and every file, in order
    assert result == {"files": 3, "unreadable_files": 1, "rows": 12, "bad_rows": 2, "profiles": profiles}
    assert json.loads(json.dumps(result)) == result
    # And the log says so
    assert transport.payloads("job_log") == [
        {"level": "info", "message": "2 of 3 files read: 12 rows, 2 bad rows left out"}
    ]


def test_nothing_but_unreadable_files_is_a_failure() -> None:
    with pytest.raises(JobError, match="None of the files could be read") as raised:
        summarise(recording_job(RecordingTransport()), [profile_of("a.csv", error="The file is empty.")])
    assert raised.value.code == "nothing_readable"
