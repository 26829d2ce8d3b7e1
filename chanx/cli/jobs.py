"""``chanx jobs``: a project's jobs in the terminal: which there are, one of them, one as it goes on, the end of one."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final

import click

from chanx.bridge.owner import owner_of
from chanx.bridge.snapshot import JobSnapshot, percent
from chanx.bridge.states import JobState
from chanx.bridge.web.job_list import listed
from chanx.cli.celery_app import app_option, bridge_of_app
from chanx.cli.job_following import follow
from chanx.cli.job_text import date, event_line, event_of, job_content, one_line, progress_line, safe
from chanx.cli.job_views import BarView, JsonView, TextView, View
from chanx.cli.patience import Patience
from chanx.errors import ChanxError
from chanx.utils.extras import need

_PAGE: Final = 100
_EXIT_CODES: Final[Mapping[JobState, int]] = {JobState.SUCCEEDED: 0, JobState.FAILED: 1, JobState.CANCELLED: 2}
_CANNOT_WATCH: Final = 3
_INTERRUPTED: Final = 130
_WIDEST: Final = 10_000
_COLUMNS: Final = ("JOB", "NAME", "OWNER", "STATE", "PROGRESS", "CREATED")

_json = click.option("--json", "as_json", is_flag=True, help="JSON, for scripts.")
_job_id = click.argument("job_id")


class _CannotWatch(click.ClickException):
    exit_code = _CANNOT_WATCH


class _WrongUsage(click.UsageError):
    exit_code = _CANNOT_WATCH


class _WatchCommand(click.Command):
    """Its exit codes 0 to 2 tell of the job, so all that hinders it is 3."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise _WrongUsage(error.format_message(), error.ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise _WrongUsage(error.format_message(), ctx) from error
        except ChanxError as error:
            raise _CannotWatch(str(error)) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:  # whoever reads has seen enough, as `head`
            ctx.exit(_CANNOT_WATCH)
        except Exception:  # of the project's modules, say: Python's own exit code for it is 1
            traceback.print_exc()
            ctx.exit(_CANNOT_WATCH)


@click.group()
def jobs() -> None:
    """Look at a project's jobs, watch one, cancel one."""


@jobs.command("list")
@app_option
@click.option("--owner", metavar="KIND:ID", help="Only those of one owner, or that it watches, such as user:42.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in JobState]),
    help="Only those in this state; may be given several times.",
)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many, at most.")
@_json
def list_jobs(app: str | None, owner: str | None, states: tuple[str, ...], limit: int, as_json: bool) -> None:
    """List the jobs that are still kept, the newest first."""
    name = None if owner is None else owner_of(owner)
    store = bridge_of_app(app).store

    page: Callable[..., list[JobSnapshot]] = store.all_jobs if name is None else partial(store.jobs_of, name)
    found = list(islice(_matching(page, states), limit))
    if as_json:
        click.echo(json.dumps([listed(job) for job in found], indent=2))
    elif _is_terminal():
        _print_table(found)
    else:
        for job in found:
            click.echo("\t".join(_row(job)))


@jobs.command()
@app_option
@_job_id
@click.option(
    "--events", type=click.IntRange(min=0), default=20, show_default=True, help="How many of the last events."
)
@_json
def show(app: str | None, job_id: str, events: int, as_json: bool) -> None:
    """Show a job as it stands, and its last events."""
    bridge, patience = bridge_of_app(app), Patience()
    job: JobSnapshot = patience.ask(lambda: bridge.job(job_id))
    after = max(job.seq - events, 0)
    page = patience.ask(lambda: bridge.store.read(job_id, after=after, limit=events)) if events else None
    last = [event_of(entry) for entry in page.entries] if page else []
    if as_json:
        click.echo(json.dumps({"job": job_content(job), "events": last}, indent=2))
        return
    for name, value in _facts(job):
        click.echo(f"{name:<12}{value}")
    if last:
        click.echo("")
    for event in last:
        click.echo(f"{event['seq']:>6}  {event_line(event)}")


