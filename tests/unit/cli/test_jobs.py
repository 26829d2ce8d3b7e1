"""``chanx jobs``: what each command prints, for people and for scripts, and what it exits with."""

import errno
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from click.testing import CliRunner

from chanx.bridge.events import (
    ErrorPayload,
    FailedPayload,
    GapPayload,
    InterruptedPayload,
    JobCancelledEvent,
    JobCancelRequested,
    JobEvent,
    JobFailed,
    JobGap,
    JobInterrupted,
    JobLogLine,
    JobOutput,
    JobProgress,
    JobQueued,
    JobRetrying,
    JobStarted,
    JobSucceeded,
    JobTaskState,
    LogPayload,
    OutputPayload,
    ProgressPayload,
    ReasonPayload,
    RetryPayload,
    SucceededPayload,
    TaskPayload,
)
from chanx.bridge.states import JobState
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.cli import job_text, jobs
from chanx.cli.main import cli
from chanx.errors import ConfigurationError
from chanx.messages.base import BaseMessage
from tests.unit.cli.jobs_by_hand import NOW, Project, lines_of_json


class RowRejected(JobEvent):
    action: Literal["row_rejected"] = "row_rejected"
    payload: dict[str, int]


class Row(BaseMessage):
    """No event of a job, and told apart by another field."""

    type: Literal["row"] = "row"
    payload: int


class Statistics(JobEvent):
    delivery = "latest"
    action: Literal["statistics"] = "statistics"
    payload: int


FAILED = JobFailed(payload=FailedPayload(error=ErrorPayload(message="The file is empty.", code="empty_file")))
SUCCEEDED = JobSucceeded(payload=SucceededPayload(result={"rows": 3}))
OUTCOMES: list[tuple[JobEvent, int]] = [(SUCCEEDED, 0), (FAILED, 1), (JobCancelledEvent(), 2)]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    with closing(Project()) as made:
        monkeypatch.setattr(jobs, "bridge_of_app", lambda name: made.bridge)
        monkeypatch.setattr(job_text, "clock", lambda moment: "12:00:00" if moment else "--:--:--")
        yield made


def progress(fraction: float | None = None, **values: Any) -> JobProgress:
    return JobProgress(payload=ProgressPayload(fraction=fraction, **values))


