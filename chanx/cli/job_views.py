"""What ``chanx jobs watch`` shows: lines of JSON, lines of text, or bars that move below them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import click

from chanx.bridge.entry import LogEntry
from chanx.bridge.snapshot import JobSnapshot, percent
from chanx.cli.job_following import Update
from chanx.cli.job_text import (
    amounts,
    event_line,
    event_of,
    job_content,
    mapping,
    one_line,
    progress_line,
    progress_of,
    safe,
    steps,
)
from chanx.utils.extras import need

MOST_TASKS: Final = 10
"""Running tasks that have a line of their own."""


class View(ABC):
    """Shows a job's updates, in their order; a context manager."""

    def __enter__(self) -> View:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @abstractmethod
    def show(self, update: Update) -> None:
        """The next update."""

    @abstractmethod
    def close(self) -> None:
        """Whatever is half shown is shown to its end."""


class JsonView(View):
    """One object a line.

    First ``{"job": …}``; then the events of the log, and of each ``latest`` action what is new, with its ``rev``; and
    ``{"note": …}``.
    """

    def __init__(self) -> None:
        self._revs: dict[str, int] = {}
        self._has_begun = False

    def show(self, update: Update) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._revs = dict(update.job.latest)
            self._echo({"job": job_content(update.job)})
        for note in update.notes:
            self._echo({"note": note})
        for entry in update.events:
            self._echo(event_of(entry))
        for action, rev in sorted(update.job.latest.items(), key=lambda latest: latest[1]):
            if rev > self._revs.get(action, 0):
                self._echo({"rev": rev, "action": action, "payload": update.job.fields.get(action)})
        self._revs = dict(update.job.latest)

    def close(self) -> None:
        """No object is half shown."""

    def _echo(self, content: Mapping[str, Any]) -> None:
        click.echo(json.dumps(content))


class TextView(View):
    """Lines: the events, the output as it comes, the progress at every tenth and step."""

    def __init__(self) -> None:
        self._is_in_line = False
        self._progress: tuple[object, ...] = ()

    def show(self, update: Update) -> None:
        for note in update.notes:
            self._line(f"({note})")
        for entry in update.events:
            self._event(entry)
        self._show_progress(update.job)

    def close(self) -> None:
        if self._is_in_line:
            self._write("\n")

    def _event(self, entry: LogEntry) -> None:
        event = event_of(entry)
        text = output_of(event)
        if text is None:
            self._line(event_line(event))
        elif text:
            self._write(safe(text))

    def _show_progress(self, job: JobSnapshot) -> None:
        reported, fraction = progress_of(job), job.fraction
        place = (None if fraction is None else int(fraction * 10), reported.get("step"))
        if reported and not job.state.is_terminal and place != self._progress:
            self._line(f"progress  {progress_line(job)}")
        self._progress = place

    def _line(self, text: str) -> None:
        self._write(("\n" if self._is_in_line else "") + text + "\n")

    def _write(self, text: str) -> None:
        click.echo(text, nl=False)
        self._is_in_line = not text.endswith("\n")


class BarView(View):
    """Lines above bars: one of the job, and a spinner for each task of it that runs."""

    def __init__(self, console: Any = None) -> None:
        progress, self._text = need("rich.progress", extra="cli"), need("rich.text", extra="cli").Text
        rest = need("rich.table", extra="cli").Column(ratio=1, no_wrap=True, overflow="ellipsis")
        self._bars: Any = progress.Progress(
            progress.SpinnerColumn(),
            progress.BarColumn(bar_width=20),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.fields[amounts]}", markup=False),
            # In a narrow terminal what is last gives way.
            progress.TextColumn("{task.description}", markup=False, table_column=rest),
            console=console,
            expand=True,
            transient=True,
        )
        self._job: Any = None
        self._tasks: dict[str, Any] = {}
        self._running: dict[str, str] = {}
        self._output = ""

    def __enter__(self) -> View:
        self._bars.start()
        return self

    def show(self, update: Update) -> None:
        for note in update.notes:
            self._line(f"({note})")
        for entry in update.events:
            self._event(entry)
        self._show_job(update.job)
        self._show_tasks()

    def close(self) -> None:
        self._flush()
        self._bars.stop()

    def _event(self, entry: LogEntry) -> None:
        event = event_of(entry)
        text = output_of(event)
        if text is not None:
            # A line above the bars is a whole one.
            *lines, self._output = (self._output + safe(text)).split("\n")
            for line in lines:
                self._line(line)
            return
        self._flush()
        self._line(event_line(event))
        self._count(event)

    def _flush(self) -> None:
        if self._output:
            self._line(self._output)
        self._output = ""

    def _count(self, event: Mapping[str, Any]) -> None:
        if event.get("action") != "job_task":
            return
        payload, task_id = mapping(event.get("payload")), str(event.get("task_id"))
        if payload.get("state") == "started":
            self._running[task_id] = one_line(_short(str(payload.get("name"))))
        else:
            self._running.pop(task_id, None)

    def _show_job(self, job: JobSnapshot) -> None:
        reported = progress_of(job)
        parts = [_short(job.name), str(job.state), steps(reported), str(reported.get("message") or "")]
        if self._job is None:
            self._job = self._bars.add_task("", total=None, amounts="")
            # The clock shows how long the job has been there, not how long it is watched.
            self._bars.tasks[0].start_time -= max((datetime.now(UTC) - job.created_at).total_seconds(), 0.0)
        eta = reported.get("eta")
        left = f"{eta:.0f} s left" if isinstance(eta, int | float) and not job.state.is_terminal else ""
        fraction = job.fraction
        self._bars.update(
            self._job,
            description=one_line("  ".join(part for part in parts if part)),
            total=None if fraction is None else 1.0,
            completed=fraction or 0.0,
            amounts="  ".join(part for part in (percent(job.fraction), amounts(reported), left) if part),
        )

    def _show_tasks(self) -> None:
        shown = dict(list(self._running.items())[:MOST_TASKS])
        for task_id in [task_id for task_id in self._tasks if task_id not in shown]:
            self._bars.remove_task(self._tasks.pop(task_id))
        for task_id, name in shown.items():
            if task_id not in self._tasks:
                self._tasks[task_id] = self._bars.add_task(name, total=None, amounts="")

    def _line(self, text: str) -> None:
        self._bars.console.print(self._text(text), soft_wrap=True)


def _short(task: str) -> str:
    """A task's name without its module: a bar has little room."""
    return task.rpartition(".")[2]


def output_of(event: Mapping[str, Any]) -> str | None:
    """The text of a piece of output; None for any other event."""
    text = mapping(event.get("payload")).get("text")
    return text if event.get("action") == "job_output" and isinstance(text, str) else None
