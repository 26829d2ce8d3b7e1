"""What a real worker logs while it runs a task names the job and the task: its own records, Celery's and ours."""

from pathlib import Path

import pytest

from chanx.bridge import start_job_sync
from chanx.testing.redis_server import redis_server
from tests.integration.logging_app import app, check, fail, plain
from tests.integration.worker_process import connected, worker
from tests.waiting import wait_until


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_the_records_of_a_task_name_its_job(tmp_path: Path, pool: str) -> None:
    log = tmp_path / "worker.log"
    with redis_server(private=True) as server, connected(app, server):
        with worker("tests.integration.logging_app", app, server.url, "--pool", pool, log=log, concurrency=2):
            # When
            jobs = [start_job_sync(check, f"rows-{number}", owner="user:1") for number in range(4)]
            wait_until(lambda: log.read_text().count("] succeeded in") == len(jobs), what=log.read_text)
            plain.delay()
            wait_until(lambda: log.read_text().count("] succeeded in") == len(jobs) + 1, what=log.read_text)

        # Then
        lines = log.read_text().splitlines()
        for number, job in enumerate(jobs):
            facts = f"job={job.job_id} task={job.task_id}"
            assert f"shop.tasks INFO {facts} checking rows-{number}" in lines
            assert any(line.startswith(f"celery.app.trace INFO {facts} Task") and "succeeded" in line for line in lines)
        assert "shop.tasks INFO job=- task=- of no job" in lines


def test_an_error_for_the_user_is_logged_as_expected(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with redis_server(private=True) as server, connected(app, server):
        with worker("tests.integration.logging_app", app, server.url, log=log, concurrency=1):
            # When
            kinds = ("for the user", "expected", "bug")
            for_user, expected, bug = (start_job_sync(fail, kind, owner="user:1") for kind in kinds)
            wait_until(lambda: "ValueError: b" in log.read_text(), what=log.read_text)

        # Then only what nobody expected has a traceback
        lines = log.read_text().splitlines()
        for job, level, says in (
            (for_user, "INFO", "raised expected: JobError('The file is empty.', 'error')"),
            (expected, "INFO", "raised expected: FileNotFoundError('a')"),
            (bug, "ERROR", "raised unexpected: ValueError('b')"),
        ):
            (line,) = (line for line in lines if f"{job.task_id}] raised" in line)
            assert line.startswith(f"celery.app.trace {level} ")
            assert line.endswith(says)
        assert sum(line.startswith("Traceback") for line in lines) == 1