class TestList:
    def test_all_jobs_newest_first(self, project: Project) -> None:
        # Given
        project.create("user:1")
        project.create("project:é")
        project.tell("j1", JobStarted(), progress(0.256, current=1))

        # When
        result = project.run("list")

        # Then
        rows = [line.split("\t") for line in result.output.splitlines()]
        assert result.exit_code == 0
        assert [row[:5] for row in rows] == [
            ["j2", "shop.import_csv", "project:é", "queued", ""],
            ["j1", "shop.import_csv", "user:1", "started", "25 %"],
        ]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d", rows[0][5])
        assert datetime.fromisoformat(rows[0][5]) == NOW + timedelta(seconds=2)

    @pytest.mark.parametrize(
        ("options", "found"),
        [
            (["--owner", "user:1"], ["j5", "j3", "j1"]),
            (["--state", "failed"], ["j2"]),
            (["--state", "failed", "--state", "started"], ["j3", "j2"]),
            (["--owner", "user:1", "--state", "failed"], []),
            (["--limit", "2"], ["j5", "j4"]),
            (["--limit", "2", "--owner", "user:1"], ["j5", "j3"]),
        ],
    )
    @pytest.mark.parametrize("page", [1, 2, 100])
    def test_some_of_them(
        self, project: Project, options: list[str], found: list[str], page: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(jobs, "_PAGE", page)
        for owner in (1, 2, 1, 2, 1):
            project.create(f"user:{owner}")
        project.tell("j2", FAILED)
        project.tell("j3", JobStarted())

        assert [job["job_id"] for job in json.loads(project.run("list", "--json", *options).output)] == found

    def test_as_json_without_long_fields(self, project: Project) -> None:
        job_id = project.create(meta={"title": "Rows"})
        project.tell(job_id, JobSucceeded(payload=SucceededPayload(result="x" * 10_000)))

        (job,) = json.loads(project.run("list", "--json").output)

        assert (job["owner"], job["state"], job["meta"]) == ("user:1", "succeeded", {"title": "Rows"})
        assert job["omitted_fields"] == ["result"]

    def test_in_a_terminal_it_is_a_table(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "_is_terminal", lambda: True)
        assert project.run("list").output == "No jobs.\n"
        project.create("user:[red]1")

        # When it is narrow
        monkeypatch.setenv("COLUMNS", "20")
        header, row = project.run("list").output.splitlines()

        # Then nothing is cut off
        assert header.split() == ["JOB", "NAME", "OWNER", "STATE", "PROGRESS", "CREATED"]
        assert row.split()[:4] == ["j1", "shop.import_csv", "user:[red]1", "queued"]

    @pytest.mark.parametrize(
        ("options", "code", "says"),
        [
            (["--owner", "nobody"], 1, 'an owner string has the form "<kind>:<id>"'),
            (["--state", "over"], 2, "'over' is not one of"),
            (["--limit", "0"], 2, "--limit"),
        ],
    )
    def test_a_mistake(self, project: Project, options: list[str], code: int, says: str) -> None:
        result = project.run("list", *options)
        assert (result.exit_code, result.stdout) == (code, "")
        assert says in result.stderr


class TestShow:
    def test_a_job_and_its_last_events(self, project: Project) -> None:
        # Given
        job_id = project.create("user:7", watchers=("project:1",), meta={"title": "Rows"})
        project.tell(job_id, JobQueued(), JobStarted(), attempt=1)
        project.tell(job_id, JobStarted(), JobLogLine(payload=LogPayload(message="half", level="warning")), attempt=2)
        project.tell(job_id, progress(0.5, current=2, total=4, unit="rows", step=("load", "parse"), message="on"))
        project.store.request_cancel(job_id, reason="enough")

        # When
        shown = project.run("show", job_id, "--events", "2").output

        # Then
        facts = dict(line.split(maxsplit=1) for line in shown.partition("\n\n")[0].splitlines())
        created, started = facts.pop("created"), facts.pop("started")
        assert facts == {
            "job": "j1",
            "task": "shop.import_csv (t1)",
            "owner": "user:7",
            "watchers": "project:1",
            "state": "started, attempt 2",
            "cancelled": "enough",
            "progress": "50 %  2/4 rows  load / parse  on",
            "events": "1 to 4",
            "meta": '{"title": "Rows"}',
        }
        assert created != started
        assert shown.partition("\n\n")[2].splitlines() == [
            "     3  12:00:00  started, attempt 2",
            "     4  12:00:00  warning: half",
        ]

    def test_an_event_that_has_another_key_for_its_action(self, project: Project) -> None:
        job_id = project.create()
        project.tell(job_id, Row(payload=3))

        assert project.run("show", job_id).output.endswith('     1  12:00:00  {"payload": 3, "type": "row"}\n')

    def test_a_job_without_events(self, project: Project) -> None:
        shown = project.run("show", project.create()).output
        assert "state       queued\n" in shown
        assert shown.endswith("events      none\n")

    def test_as_json(self, project: Project) -> None:
        job_id = project.create(watchers=("project:1",))
        project.tell(job_id, JobStarted(), FAILED)

        shown = json.loads(project.run("show", job_id, "--json", "--events", "1").output)

        assert (shown["job"]["state"], shown["job"]["task_id"]) == ("failed", "t1")
        assert shown["job"]["watchers"] == ["project:1"]
        assert shown["job"]["fields"]["error"]["code"] == "empty_file"
        assert [(event["seq"], event["action"]) for event in shown["events"]] == [(2, "job_failed")]
        assert json.loads(project.run("show", job_id, "--json", "--events", "0").output)["events"] == []

    def test_there_is_none(self, project: Project) -> None:
        result = project.run("show", "nothing")
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: There is no job nothing: it never was, or its retention is over.\n"


class TestWatch:
    @pytest.mark.parametrize(("end", "code"), OUTCOMES)
    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_the_exit_code_is_the_outcome(self, project: Project, end: JobEvent, code: int, options: list[str]) -> None:
        job_id = project.create()
        project.tell(job_id, end)
        assert project.run("watch", job_id, *options).exit_code == code

    def test_lines(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        # Given a job that goes on while it is watched
        job_id = project.create()
        project.tell(job_id, JobQueued())
        rounds: list[list[JobEvent]] = [
            [JobStarted()],
            [progress(0.11, current=11, total=100)],
            [progress(0.12, current=12, total=100)],
            [progress(0.2, current=20, total=100), JobLogLine(payload=LogPayload(message="a\x1b[31mb\nc"))],
            [JobOutput(payload=OutputPayload(text="one ")), JobOutput(payload=OutputPayload(text="two\r\n\x07three"))],
            [RowRejected(payload={"line": 7})],
            [JobOutput(payload=OutputPayload(text="four")), SUCCEEDED],
        ]
        monkeypatch.setattr(time, "sleep", lambda _: project.tell(job_id, *rounds.pop(0)))

        # When
        result = project.run("watch", job_id)

        # Then
        assert result.exit_code == 0
        assert result.output.splitlines() == [
            "12:00:00  queued",
            "12:00:00  started",
            "progress  11 %  11/100",
            "12:00:00  info: a\\x1b[31mb⏎c",
            "progress  20 %  20/100",
            "one two",
            "\\x07three",
            '12:00:00  row_rejected {"line": 7}',
            "four",
            '12:00:00  succeeded: {"rows": 3}',
        ]

    def test_json_lines(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        # Given
        job_id = project.create()
        project.tell(job_id, JobQueued(), Statistics(payload=1))
        rounds: list[list[JobEvent]] = [[JobStarted(), progress(0.5, current=1)], [Statistics(payload=2)], [FAILED]]
        monkeypatch.setattr(time, "sleep", lambda _: project.tell(job_id, *rounds.pop(0)))

        # When
        result = project.run("watch", job_id, "--json")

        # Then
        first, *rest = lines_of_json(result.output)
        assert (first["job"]["state"], first["job"]["fields"]["statistics"]) == ("queued", 1)
        assert [(each.get("seq"), each.get("rev"), each["action"]) for each in rest] == [
            (1, None, "job_queued"),
            (2, None, "job_started"),
            (None, 2, "job_progress"),
            (None, 3, "statistics"),
            (3, None, "job_failed"),
        ]
        assert rest[3]["payload"] == 2

    def test_from_the_newest_events_on(self, project: Project) -> None:
        job_id = project.create()
        project.tell(job_id, JobQueued(), JobStarted(), SUCCEEDED)
        assert [
            each.get("seq") for each in lines_of_json(project.run("watch", job_id, "--json", "--tail", "1").output)
        ][1:] == [3]

    def test_what_is_not_in_the_log_is_noted(self, project: Project) -> None:
        project.store.retention = Retention(max_entries=2)
        job_id = project.create()
        project.tell(job_id, JobQueued(), JobStarted(), JobQueued(), SUCCEEDED)
        note = "2 older events are no longer kept"
        assert project.run("watch", job_id).output.splitlines()[0] == f"({note})"
        assert lines_of_json(project.run("watch", job_id, "--json").output)[1] == {"note": note}

    def test_ctrl_c_leaves_the_job_alone(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        job_id = project.create()
        project.tell(job_id, JobStarted(), JobOutput(payload=OutputPayload(text="half a line")))

        def interrupt(_: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(time, "sleep", interrupt)

        result = project.run("watch", job_id)

        assert result.exit_code == 130
        assert result.stdout.endswith("half a line\n")
        assert result.stderr == "Stopped watching. The job goes on: chanx jobs cancel ends it.\n"
        assert not project.store.is_cancelled(job_id)

    def test_a_store_that_goes_and_comes_back(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        # Given
        job_id = project.create()
        heads, asked = project.store.heads, 0

        def sometimes(job_ids: Any) -> Any:
            nonlocal asked
            asked += 1
            if asked in (2, 3):
                raise StoreUnavailableError("The job store did not answer.")
            return heads(job_ids)

        monkeypatch.setattr(project.store, "heads", sometimes)
        monkeypatch.setattr(time, "sleep", lambda _: project.tell(job_id, *([SUCCEEDED] if asked == 3 else [])))

        # When
        result = project.run("watch", job_id)

        # Then
        assert result.exit_code == 0
        assert result.stderr == "The job store did not answer. Waiting for it.\nThe job store is back.\n"

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["nothing"], "Error: There is no job nothing"),
            ([], "Missing argument 'JOB_ID'"),
            (["j1", "--tail", "x"], "'x' is not a valid integer"),
            (["j1", "--nothing"], "No such option"),
        ],
    )
    def test_what_cannot_be_watched_is_no_outcome(self, project: Project, arguments: list[str], says: str) -> None:
        result = project.run("watch", *arguments)
        assert (result.exit_code, result.stdout) == (3, "")
        assert says in result.stderr

    def test_without_an_app(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CHANX_APP", raising=False)
        monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        watching = CliRunner().invoke(cli, ["jobs", "watch", "j1"])
        listing = CliRunner().invoke(cli, ["jobs", "list"])
        assert (watching.exit_code, listing.exit_code) == (3, 2)
        assert "Give --app module:app" in watching.stderr
        assert "Give --app module:app" in listing.stderr


class TestCancel:
    def test_one_that_nobody_has_begun(self, project: Project) -> None:
        job_id = project.create()
        project.tell(job_id, JobQueued())

        result = project.run("cancel", job_id, "--reason", "enough")

        assert (result.exit_code, result.output) == (0, "The job has ended: cancelled.\n")
        assert project.bridge.job(job_id).cancel_reason == "enough"

    def test_one_that_runs(self, project: Project) -> None:
        job_id = project.create()
        project.tell(job_id, JobStarted())

        result = project.run("cancel", job_id, "--terminate-after", "0")

        assert result.output == "The job was asked to stop; it is started now.\n"
        assert project.store.is_cancelled(job_id)
        assert [deadline.kind for deadline in project.store.due_deadlines()] == ["terminate"]

    def test_one_that_has_ended(self, project: Project) -> None:
        job_id = project.create()
        project.tell(job_id, FAILED)
        assert project.run("cancel", job_id).output == "The job had ended already: failed.\n"
        answer = json.loads(project.run("cancel", job_id, "--json").output)
        assert answer == {"job_id": "j1", "state": "failed", "had_ended": True}

    def test_there_is_none(self, project: Project) -> None:
        result = project.run("cancel", "nothing")
        assert (result.exit_code, "There is no job nothing" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (JobQueued(), "queued"),
        (JobStarted(attempt=1), "started"),
        (JobStarted(attempt=3), "started, attempt 3"),
        (JobTaskState(payload=TaskPayload(name="t", state="failed")), "task t failed"),
        (JobRetrying(payload=RetryPayload(reason="busy", countdown=1.5)), "retrying in 1.5 s: busy"),
        (JobRetrying(payload=RetryPayload(reason="busy")), "retrying: busy"),
        (JobInterrupted(payload=InterruptedPayload(task="t", reason="gone")), "interrupted: t: gone"),
        (JobGap(payload=GapPayload(lost=3)), "3 events were lost here"),
        (JobCancelRequested(payload=ReasonPayload(reason="why")), "asked to stop: why"),
        (JobCancelRequested(), "asked to stop"),
        (JobCancelledEvent(payload=ReasonPayload(reason="why")), "cancelled: why"),
        (JobLogLine(payload=LogPayload(message="m" * 300)), f"info: {'m' * 193}…"),
        (JobOutput(payload=OutputPayload(text="a\nb\tc")), "a⏎b c"),
        (SUCCEEDED, 'succeeded: {"rows": 3}'),
        (JobSucceeded(payload=SucceededPayload(result_omitted=True)), "succeeded: a result too long to keep"),
        (FAILED, "failed: The file is empty. (empty_file)"),
        (RowRejected(payload={"line": 1}), 'row_rejected {"line": 1}'),
    ],
)
def test_events_in_one_line(event: JobEvent, text: str) -> None:
    assert job_text.summary(event.model_dump(mode="json")) == text


@pytest.mark.parametrize(
    "event", [{"action": "job_log", "payload": None}, {"action": "job_failed", "payload": {"error": "x"}}]
)
def test_an_event_of_another_version_is_shown_all_the_same(event: dict[str, Any]) -> None:
    assert job_text.summary(event).startswith(event["action"])


def test_a_time_that_is_none() -> None:
    assert [job_text.clock(moment) for moment in (None, "yesterday")] == ["--:--:--", "--:--:--"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d", job_text.clock("2026-01-02T03:04:05Z"))


def test_no_state_is_without_an_exit_code() -> None:
    assert {state for state in JobState if state.is_terminal} == set(jobs._EXIT_CODES)


def test_errors_of_configuration_are_no_tracebacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str | None) -> Any:
        raise ConfigurationError("Add the line.")

    monkeypatch.setattr(jobs, "bridge_of_app", broken)
    for command, code in (("list", 1), ("show j", 1), ("watch j", 3), ("cancel j", 1)):
        result = CliRunner().invoke(cli, ["jobs", *command.split()])
        assert (result.exit_code, result.stderr) == (code, "Error: Add the line.\n")


@pytest.mark.parametrize(
    ("error", "says"),
    [(ImportError("no shop"), "ImportError: no shop\n"), (BrokenPipeError(errno.EPIPE, "closed"), "")],
)
def test_no_failure_of_watching_looks_like_one_of_the_job(
    monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def broken(name: str | None) -> Any:
        raise error

    monkeypatch.setattr(jobs, "bridge_of_app", broken)
    result = CliRunner().invoke(cli, ["jobs", "watch", "j"])
    assert result.exit_code == 3
    assert result.stderr.endswith(says) if says else result.stderr == ""
    assert CliRunner().invoke(cli, ["jobs", "watch", "--help"]).exit_code == 0


def test_it_loads_without_a_web_framework_and_without_celery() -> None:
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['django', 'channels', 'fastapi', 'starlette', 'celery']))\n"
        "from chanx.cli.main import cli; cli(['jobs', 'list', '--app', 'x:app'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == 'Error: celery is not installed: pip install "chanx[bridge]"\n'
