"""``chanx jobs`` as it is typed, beside a real worker."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chanx.bridge import Bridge, start_job_sync
from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration import jobs_app
from tests.integration.worker_process import ROOT, connected, worker
from tests.waiting import wait_until

APP = "tests.integration.jobs_app"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(server: RedisServer) -> Iterator[Bridge]:
    with connected(jobs_app.app, server) as bridge:
        yield bridge


@pytest.fixture(scope="module", autouse=True)
def running_worker(bridge: Bridge, server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with worker(APP, bridge.app, server.url, log=log) as pid:
        yield pid


class Terminal:
    """Runs ``chanx jobs`` with the environment of a project."""

    def __init__(self, url: str) -> None:
        plain = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        self.environment = {**plain, "CHANX_REDIS_URL": url, "CHANX_APP": f"{APP}:app", "TERM": "xterm"}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "chanx.cli", "jobs", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(command, env=self.environment, cwd=ROOT, text=True, **options)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=40)
        return process.returncode, out, err


@pytest.fixture
def terminal(server: RedisServer) -> Terminal:
    return Terminal(server.url)


def test_a_job_is_watched_to_its_end(bridge: Bridge, terminal: Terminal, tmp_path: Path) -> None:
    # Given a job in the middle of its task
    path = tmp_path / "go-on"
    job = start_job_sync(jobs_app.wait_for_file, str(path), owner="user:1")
    wait_until(Path(f"{path}.ready").exists, what="the task to begin")

    # When it goes on while it is watched
    watching = terminal.start("watch", job.job_id, "--json")
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    path.touch()
    events = [json.loads(line) for line in watching.stdout]  # until its end

    # Then
    _, err = watching.communicate(timeout=40)
    assert watching.returncode == 0, err
    assert first["job"]["state"] == "started"
    assert [(event["seq"], event["action"]) for event in events] == [
        (1, "job_queued"),
        (2, "job_started"),
        (3, "job_log"),
        (4, "job_log"),
        (5, "job_succeeded"),
    ]


@pytest.mark.parametrize(("task", "code", "says"), [(jobs_app.count, 0, "succeeded"), (jobs_app.refuse, 1, "failed")])
def test_the_exit_code_tells_scripts(bridge: Bridge, terminal: Terminal, task: Any, code: int, says: str) -> None:
    job = start_job_sync(task, *([100] if code == 0 else []), owner="user:1")

    exit_code, out, err = terminal.run("watch", job.job_id)

    assert exit_code == code, err
    assert re.search(rf"^\d\d:\d\d:\d\d  {says}", out.splitlines()[-1])


def test_a_running_job_is_cancelled(bridge: Bridge, terminal: Terminal, tmp_path: Path) -> None:
    # Given
    started = tmp_path / "started"
    job = start_job_sync(jobs_app.run_until_cancelled, str(started), owner="user:2")
    wait_until(started.exists, what="the task to begin")
    watching = terminal.start("watch", job.job_id)

    # When
    code, out, err = terminal.run("cancel", job.job_id, "--reason", "enough")

    # Then
    assert code == 0, err
    assert out in ("The job was asked to stop; it is started now.\n", "The job has ended: cancelled.\n")
    seen, err = watching.communicate(timeout=40)
    assert watching.returncode == 2, err
    assert seen.splitlines()[-1].endswith("cancelled: enough")
    assert not started.exists()


def test_ctrl_c_stops_only_the_watching(bridge: Bridge, terminal: Terminal, tmp_path: Path) -> None:
    # Given
    path = tmp_path / "go-on"
    job = start_job_sync(jobs_app.wait_for_file, str(path), owner="user:1")
    watching = terminal.start("watch", job.job_id)
    assert watching.stdout is not None
    lines = [watching.stdout.readline() for _ in range(3)]
    assert lines[-1].endswith("info: before\n")

    # When
    watching.send_signal(signal.SIGINT)
    _, err = watching.communicate(timeout=40)

    # Then
    assert watching.returncode == 130, err
    assert err.endswith("Stopped watching. The job goes on: chanx jobs cancel ends it.\n")
    assert not bridge.job(job.job_id).cancel_requested
    path.touch()
    assert terminal.run("watch", job.job_id, "--tail", "1")[0] == 0


def test_bars_in_a_terminal(bridge: Bridge, terminal: Terminal, tmp_path: Path) -> None:
    # Given
    path = tmp_path / "go-on"
    job = start_job_sync(jobs_app.wait_for_file, str(path), owner="user:1")
    ours, theirs = pty.openpty()

    # When
    watching = terminal.start("watch", job.job_id, stdout=theirs)
    os.close(theirs)
    screen = _read_until(ours, b"wait_for_file  started")
    path.touch()
    screen += _read_until(ours, b"succeeded: ")
    _, err = watching.communicate(timeout=40)
    os.close(ours)

    # Then
    assert watching.returncode == 0, err
    assert screen.index(b"info: before") < screen.index(b"info: after") < screen.index(b"succeeded: ")


def test_the_jobs_of_all_owners_are_listed(bridge: Bridge, terminal: Terminal) -> None:
    jobs = [start_job_sync(jobs_app.count, 1, owner=f"user:{number}") for number in (71, 72)]
    for job in jobs:
        assert terminal.run("watch", job.job_id)[0] == 0

    code, out, err = terminal.run("list", "--limit", "2", "--json", "--state", "succeeded")

    assert code == 0, err
    assert [(job["job_id"], job["owner"]) for job in json.loads(out)] == [
        (jobs[1].job_id, "user:72"),
        (jobs[0].job_id, "user:71"),
    ]
    _, out, _ = terminal.run("list", "--owner", "user:71")
    assert out.split("\t")[:4] == [jobs[0].job_id, "tests.integration.jobs_app.count", "user:71", "succeeded"]
    _, out, _ = terminal.run("show", jobs[0].job_id, "--json")
    assert json.loads(out)["job"]["fields"]["result"] == {"rows": 1}


def test_a_store_that_is_not_there_is_no_traceback(terminal: Terminal) -> None:
    terminal.environment["CHANX_REDIS_URL"] = "redis://127.0.0.1:1/0"
    commands = {("list",): 1, ("show", "j"): 1, ("cancel", "j"): 1, ("watch", "j"): 3}
    running = {command: terminal.start(*command) for command in commands}
    for command, expected in commands.items():
        out, err = running[command].communicate(timeout=40)
        assert (running[command].returncode, out) == (expected, "")
        waits, gives_up = err.splitlines()
        assert waits.startswith("The job store did not answer: ConnectionError: ")
        assert f"Error: {waits.removesuffix(' Waiting for it.')}" == gives_up


def _read_until(screen: int, text: bytes) -> bytes:
    shown = b""

    def look() -> bool:
        nonlocal shown
        if select.select([screen], [], [], 0)[0]:
            try:
                shown += os.read(screen, 65536)
            except OSError:  # the other end is closed
                return True
        return text in shown

    wait_until(look, what=lambda: f"{text!r} on the screen: {shown!r}")
    return shown
