"""What a page's hidden samples start and wait for: a real worker of the page's app, and the end of a job."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from chanx.bridge import Bridge, JobSnapshot, StartedJob
from chanx.testing.tied_process import tied
from tests.waiting import wait_until

SECONDS = 90.0


def start_worker(app: str, *options: str) -> None:
    """A Celery worker of ``app``, a module in the current directory, until this process ends."""
    log = Path(f"worker-{uuid4().hex[:6]}.log")
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "-c", "2", "-l", "INFO", *options]
    with log.open("w") as output:
        process = subprocess.Popen(tied(command), stdout=output, stderr=subprocess.STDOUT)

    def stop() -> None:
        process.terminate()
        process.wait(SECONDS)

    atexit.register(stop)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return " ready." in log.read_text()

    wait_until(is_ready, seconds=SECONDS, what=log.read_text)


def ended(bridge: Bridge, job: StartedJob) -> JobSnapshot:
    """The job, once it has ended."""
    wait_until(lambda: bridge.job(job.job_id).state.is_terminal, seconds=SECONDS, what=f"the end of {job}")
    return bridge.job(job.job_id)


def events(bridge: Bridge, job: StartedJob) -> list[Any]:
    """The events in the job's log, in order."""
    page = bridge.store.read(job.job_id, after=0, limit=1000)
    assert page is not None
    return [json.loads(entry.event) for entry in page.entries]
