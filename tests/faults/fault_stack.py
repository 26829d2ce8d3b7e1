"""The real stack that faults are done to: a server that keeps what it acknowledged, a worker, two sites.

             ┌─ proxy ─ worker (its child runs the job)
Redis server ┤
             └─ proxy ─ site A, site B (Daphne) ─ clients
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import create_connection

import psutil

from chanx.bridge import Bridge
from chanx.testing.redis_server import RedisServer, redis_server
from chanx.testing.tied_process import tied
from tests.faults import noted_app
from tests.integration.worker_process import connected, worker
from tests.ports import free_port
from tests.tcp_proxy import TcpProxy, tcp_proxy
from tests.waiting import wait_until


@dataclass(slots=True)
class FaultStack:
    """``bridge`` talks to the server directly, past the proxies."""

    server: RedisServer
    bridge: Bridge
    directory: Path
    worker_line: TcpProxy
    site_line: TcpProxy
    worker_pid: int = 0
    sites: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    urls: list[str] = field(default_factory=list[str])

    @property
    def notes(self) -> Path:
        return self.directory / "acknowledged"

    def acknowledged(self) -> list[int]:
        """The numbers of the events that the log has acknowledged to the worker so far."""
        return [int(line) for line in self.notes.read_text().split()] if self.notes.exists() else []

    def worker_processes(self) -> list[psutil.Process]:
        """The parent, then its children."""
        parent = psutil.Process(self.worker_pid)
        return [parent, *parent.children(recursive=True)]

    def kill_child(self) -> None:
        """SIGKILL to the process that runs the job."""
        _, child = self.worker_processes()
        child.send_signal(signal.SIGKILL)

    def kill_worker(self) -> None:
        """SIGKILL to all processes of the worker."""
        for process in self.worker_processes():
            process.kill()

    def suspend_worker(self) -> None:
        """SIGSTOP to all processes of the worker."""
        for process in self.worker_processes():
            process.suspend()

    def resume_worker(self) -> None:
        """SIGCONT to those that were stopped and still live."""
        with suppress(psutil.NoSuchProcess):
            for process in self.worker_processes():
                process.resume()

    def start_site(self) -> int:
        """Returns its port, on which it will answer."""
        port = free_port()
        environment = {
            **os.environ,
            "CHANX_REDIS_URL": f"redis://127.0.0.1:{self.site_line.port}/0",
            "CHANX_PREFIX": "asgi",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
        with (self.directory / f"site-{port}.log").open("ab") as log:
            site = subprocess.Popen(
                tied([*command, "tests.integration.asgi_apps:channels"]),
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.sites.append(site)
        self.urls.append(f"ws://127.0.0.1:{port}/ws/jobs")
        return port


@contextmanager
def fault_stack(directory: Path) -> Iterator[FaultStack]:
    """Everything runs; it ends with the block."""
    with ExitStack() as stack:
        server = stack.enter_context(redis_server(persist=True))
        bridge = stack.enter_context(connected(noted_app.app, server))
        running = FaultStack(
            server,
            bridge,
            directory,
            worker_line=stack.enter_context(tcp_proxy(server.port)),
            site_line=stack.enter_context(tcp_proxy(server.port)),
        )
        stack.callback(lambda: [_end(site) for site in running.sites])
        ports = [running.start_site() for _ in range(2)]
        os.environ["CHANX_NOTES"] = str(running.notes)
        running.worker_pid = stack.enter_context(
            worker(
                "tests.faults.noted_app",
                noted_app.app,
                f"redis://127.0.0.1:{running.worker_line.port}/0",
                "--without-gossip",
                "--without-mingle",
                log=directory / "worker.log",
            )
        )
        stack.callback(running.resume_worker)  # one that stands still cannot stop
        wait_until(lambda: all(map(_answers, ports)), what="the sites' ports")
        yield running


def _answers(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(30)
