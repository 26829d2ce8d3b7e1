"""A CSV file profiled as a job: what the people who watch are told, in which order, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chanx.bridge import JobError
from chanx.bridge.events import JobLogLine, JobProgress
from chanx.bridge.states import JobState
from chanx.testing.jobs import MemoryBridge, ObservedJob
from example_worker.csv_job import open_upload
from example_worker.events import BadRow, BadRowPayload, ColumnStats
from example_worker.settings import Settings
from example_worker.tasks import profile_csv
from tests.unit.example_worker.conftest import Upload


def lines_of(job: ObservedJob) -> list[str]:
    """The texts of the job's log."""
    return [line.payload.message for line in job.events.of_type(JobLogLine)]


def test_the_profile_is_returned_and_streamed(memory_bridge: MemoryBridge, upload: Upload) -> None:
    # Given a file with one bad row
    upload_id = upload("id;name\n1;Ann\n2\n3;Bob\n")
    # When it is profiled
    job = memory_bridge.run(profile_csv, upload_id)
    # Then the result is the profile as JSON data
    assert {key: job.result[key] for key in ("rows", "bad_rows", "encoding", "delimiter")} == {
        "rows": 2, "bad_rows": 1, "encoding": "utf-8", "delimiter": ";",
    }  # fmt: skip
    assert [(column["name"], column["type"], column["mean"]) for column in job.result["columns"]] == [
        ("id", "integer", 2.0),
        ("name", "text", None),
    ]
    # And the last statistics and the bad row are what was streamed
    newest = job.events.of_type(ColumnStats)[-1].payload.model_dump(mode="json")
    assert newest == {"rows": 2, "columns": job.result["columns"]}
    bad_row = BadRow(payload=BadRowPayload(line=3, reason="expected 2 fields, found 1", text="2"))
    job.events.assert_sequence([..., JobLogLine, ..., bad_row, ..., JobLogLine, ...])
    assert lines_of(job) == [
        "2 columns, 22 bytes, encoding utf-8, delimiter semicolon",
        "All read: 2 rows, 1 bad rows left out",
    ]


def test_progress_goes_by_bytes_up_to_the_end(memory_bridge: MemoryBridge, upload: Upload) -> None:
    # Given a file of some length
    content = "id,name\n" + "1,some text or other\n" * 100_000
    # When it is profiled
    job = memory_bridge.run(profile_csv, upload(content))
    # Then the bar only ever grew, to the last byte, and said how many rows that is
    progress = [event.payload for event in job.events.of_type(JobProgress)]
    positions = [report.current for report in progress]
    assert positions == sorted(positions)
    assert (progress[-1].current, progress[-1].fraction) == (len(content), 1)
    assert progress[-1].message == "100,000 rows"
    # And there are at most nine lines between the first and the last
    assert len([line for line in lines_of(job) if "% read" in line]) <= 9


def test_only_the_first_bad_rows_are_listed(memory_bridge: MemoryBridge, upload: Upload) -> None:
    job = memory_bridge.run(profile_csv, upload("a,b\n" + "x\n" * 250 + "1,2\n"))
    assert (job.result["bad_rows"], job.result["rows"]) == (250, 1)
    assert [row.payload.line for row in job.events.of_type(BadRow)] == list(range(2, 102))
    assert "150 more bad rows are not listed." in lines_of(job)


def test_a_header_alone_is_a_table_without_rows(memory_bridge: MemoryBridge, upload: Upload) -> None:
    result = memory_bridge.run(profile_csv, upload("a,b\n")).result
    assert (result["rows"], [column["type"] for column in result["columns"]]) == (0, ["empty", "empty"])


def test_the_widest_table_fits_into_one_event(memory_bridge: MemoryBridge, upload: Upload) -> None:
    # Given as many columns as are allowed, with the longest names and examples, of four bytes a character
    row = ",".join(f"{number}" + "😀" * 100 for number in range(Settings().max_columns))
    # When it is profiled, no event is too large
    job = memory_bridge.run(profile_csv, upload(f"{row}\n{row}\nx{row}\ny{row}\n"))
    assert job.result["rows"] == 3
    newest = job.events.of_type(ColumnStats)[-1].payload.model_dump(mode="json")
    assert len(json.dumps(newest, ensure_ascii=False).encode()) < 220_000


def test_cancelling_stops_between_two_rows(memory_bridge: MemoryBridge, upload: Upload) -> None:
    # Given a file of some length
    upload_id = upload("a,b\n" + "1,2\n" * 200_000)
    # When its job is cancelled after the first statistics
    job = memory_bridge.run(profile_csv, upload_id, cancel_after=ColumnStats)
    # Then most of the file is unread
    assert job.state is JobState.CANCELLED
    assert (job.events.of_type(JobProgress)[-1].payload.fraction or 1) < 0.9


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n", "empty_file"),
        (b'"a,b\n1,2\n', "bad_header"),
        (b"," * 999 + b"x\n", "bad_header"),
    ],
)
def test_a_file_without_a_table(memory_bridge: MemoryBridge, upload: Upload, content: bytes, code: str) -> None:
    job = memory_bridge.run(profile_csv, upload(content))
    assert job.error is not None
    assert job.error.code == code


@pytest.mark.parametrize(
    ("upload_id", "code"),
    [
        ("6c1f9a3e-7a4c-4e0e-9a55-0d8f7c1f2b11", "upload_missing"),
        ("../../etc/passwd", "upload_unknown"),
        ("", "upload_unknown"),
        ("6c1f9a3e-7a4c-4e0e-9a55-0d8f7c1f2b11/../x", "upload_unknown"),
    ],
)
def test_an_upload_that_is_not_there(tmp_path: Path, upload_id: str, code: str) -> None:
    with pytest.raises(JobError) as raised:
        open_upload(upload_id, Settings(upload_dir=tmp_path))
    assert raised.value.code == code
