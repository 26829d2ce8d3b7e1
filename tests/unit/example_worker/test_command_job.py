"""A command run as a job: its output, its exit code, and its end when the job is cancelled."""

from __future__ import annotations

import sys

import psutil
import pytest

from chanx.bridge.events import JobFailed, JobLogLine, JobOutput, JobQueued, JobStarted, JobSucceeded, OutputPayload
from chanx.bridge.states import JobState
from chanx.testing.jobs import MemoryBridge, ObservedJob, like
from example_worker.commands import COMMANDS, Command
from example_worker.tasks import run_command


def run(memory: MemoryBridge, monkeypatch: pytest.MonkeyPatch, script: str, *, seconds: float = 20) -> ObservedJob:
    """A program in Python, as a command of the worker's list."""
    command = Command("test", "A test", (sys.executable, "-u", "-c", script), seconds)
    monkeypatch.setitem(COMMANDS, "test", command)
    return memory.run(run_command, "test")


def test_output_is_streamed_in_order(memory_bridge: MemoryBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run(memory_bridge, monkeypatch, "for n in range(2000): print(n)")
    assert (job.result["exit_code"], job.result["lines"]) == (0, 2000)
    output = OutputPayload(text="".join(f"{n}\n" for n in range(2000)))
    job.events.assert_sequence([JobQueued, JobStarted, JobLogLine, JobOutput(payload=output), JobSucceeded])


def test_an_exit_code_fails_the_job_after_its_last_line(memory_bridge: MemoryBridge) -> None:
    job = memory_bridge.run(run_command, "fail")
    assert (job.output(), job.output("stderr")) == ("Checking the parts\n", "Part 2 is broken\n")
    error = {"code": "command_failed", "message": "The command ended with exit code 3."}
    job.events.assert_sequence([..., JobOutput, like(JobFailed, error=error)])


def test_a_signal_fails_the_job(memory_bridge: MemoryBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run(memory_bridge, monkeypatch, "import os; os.kill(os.getpid(), 9)")
    assert job.error is not None
    assert (job.error.code, "signal 9" in job.error.message) == ("command_signal", True)


def test_too_long_a_run_fails_the_job(memory_bridge: MemoryBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    job = run(memory_bridge, monkeypatch, "import time; time.sleep(1000)", seconds=0.3)
    assert job.error is not None
    assert (job.error.code, "0.3 seconds" in job.error.message) == ("command_timeout", True)


@pytest.mark.parametrize("key", ["silent", "clock"])
def test_cancelling_ends_the_program_soon(memory_bridge: MemoryBridge, key: str) -> None:
    # Given a command that runs for minutes
    before = psutil.Process().children(recursive=True)
    # When it is cancelled as it begins
    job = memory_bridge.run(run_command, key, cancel_after=JobLogLine)
    # Then it has stopped long before its own end, and no process is left
    assert job.state is JobState.CANCELLED
    assert [child for child in psutil.Process().children(recursive=True) if child not in before] == []


def test_a_program_that_is_not_there_is_an_unexpected_error(memory_bridge: MemoryBridge) -> None:
    job = memory_bridge.run(run_command, "missing")
    assert isinstance(job.exception, FileNotFoundError)
    assert job.error is not None
    assert job.error.code == "error"


def test_a_command_that_is_not_on_the_list(memory_bridge: MemoryBridge) -> None:
    job = memory_bridge.run(run_command, "rm -rf /")
    job.events.assert_sequence([JobQueued, JobStarted, like(JobFailed, error={"code": "command_unknown"})])
