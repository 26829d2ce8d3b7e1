"""The bars of ``chanx jobs watch`` in a terminal."""

from datetime import UTC, datetime
from io import StringIO
from typing import Literal

import pytest
from rich.console import Console

from chanx.bridge.events import (
    JobLogLine,
    JobOutput,
    JobProgress,
    JobStarted,
    JobSucceeded,
    JobTaskState,
    LogPayload,
    OutputPayload,
    ProgressPayload,
    SucceededPayload,
    TaskPayload,
    TaskState,
)
from chanx.cli.job_following import follow
from chanx.cli.job_views import MOST_TASKS, BarView
from chanx.cli.patience import Patience
from chanx.messages.base import BaseMessage
from tests.unit.cli.jobs_by_hand import NOW, Project


class Row(BaseMessage):
    type: Literal["row"] = "row"
    payload: int


class Screen:
    """A terminal of 100 columns with the bars of a job."""

    def __init__(self) -> None:
        self.project = Project()
        self.job_id = self.project.create()
        self.printed = StringIO()
        self.view = BarView(Console(file=self.printed, force_terminal=True, width=100, color_system=None))
        self.updates = follow(self.project.bridge, self.job_id, patience=Patience(wait=lambda _: None))

    def tell(self, *events: BaseMessage, task_id: str = "t1") -> None:
        self.project.tell(self.job_id, *events, task_id=task_id)
        self.view.show(next(self.updates))

    def bars(self) -> list[str]:
        return [task.description for task in self.view._bars.tasks]

    def lines(self) -> str:
        return self.printed.getvalue()


@pytest.fixture
def screen() -> Screen:
    return Screen()


def a_task(state: TaskState) -> JobTaskState:
    return JobTaskState(payload=TaskPayload(name="shop.profile", state=state))


def test_the_bar_of_a_job(screen: Screen) -> None:
    # When it has begun
    screen.tell(JobStarted())
    (bar,) = screen.view._bars.tasks

    # Then
    assert (bar.description, bar.total, bar.fields["amounts"]) == ("import_csv  started", None, "")
    assert bar.elapsed == pytest.approx((datetime.now(UTC) - NOW).total_seconds(), abs=60)

    # When it goes on
    payload = ProgressPayload(current=30, total=100, fraction=0.3, unit="rows", eta=4.2, message="on", step=("load",))
    screen.tell(JobProgress(payload=payload))

    # Then
    (bar,) = screen.view._bars.tasks
    assert (bar.description, bar.completed, bar.total) == ("import_csv  started  load  on", 0.3, 1.0)
    assert bar.fields["amounts"] == "30 %  30/100 rows  4 s left"

    # When it ends
    screen.tell(JobSucceeded(payload=SucceededPayload()))

    # Then
    (bar,) = screen.view._bars.tasks
    assert (bar.description, bar.completed) == ("import_csv  succeeded  load  on", 1.0)


def test_an_event_that_has_another_key_for_its_action(screen: Screen) -> None:
    screen.tell(Row(payload=3))

    assert '{"payload": 3, "type": "row"}' in screen.lines()


def test_running_tasks_have_a_line_each(screen: Screen) -> None:
    screen.tell(JobStarted())
    for number in range(MOST_TASKS + 3):
        screen.tell(a_task("started"), task_id=f"part{number}")
    assert len(screen.bars()) == 1 + MOST_TASKS

    for number in range(MOST_TASKS + 2):
        screen.tell(a_task("succeeded"), task_id=f"part{number}")
    assert screen.bars() == ["import_csv  started", "profile"]


def test_what_is_written_stands_above_the_bars_in_whole_lines(screen: Screen) -> None:
    with screen.view:
        screen.tell(JobOutput(payload=OutputPayload(text="one ")))
        assert "one" not in screen.lines()
        screen.tell(JobOutput(payload=OutputPayload(text="[bold]two[/bold]\nthree")))
        assert "one [bold]two[/bold]\n" in screen.lines()
        assert "three" not in screen.lines()
        screen.tell(JobLogLine(payload=LogPayload(message="\x1b[2Jcleared")))
        assert "three\n" in screen.lines()
        assert "\x1b[2J" not in screen.lines()
        assert "info: \\x1b[2Jcleared" in screen.lines()
        screen.tell(JobOutput(payload=OutputPayload(text="the end")))
    assert "the end\n" in screen.lines()
