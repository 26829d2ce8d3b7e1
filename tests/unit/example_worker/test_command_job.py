"""A command run as a job: its output, its exit code, and its end when the job is cancelled."""

from __future__ import annotations

import sys
import time

import psutil
import pytest

from chanx.bridge import JobCancelled, JobError
from chanx.bridge.events import JobSucceeded, SucceededPayload
from example_worker.command_job import run_as_job
from example_worker.commands import COMMANDS, Command
from tests.unit.example_worker.recording import RecordingTransport, recording_job


def command(script: str, *, seconds: float = 20) -> Command:
    return Command("test", "A test", (sys.executable, "-u", "-c", script), seconds)


def output_of(transport: RecordingTransport) -> dict[str, str]:
    """What was streamed, by stream."""
    texts: dict[str, str] = {}
    for payload in transport.payloads("job_output"):
        texts[payload["stream"]] = texts.get(payload["stream"], "") + payload["text"]
    return texts


def test_output_is_streamed_in_order() -> None:
    transport = RecordingTransport()
    job = recording_job(transport)
    result = run_as_job(job, command("for n in range(2000): print(n)"))
    job.finish(JobSucceeded(payload=SucceededPayload()))
    assert (result["exit_code"], result["lines"]) == (0, 2000)
    assert output_of(transport) == {"stdout": "".join(f"{n}\n" for n in range(2000))}


def test_an_exit_code_fails_the_job_after_its_last_line() -> None:
    transport = RecordingTransport()
    job = recording_job(transport)
    with pytest.raises(JobError, match="exit code 3") as raised:
        run_as_job(job, COMMANDS["fail"])
    job.finish(JobSucceeded(payload=SucceededPayload()))
    assert raised.value.code == "command_failed"
    assert output_of(transport) == {"stdout": "Checking the parts\n", "stderr": "Part 2 is broken\n"}


def test_a_signal_fails_the_job() -> None:
    with pytest.raises(JobError, match="signal 9"):
        run_as_job(recording_job(RecordingTransport()), command("import os; os.kill(os.getpid(), 9)"))


def test_too_long_a_run_fails_the_job() -> None:
    with pytest.raises(JobError, match=r"0\.3 seconds"):
        run_as_job(recording_job(RecordingTransport()), command("import time; time.sleep(1000)", seconds=0.3))


@pytest.mark.parametrize("key", ["silent", "clock"])
def test_cancelling_ends_the_program_soon(key: str) -> None:
    # Given a command that runs for minutes, cancelled half a second after it began
    cancelled_at = time.monotonic() + 0.5
    transport = RecordingTransport(cancel_when=lambda _: time.monotonic() >= cancelled_at)
    before = psutil.Process().children(recursive=True)
    # When it runs
    with pytest.raises(JobCancelled):
        run_as_job(recording_job(transport), COMMANDS[key])
    # Then it has stopped long before its own end, and no process is left
    assert time.monotonic() - cancelled_at < 10
    assert [child for child in psutil.Process().children(recursive=True) if child not in before] == []


def test_a_program_that_is_not_there_is_an_unexpected_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_as_job(recording_job(RecordingTransport()), COMMANDS["missing"])
