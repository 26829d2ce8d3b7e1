"""The demo's runner: what dies is started again, the end is complete, and errors are plain."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import psutil
import pytest

from chanx.errors import ConfigurationError
from example_site.demo.demo import check_port

_ROOT = Path(__file__).parents[2]
# A worker with a child that has left its session, as a task's subprocess may; ignores SIGTERM on request.
_WORKER = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print("worker pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
_SITE = """
import http.server, os, sys
print("site pids", os.getpid(), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
_RUNNER = """
import os, sys
from pathlib import Path
from example_site.demo.side_by_side import DemoProcess, run_side_by_side
processes = {processes}
sys.exit(run_side_by_side(processes, environment=os.environ, directory=Path.cwd()))
"""


class Runner:
    """The runner in a process of its own, and the lines that it has printed so far."""

    def __init__(self, processes: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", _RUNNER.format(processes=processes)],
            cwd=_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def pids(self, prefix: str, *, times: int = 1) -> list[psutil.Process]:
        """The processes of the ``times``-th line of a program that says its pids."""
        wait_for(lambda: len(self._said(prefix)) >= times, self)
        return [psutil.Process(int(pid)) for pid in self._said(prefix)[times - 1].split()]

    def tree(self) -> list[psutil.Process]:
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def output(self) -> str:
        return "\n".join(self.lines)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _said(self, prefix: str) -> list[str]:
        return [line.split(f"| {prefix} pids ")[1] for line in self.lines if f"| {prefix} pids " in line]


def wait_for(condition: Callable[[], object], runner: Runner, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, runner.output()
        time.sleep(0.02)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def runner(port: int) -> Iterator[Runner]:
    runner = Runner(_worker_and_site(port))
    yield runner
    runner.close()


def _worker_and_site(port: int, *worker_options: str) -> str:
    url = f"http://127.0.0.1:{port}/"
    worker = (sys.executable, "-c", _WORKER, *worker_options)
    site = (sys.executable, "-c", _SITE, str(port))
    return (
        f"[DemoProcess('worker', {worker!r}, restart=True),"
        f" DemoProcess('site', {site!r}, ready_url={url!r}, ready_text='Open {url}')]"
    )


def test_prints_the_url_once_the_site_answers(runner: Runner, port: int) -> None:
    wait_for(lambda: f"Open http://127.0.0.1:{port}/" in runner.output(), runner)
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_a_killed_worker_is_started_again_and_its_children_die(runner: Runner) -> None:
    # Given a worker with a child process
    worker, child = runner.pids("worker")
    (site,) = runner.pids("site")
    # When the worker is killed
    worker.kill()
    # Then it is started again, its child is not left behind, and the site goes on
    new_worker, new_child = runner.pids("worker", times=2)
    assert new_worker.is_running()
    assert new_child.is_running()
    assert gone([worker, child])
    assert site.is_running()
    assert "It ended (SIGKILL) and is started again in" in runner.output()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_in_order(runner: Runner, number: signal.Signals) -> None:
    # Given everything running
    runner.pids("worker")
    runner.pids("site")
    processes = runner.tree()
    assert len(processes) >= 8
    # When the runner is asked to stop
    runner.process.send_signal(number)
    # Then that is a success, and nothing is left
    assert runner.process.wait(20) == 0
    assert gone(processes)


def test_a_stubborn_worker_is_killed(port: int) -> None:
    runner = Runner(_worker_and_site(port, "stubborn"))
    try:
        processes = runner.pids("worker")
        runner.process.terminate()
        assert runner.process.wait(20) == 0
        assert gone(processes)
    finally:
        runner.close()


def test_nothing_outlives_a_killed_runner(runner: Runner) -> None:
    runner.pids("worker")
    runner.pids("site")
    processes = runner.tree()
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    wait_for(lambda: gone(processes), runner)


def test_a_worker_that_fails_at_once_ends_the_demo_with_a_reason() -> None:
    # Given a worker that cannot start
    worker = (sys.executable, "-c", "raise SystemExit('no such broker')")
    runner = Runner(f"[DemoProcess('worker', {worker!r}, restart=True)]")
    try:
        # Then it is tried a few times, and given up with its reason in sight
        wait_for(lambda: "giving up" in runner.output(), runner, seconds=60)
        assert runner.process.wait(20) == 1
        assert runner.output().count("no such broker") == 5
        assert "It ended 5 times right after its start: giving up." in runner.output()
    finally:
        runner.close()


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"Port {taken} is taken .* make demo PORT=\d+") as caught:
            check_port(taken)
        assert f"PORT={taken}" not in str(caught.value)
        # The command says it in one line, without a traceback.
        command = [sys.executable, "-m", "example_site.demo", "--port", str(taken)]
        result = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: Port {taken} is taken")
    assert len(result.stderr.splitlines()) == 1
