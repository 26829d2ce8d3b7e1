"""pytest-celery's three kinds of containers, made of processes.

Each has a readiness check that asks the server or worker itself: the stock one looks for a line in the log, which an
earlier start may have written.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from celery import Celery
from kombu import Connection
from kombu.exceptions import OperationalError
from pytest_celery import CeleryWorkerContainer, RabbitMQContainer, RedisContainer

from chanx.testing.redis_server import EmbeddedRedisServer
from tests.celery_nodes.process import ROOT, NodeProcess, RedisProcess
from tests.celery_nodes.versions import CeleryVersion
from tests.ports import free_port
from tests.requirements import require
from tests.waiting import wait_until

READY_SECONDS = 90.0

_ATTEMPTS = 3


class RedisNode(RedisContainer):
    """Broker or result backend; ``vhost`` is the number of the database."""

    def __init__(self, server: EmbeddedRedisServer, vhost: str) -> None:
        super().__init__(RedisProcess(server))
        self._port = server.port
        self._vhost = vhost

    port = property(lambda self: self._port)
    hostname = property(lambda self: "127.0.0.1")
    vhost = property(lambda self: self._vhost)
    url = host_url = property(lambda self: f"{self.prefix()}127.0.0.1:{self._port}/{self._vhost}")

    def ready(self) -> bool:
        return bool(self.client.ping())


@dataclass(frozen=True, slots=True)
class RabbitMQAccess:
    """Whom a RabbitMQ lets in, and where."""

    user: str = "guest"
    password: str = "guest"
    vhost: str = "/"

    def of_url(self, port: int) -> str:
        """As Celery's settings have it, quoted; but a virtual host that is ``/`` is written as everybody does."""
        user, password, vhost = (quote(text, safe="") for text in (self.user, self.password, self.vhost))
        return f"{user}:{password}@127.0.0.1:{port}/{'/' if self.vhost == '/' else vhost}"

    def configuration(self) -> str:
        """For ``rabbitmq.conf``."""
        return f"default_user = {self.user}\ndefault_pass = {self.password}\ndefault_vhost = {self.vhost}\n"


class RabbitMQNode(RabbitMQContainer):
    """A RabbitMQ server with a node name, ports, cookie and data of its own, beside whatever the machine runs."""

    def __init__(self, process: NodeProcess, port: int, access: RabbitMQAccess) -> None:
        super().__init__(process)
        self._port = port
        self._access = access

    port = property(lambda self: self._port)
    hostname = property(lambda self: "127.0.0.1")
    url = host_url = property(lambda self: f"{self.prefix()}{self._access.of_url(self._port)}")

    def ready(self) -> bool:
        wait_until(lambda: self.status == "exited" or self._answers(), seconds=READY_SECONDS, what="RabbitMQ's answer")
        return self.status == "running"

    def _answers(self) -> bool:
        with suppress(OperationalError, OSError), Connection(self.host_url, connect_timeout=1) as connection:
            connection.connect()
            return True
        return False


@contextmanager
def rabbitmq_node(directory: Path, access: RabbitMQAccess = RabbitMQAccess()) -> Iterator[RabbitMQNode]:
    """A running RabbitMQ; the test that asks for it is skipped, or fails, where the program is not installed."""
    program = require("rabbitmq")
    for attempt in range(_ATTEMPTS):
        attempt_directory = directory / str(attempt)
        attempt_directory.mkdir()
        port, distribution_port, epmd_port = free_port(), free_port(), free_port()
        epmd_program = shutil.which("epmd")
        assert epmd_program, "RabbitMQ's Erlang has an epmd"
        epmd = NodeProcess(
            "epmd", [epmd_program, "-port", str(epmd_port), "-address", "127.0.0.1"], directory=attempt_directory
        )
        server = NodeProcess(
            "rabbitmq",
            [program],
            directory=attempt_directory,
            environment=_rabbitmq_environment(attempt_directory, access, port, distribution_port, epmd_port),
        )
        node = RabbitMQNode(server, port, access)
        try:
            if node.ready():
                yield node
                return
        finally:
            server.kill()
            epmd.kill()
    raise AssertionError(f"RabbitMQ does not start: {node.logs()[-2000:]}")


def _rabbitmq_environment(
    directory: Path, access: RabbitMQAccess, port: int, distribution_port: int, epmd_port: int
) -> dict[str, str]:
    (directory / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.console = true\nlog.console.level = warning\nlog.file = false\n"
        f"{access.configuration()}"
    )
    (directory / "enabled_plugins").write_text("[].\n")
    return {
        "HOME": str(directory),
        # The script then becomes the server, so that a signal reaches it and it dies with us.
        "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_NODENAME": f"chanx{port}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }


class WorkerNode(CeleryWorkerContainer):
    """A worker process of ``app_path`` on Celery ``celery_version``; ``app`` is the same app in this process."""

    def __init__(
        self,
        app: Celery,
        app_path: str,
        *options: str,
        celery_version: CeleryVersion,
        environment: dict[str, str],
        directory: Path,
    ) -> None:
        self.app = app
        self._celery_version = celery_version
        self._hostname = f"{self.worker_name()}@{uuid4().hex[:12]}"
        paths = [*celery_version.paths(), str(ROOT)]
        process = NodeProcess(
            self._hostname,
            [sys.executable, "-m", "celery", "-A", app_path, "worker", "-n", self._hostname, "-l", "INFO", *options],
            directory=directory,
            environment={**environment, "PYTHONPATH": os.pathsep.join(paths)},
        )
        process.id = self._hostname.split("@")[1]  # pytest-celery makes the worker's host name of it
        super().__init__(process)

    @property
    def pid(self) -> int:
        return int(self._container.pid)

    def version(self) -> str:
        return self._celery_version.number

    def ready(self) -> bool:
        wait_until(
            lambda: self.status == "exited" or self.app.control.ping([self._hostname], timeout=1, limit=1),
            seconds=READY_SECONDS,
            what=lambda: f"the worker's answer. It said: {self.logs()[-2000:]}",
        )
        assert self.status == "running", self.logs()[-2000:]
        return True

    def wait(self) -> int:
        """Until the process has ended by itself; its exit status."""
        return int(self._container.wait())
