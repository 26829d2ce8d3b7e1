"""The example site's Python client, generated from the document that it serves, against the real site and worker."""

import asyncio
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.browser import write_csv
from tests.acceptance.stack import Stack
from tests.acceptance.visitor import Visitor

PACKAGE = "generated_site_client"
SECONDS = 60


@pytest.fixture(scope="module")
def package_directory(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Has the package that the command writes for the document of the running site."""
    directory = tmp_path_factory.mktemp("client")
    schema = directory / "asyncapi.json"
    with Visitor(stack, "ada") as ada:
        answer = ada.get("/asyncapi/schema/", params={"format": "json"})
        assert answer.status_code == 200, answer.text
        schema.write_text(answer.text)
    command = ["generate-client", "--schema", str(schema), "--output", str(directory / PACKAGE)]
    program = "from chanx.cli.main import cli; cli()"
    subprocess.run([sys.executable, "-c", program, *command], check=True, timeout=SECONDS)
    return directory


@pytest.fixture
def jobs(package_directory: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package of the site's one connection, with what is in the package of its jobs."""
    monkeypatch.syspath_prepend(str(package_directory))
    return importlib.import_module(f"{PACKAGE}.jobs")


@pytest.fixture
def events(jobs: Any) -> Any:
    """The types of a job's events."""
    return importlib.import_module(f"{PACKAGE}.jobs_job")


@pytest.fixture
def base(jobs: Any) -> Any:
    """The runtime."""
    return importlib.import_module(f"{PACKAGE}.base")


async def started(jobs: Any, client: Any, command: str) -> Any:
    """The reference to a new job that runs a command."""
    return await accepted(jobs, client, jobs.StartCommand(payload=jobs.StartCommandPayload(command=command)))


async def accepted(jobs: Any, client: Any, message: Any) -> Any:
    answer = await client.ask(message, jobs.JobAccepted, jobs.JobNotStarted, timeout=SECONDS)
    assert isinstance(answer, jobs.JobAccepted), answer
    return answer.payload


async def test_a_job_is_started_and_read_whole_while_the_site_restarts(
    stack: Stack, jobs: Any, events: Any, base: Any
) -> None:
    """Given a job that a signed-in client starts, when the site is stopped and started again in the middle."""
    lost = asyncio.Event()

    class Client(jobs.JobsClient):  # type: ignore[misc]  # generated while the test runs
        async def on_disconnected(self, code: int | None, reason: str) -> None:
            lost.set()

    with Visitor(stack, "ada") as ada:
        async with Client(stack.url, headers=ada.websocket_headers) as client:
            job = client.job(await started(jobs, client, "count"))
            seen: list[Any] = []
            async with asyncio.timeout(SECONDS):
                async for event in job:
                    seen.append(event)
                    if text_of(seen, events).count("\n") >= 5 and not lost.is_set():
                        # In this thread, although the client stands still meanwhile: the site ends with its thread.
                        stack.site.stop()
                        stack.start_site()
                        await lost.wait()
                result = await job.result()

    # Then the client has every event, in order, each once and typed, and the result
    assert not any(isinstance(event, base.UnknownMessage | base.JobReset) for event in seen)
    assert text_of(seen, events) == "".join(f"{number} of 30\n" for number in range(1, 31))
    assert isinstance(seen[0], events.JobQueued)
    assert isinstance(seen[-1], events.JobSucceeded)
    assert (result["exit_code"], job.state) == (0, "succeeded")


def text_of(seen: list[Any], events: Any) -> str:
    return "".join(event.payload.text for event in seen if isinstance(event, events.JobOutput))


async def test_progress_and_events_of_the_sites_own_are_typed(
    stack: Stack, jobs: Any, events: Any, tmp_path: Path
) -> None:
    """Given a file that was read before, when the client has it read again, then it follows that."""
    write_csv(tmp_path / "orders.csv", 20_000, bad_every=5_000, more_columns=4)
    with Visitor(stack, "ada") as ada:
        first = ada.upload(tmp_path / "orders.csv")
        async with jobs.JobsClient(stack.url, headers=ada.websocket_headers) as client:
            again = jobs.RunAgain(payload=jobs.RunAgainPayload(job_id=first))
            job = client.job(await accepted(jobs, client, again))
            async with asyncio.timeout(SECONDS):
                seen = [event async for event in job]
                result = await job.result()

            # And goes on from any position, with another handle
            position = job.position
            assert [event async for event in client.job(job.id, position=position)] == []

    progress = [event.payload for event in seen if isinstance(event, events.JobProgress)]
    assert progress
    assert all(0 <= one.current <= one.total for one in progress)
    assert sum(isinstance(event, events.BadRow) for event in seen) == 4
    (*_, statistics) = [event.payload for event in seen if isinstance(event, events.ColumnStats)]
    assert all(isinstance(column, events.ColumnProfile) for column in statistics.columns)
    assert result["rows"] == 20_000


async def test_a_job_is_cancelled_and_listed(stack: Stack, jobs: Any, base: Any) -> None:
    with Visitor(stack, "grace") as grace:
        async with jobs.JobsClient(stack.url, headers=grace.websocket_headers) as client, asyncio.timeout(SECONDS):
            job = client.job(await started(jobs, client, "clock"))
            await job.cancel("that was enough")
            with pytest.raises(base.JobCancelledError, match="that was enough"):
                await job.result()
            async for listed in client.job_list():
                if [(one.job_id, one.state) for one in listed] == [(job.id, "cancelled")]:
                    break


async def test_the_job_of_another_is_refused(stack: Stack, jobs: Any, base: Any) -> None:
    with Visitor(stack, "ada") as ada, Visitor(stack, "grace") as grace:
        async with jobs.JobsClient(stack.url, headers=ada.websocket_headers) as client:
            job_id = client.job(await started(jobs, client, "packages")).id
        async with jobs.JobsClient(stack.url, headers=grace.websocket_headers) as client:
            with pytest.raises(base.JobRefusedError):
                await client.job(job_id).result(timeout=SECONDS)


async def test_who_is_not_signed_in_is_told_so(stack: Stack, jobs: Any, base: Any) -> None:
    async with jobs.JobsClient(stack.url, headers={"Origin": stack.url}) as client, asyncio.timeout(SECONDS):
        with pytest.raises(base.AccessDeniedError):
            await anext(client)


def test_type_checkers_accept_the_package(package_directory: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={package_directory / 'cache'}", "-p", PACKAGE]
    done = subprocess.run(command, cwd=package_directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
