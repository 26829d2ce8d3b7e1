"""The fixtures, in pytest runs of their own, and how their failures read."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

SHOP = """
from typing import Literal

from celery import Celery
from pydantic import BaseModel

from chanx.bridge import JobError, JobEvent, JobTask, install

app = Celery("shop", broker="redis://127.0.0.1:1/0", backend="redis://127.0.0.1:1/0", set_as_current=False)
bridge = install(app, store="redis://127.0.0.1:1/0")


class Row(BaseModel):
    line: int


class RowRejected(JobEvent):
    action: Literal["row_rejected"] = "row_rejected"
    payload: Row


@app.task(bind=True, base=JobTask)
def import_csv(self, rows: list[str]) -> int:
    for line, row in enumerate(self.job.track(rows), 1):
        if not row:
            self.job.emit(RowRejected(payload=Row(line=line)))
        elif row == "break":
            raise ValueError("a row that breaks everything")
    return len(rows)
"""
INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
chanx_celery_app = shop:app
"""
HEAD = """
import asyncio
import pytest
from chanx.bridge import start_job, start_job_sync
from chanx.bridge.events import JobFailed, JobProgress, JobQueued, JobStarted, JobSucceeded
from chanx.testing.jobs import like
import shop
from shop import RowRejected, Row, import_csv
"""


@pytest.fixture(autouse=True)
def _no_django(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery makes an app the default one where this is set, and pytest-django sets it."""
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


def run(
    pytester: pytest.Pytester, tests: str, *, ini: str = INI, shop: str = SHOP, in_process: bool = True
) -> pytest.RunResult:
    pytester.makepyfile(shop=shop, test_it=f"{HEAD}\n{tests}")
    pytester.makeini(ini)
    pytester.syspathinsert()
    others = ("valkey", "django", "xdist", "cacheprovider", "celery")
    start = pytester.runpytest_inprocess if in_process else pytester.runpytest_subprocess
    return start(*(option for name in others for option in ("-p", f"no:{name}")))


def test_the_fixtures(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
def test_run(run_job):
    job = run_job(import_csv, ["a", ""], owner="user:7")
    assert job.result == 2
    job.events.assert_sequence([JobQueued, JobStarted, ..., RowRejected(payload=Row(line=2)), ..., JobSucceeded])

def test_events(job_events):
    start_job_sync(import_csv, [""], owner="user:7")
    assert job_events.actions[:2] == ["job_queued", "job_started"]
    assert [event.payload.line for event in job_events.of_type(RowRejected)] == [1]

def test_each_test_has_its_own(job_events):
    assert list(job_events) == []

async def test_coroutines(memory_bridge, wait_for_job_async):
    job = await start_job(import_csv, [], owner="user:7")
    assert (await wait_for_job_async(job)).result == 0

def test_waiting(memory_bridge, wait_for_job):
    assert wait_for_job(start_job_sync(import_csv, [], owner="user:7")).result == 0

def test_the_bridge_that_a_module_holds(memory_bridge):
    job = start_job_sync(import_csv, [], owner="user:7")
    assert [found.job_id for found in shop.bridge.jobs_of("user:7")] == [job.job_id]

def test_nothing_is_left():
    assert type(shop.bridge.store).__name__ == "RedisJobStore"
    assert not shop.app.conf.task_always_eager
""",
    )
    result.assert_outcomes(passed=7)


def test_a_sequence_that_is_another(pytester: pytest.Pytester) -> None:
    """Given a wrong expectation, then pytest shows the test's own line and the difference, and none of chanx's."""
    result = run(
        pytester,
        """
def test_it(run_job):
    job = run_job(import_csv, ["a", "", ""])
    rejected = [RowRejected(payload=Row(line=line)) for line in (3, 4)]
    job.events.assert_sequence([..., *rejected, ..., JobSucceeded])
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       job.events.assert_sequence([[]..., [*]rejected*",
            "E       AssertionError: The events are not those that were expected (- expected, + happened):",
            "E*  ...  (* events)",
            "E*- RowRejected(line=4)",
            "E*  JobSucceeded(result=3)",
        ]
    )
    result.stdout.no_fnmatch_line("*chanx/testing/jobs/*.py:*")


def test_a_task_that_raises(pytester: pytest.Pytester) -> None:
    """Given a task that breaks, when a test wants its result, then it sees the task's own traceback."""
    result = run(
        pytester,
        """
def test_it(run_job):
    assert run_job(import_csv, ["a", "break"]).result == 2
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '*raise ValueError("a row that breaks everything")*',
            "*The above exception was the direct cause of the following exception:*",
            "*AssertionError: The job * has failed: 'Something went wrong * because of ValueError: a row that*",
            "*JobEvents:*",
            "*JobFailed(*",
        ]
    )
    for page_of_source in ("*chanx/testing/jobs/observed.py*", "*celery/app/trace.py:*: *", "*def trace_task(*"):
        result.stdout.no_fnmatch_line(page_of_source)


def test_a_job_that_is_waited_for_in_vain(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
from datetime import UTC, datetime
from chanx.bridge.snapshot import JobRecord

def test_it(memory_bridge, wait_for_job):
    record = JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC))
    wait_for_job(memory_bridge.store.create(record), timeout=0.05)
""",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*TimeoutError: The job j is still queued after 0.05 s.*"])


def test_an_app_that_nobody_has_named(pytester: pytest.Pytester) -> None:
    ini = INI.replace("chanx_celery_app = shop:app", "")
    result = run(pytester, "def test_it(run_job): pass", ini=ini, in_process=False)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has no bridge*", '*chanx_celery_app = "shop.celery:app"*'])


@pytest.mark.parametrize("name", ["nowhere:app", "shop:nothing", "shop:bridge"])
def test_an_app_that_is_not_there(pytester: pytest.Pytester, name: str) -> None:
    ini = INI.replace("chanx_celery_app = shop:app", f"chanx_celery_app = {name}")
    result = run(pytester, "def test_it(run_job): pass", ini=ini)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"E *chanx_celery_app = {name} in pytest's configuration: write it as module:name*"])


def test_an_app_of_a_fixture(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
@pytest.fixture
def chanx_celery_app():
    return shop.app

def test_it(run_job):
    assert run_job(import_csv, []).result == 0
""",
        ini=INI.replace("chanx_celery_app = shop:app", ""),
    )
    result.assert_outcomes(passed=1)


def test_the_current_app(pytester: pytest.Pytester) -> None:
    """Given a project whose app is Celery's current one, as in every Django project, then nothing has to be named."""
    result = run(
        pytester,
        """
def test_it(run_job):
    assert run_job(import_csv, []).result == 0
""",
        ini=INI.replace("chanx_celery_app = shop:app", ""),
        shop=SHOP.replace(", set_as_current=False", ""),
        in_process=False,
    )
    result.assert_outcomes(passed=1)
