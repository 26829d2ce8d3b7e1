"""Runs a command of the allow-list as a job and streams what it prints, as it prints it."""

from __future__ import annotations

import time
from typing import Any

from chanx.bridge import Job, JobCancelled, JobError
from example_worker.commands import Command
from example_worker.process import RunningProgram

POLL_SECONDS = 0.2


def run_as_job(job: Job, command: Command) -> dict[str, Any]:
    """Run it to its end; returns ``{"exit_code": 0, "lines": n, "seconds": s}``.

    Raises JobCancelled soon after the job was cancelled, also while nothing is printed, and JobError for an exit code
    other than 0 or too long a run; the program and all that it started are gone by then.
    """
    started = time.monotonic()
    lines = 0
    job.log(f"Started: {command.title}")
    with RunningProgram(command.argv) as program:
        while (exit_code := program.exit_code) is None:
            for stream, text in program.read(POLL_SECONDS):
                job.output(text, stream)
                lines += text.count("\n")
            if job.should_abort():
                raise JobCancelled
            if time.monotonic() - started > command.seconds:
                raise JobError(f"The command took longer than {command.seconds:g} seconds.", code="command_timeout")
    if exit_code < 0:
        raise JobError(f"The command was ended by signal {-exit_code}.", code="command_signal")
    if exit_code > 0:
        raise JobError(f"The command ended with exit code {exit_code}.", code="command_failed")
    return {"exit_code": exit_code, "lines": lines, "seconds": round(time.monotonic() - started, 3)}