@jobs.command(cls=_WatchCommand)
@app_option
@_job_id
@click.option("--tail", type=click.IntRange(min=0), help="Begin with this many of the last events. [default: all]")
@_json
def watch(app: str | None, job_id: str, tail: int | None, as_json: bool) -> None:
    """Watch a job until it ends: its progress, log lines and output.

    Ctrl-C stops watching, not the job.

    Exit code 0: the job succeeded. 1: it failed. 2: it was cancelled. 3: it cannot be watched. 130: Ctrl-C.
    """
    bridge = bridge_of_app(app)
    view: View = JsonView() if as_json else BarView() if _is_terminal() else TextView()
    job: JobSnapshot | None = None
    try:
        with view:
            for update in follow(bridge, job_id, patience=Patience(), tail=tail):
                view.show(update)
                job = update.job
    except KeyboardInterrupt:
        click.echo("Stopped watching. The job goes on: chanx jobs cancel ends it.", err=True)
        sys.exit(_INTERRUPTED)
    sys.exit(_EXIT_CODES[job.state] if job else _CANNOT_WATCH)


@jobs.command()
@app_option
@_job_id
@click.option("--reason", help="Shown to whoever watches the job.")
@click.option(
    "--terminate-after",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Have Celery terminate what still runs by then.",
)
@_json
def cancel(app: str | None, job_id: str, reason: str | None, terminate_after: float | None, as_json: bool) -> None:
    """Ask a job to stop.

    What no worker has begun never runs, what runs stops at its next step. A job that has ended stays as it is.
    """
    bridge, patience = bridge_of_app(app), Patience()
    had_ended = patience.ask(lambda: bridge.job(job_id)).state.is_terminal
    state: JobState = patience.ask(lambda: bridge.cancel(job_id, reason=reason, terminate_after=terminate_after))
    if as_json:
        click.echo(json.dumps({"job_id": job_id, "state": state.value, "had_ended": had_ended}))
    elif had_ended:
        click.echo(f"The job had ended already: {state.value}.")
    elif state.is_terminal:
        click.echo(f"The job has ended: {state.value}.")
    else:
        click.echo(f"The job was asked to stop; it is {state.value} now.")


def _matching(page: Callable[..., list[JobSnapshot]], states: Collection[str]) -> Iterator[JobSnapshot]:
    """The jobs in one of these states, or in any without, read page by page."""
    patience, ask = Patience(), partial(page, limit=_PAGE)
    while found := patience.ask(ask):
        yield from (job for job in found if not states or job.state in states)
        before, before_id = found[-1].place
        ask = partial(page, limit=_PAGE, before=before, before_id=before_id)


def _row(job: JobSnapshot) -> list[str]:
    return [
        job.job_id,
        one_line(job.name),
        one_line(job.owner),
        job.state.value,
        percent(job.fraction),
        date(job.created_at),
    ]


def _print_table(found: list[JobSnapshot]) -> None:
    # As wide as it has to be: half an id is of no use.
    console, text = need("rich.console", extra="cli").Console(width=_WIDEST), need("rich.text", extra="cli").Text
    table = need("rich.table", extra="cli").Table(*_COLUMNS, box=None, pad_edge=False)
    for job in found:
        table.add_row(*map(text, _row(job)))
    console.print(table if found else "No jobs.", soft_wrap=True)


def _facts(job: JobSnapshot) -> Iterator[tuple[str, str]]:
    yield "job", job.job_id
    yield "task", f"{one_line(job.name)} ({one_line(job.task_id)})"
    yield "owner", one_line(job.owner)
    if job.watchers:
        yield "watchers", one_line(", ".join(job.watchers))
    yield "state", f"{job.state.value}, attempt {job.attempt}" if job.attempt > 1 else job.state.value
    if job.cancel_requested:
        yield "cancelled", one_line(job.cancel_reason or "requested")
    if progress := progress_line(job):
        yield "progress", progress
    yield "created", date(job.created_at)
    for name in ("started_at", "ended_at"):
        if (at := job.fields.get(name)) is not None:
            yield name.partition("_")[0], date(datetime.fromisoformat(str(at)))
    yield "events", f"{job.oldest} to {job.seq}" if job.seq else "none"
    for name, value in [("meta", job.meta), *job.fields.items()]:
        if value not in (None, {}, False) and name not in ("started_at", "ended_at", "job_progress"):
            yield safe(name), one_line(json.dumps(value, ensure_ascii=False))


def _is_terminal() -> bool:
    return sys.stdout.isatty()
