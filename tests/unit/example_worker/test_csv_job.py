"""A CSV file profiled as a job: what the people who watch are told, in which order, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chanx.bridge import JobCancelled, JobError
from chanx.bridge.events import JobSucceeded, SucceededPayload
from example_worker.csv_job import CsvJob, open_upload
from example_worker.settings import Settings
from tests.unit.example_worker.recording import RecordingTransport, recording_job


@pytest.fixture
def worker_settings(tmp_path: Path) -> Settings:
    return Settings(upload_dir=tmp_path)


def upload(settings: Settings, content: str | bytes) -> str:
    upload_id = str(uuid4())
    data = content.encode() if isinstance(content, str) else content
    (settings.upload_dir / f"{upload_id}.csv").write_bytes(data)
    return upload_id


def run(settings: Settings, content: str | bytes, transport: RecordingTransport) -> dict[str, Any]:
    with open_upload(upload(settings, content), settings) as reader:
        return CsvJob(recording_job(transport), reader, settings).run()


def test_the_profile_is_returned_and_streamed(worker_settings: Settings) -> None:
    # Given a file with one bad row
    transport = RecordingTransport()
    # When it is profiled
    result = run(worker_settings, "id;name\n1;Ann\n2\n3;Bob\n", transport)
    # Then the result is the profile as JSON data
    assert json.loads(json.dumps(result)) == result
    assert {key: result[key] for key in ("rows", "bad_rows", "encoding", "delimiter")} == {
        "rows": 2, "bad_rows": 1, "encoding": "utf-8", "delimiter": ";",
    }  # fmt: skip
    assert [(column["name"], column["type"], column["mean"]) for column in result["columns"]] == [
        ("id", "integer", 2.0),
        ("name", "text", None),
    ]
    # And the last statistics and the bad row are what was streamed
    assert transport.payloads("column_stats")[-1] == {"rows": 2, "columns": result["columns"]}
    assert transport.payloads("bad_row") == [{"line": 3, "reason": "expected 2 fields, found 1", "text": "2"}]
    logged = [line["message"] for line in transport.payloads("job_log")]
    assert logged[0] == "2 columns, 22 bytes, encoding utf-8, delimiter semicolon"
    assert logged[-1] == "All read: 2 rows, 1 bad rows left out"


def test_progress_goes_by_bytes_up_to_the_end(worker_settings: Settings) -> None:
    # Given a file of some length
    transport = RecordingTransport()
    content = "id,name\n" + "1,some text or other\n" * 100_000
    with open_upload(upload(worker_settings, content), worker_settings) as reader:
        job = recording_job(transport)
        # When it is profiled, and the bridge ends the run
        CsvJob(job, reader, worker_settings).run()
        job.finish(JobSucceeded(payload=SucceededPayload()))
    # Then the bar only ever grew, to the last byte, and said how many rows that is
    progress = transport.payloads("job_progress")
    positions = [report["current"] for report in progress]
    assert positions == sorted(positions)
    assert (progress[-1]["current"], progress[-1]["fraction"]) == (len(content), 1)
    assert progress[-1]["message"] == "100,000 rows"
    # And there are at most nine lines between the first and the last
    assert len([line for line in transport.payloads("job_log") if "% read" in line["message"]]) <= 9


def test_only_the_first_bad_rows_are_listed(worker_settings: Settings) -> None:
    transport = RecordingTransport()
    result = run(worker_settings, "a,b\n" + "x\n" * 250 + "1,2\n", transport)
    assert (result["bad_rows"], result["rows"]) == (250, 1)
    assert [row["line"] for row in transport.payloads("bad_row")] == list(range(2, 102))
    assert "150 more bad rows are not listed." in [line["message"] for line in transport.payloads("job_log")]


def test_a_header_alone_is_a_table_without_rows(worker_settings: Settings) -> None:
    result = run(worker_settings, "a,b\n", RecordingTransport())
    assert (result["rows"], [column["type"] for column in result["columns"]]) == (0, ["empty", "empty"])


def test_the_widest_table_fits_into_one_event(worker_settings: Settings) -> None:
    # Given as many columns as are allowed, with the longest names and examples, of four bytes a character
    row = ",".join(f"{number}" + "😀" * 100 for number in range(worker_settings.max_columns))
    transport = RecordingTransport()
    # When it is profiled, no event is too large
    assert run(worker_settings, f"{row}\n{row}\nx{row}\ny{row}\n", transport)["rows"] == 3
    assert len(json.dumps(transport.payloads("column_stats")[-1], ensure_ascii=False).encode()) < 220_000


def test_cancelling_stops_between_two_rows_and_closes_the_file(worker_settings: Settings) -> None:
    # Given a job that is cancelled after its third event
    transport = RecordingTransport(cancel_when=lambda sent: len(sent.events) >= 3)
    with open_upload(upload(worker_settings, "a,b\n" + "1,2\n" * 200_000), worker_settings) as reader:
        # When it runs
        with pytest.raises(JobCancelled):
            CsvJob(recording_job(transport), reader, worker_settings).run()
        # Then most of the file is unread
        assert reader.position < reader.size


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n", "empty_file"),
        (b'"a,b\n1,2\n', "bad_header"),
        (b"," * 999 + b"x\n", "bad_header"),
    ],
)
def test_a_file_without_a_table(worker_settings: Settings, content: bytes, code: str) -> None:
    with pytest.raises(JobError) as raised:
        open_upload(upload(worker_settings, content), worker_settings)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("upload_id", "code"),
    [
        ("6c1f9a3e-7a4c-4e0e-9a55-0d8f7c1f2b11", "upload_missing"),
        ("../../etc/passwd", "upload_unknown"),
        ("", "upload_unknown"),
        ("6c1f9a3e-7a4c-4e0e-9a55-0d8f7c1f2b11/../x", "upload_unknown"),
    ],
)
def test_an_upload_that_is_not_there(worker_settings: Settings, upload_id: str, code: str) -> None:
    with pytest.raises(JobError) as raised:
        open_upload(upload_id, worker_settings)
    assert raised.value.code == code
