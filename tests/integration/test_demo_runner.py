"""The demo's runner: what dies is started again, the end is complete, and errors are plain."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from chanx.errors import ConfigurationError
from example_site.demo.demo import check_port
from tests.integration.runner_process import ROOT, Runner, gone
from tests.waiting import wait_until

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


def start(processes: str) -> Runner:
    return Runner([sys.executable, "-c", _RUNNER.format(processes=processes)])


@pytest.fixture
def runner(unused_tcp_port: int) -> Iterator[Runner]:
    runner = start(_worker_and_site(unused_tcp_port))
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


def test_prints_the_url_once_the_site_answers(runner: Runner, unused_tcp_port: int) -> None:
    wait_until(lambda: f"Open http://127.0.0.1:{unused_tcp_port}/" in runner.output(), what=runner.output)
    with socket.create_connection(("127.0.0.1", unused_tcp_port), timeout=5):
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
    assert runner.process.wait(60) == 0
    assert gone(processes)


def test_a_stubborn_worker_is_killed(unused_tcp_port: int) -> None:
    runner = start(_worker_and_site(unused_tcp_port, "stubborn"))
    try:
        processes = runner.pids("worker")
        runner.process.terminate()
        assert runner.process.wait(60) == 0
        assert gone(processes)
    finally:
        runner.close()


def test_nothing_outlives_a_killed_runner(runner: Runner) -> None:
    runner.pids("worker")
    runner.pids("site")
    processes = runner.tree()
    os.kill(runner.process.pid, signal.SIGKILL)
    runner.process.wait()
    wait_until(lambda: gone(processes), what=runner.output)


def test_a_worker_that_fails_at_once_ends_the_demo_with_a_reason() -> None:
    # Given a worker that cannot start
    worker = (sys.executable, "-c", "raise SystemExit('no such broker')")
    runner = start(f"[DemoProcess('worker', {worker!r}, restart=True)]")
    try:
        # Then it is tried a few times, and given up with its reason in sight
        wait_until(lambda: "giving up" in runner.output(), what=runner.output)
        assert runner.process.wait(60) == 1
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
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)
    assert result.returncode == 1
    assert result.stderr.startswith(f"error: Port {taken} is taken")
    assert len(result.stderr.splitlines()) == 1
