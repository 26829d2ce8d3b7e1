"""A site and a worker that reach each other over a broker only, by real processes.

site (this process), relay ── the site's Redis
relay, worker ── broker
"""

import json
import os
import signal
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from kombu import Connection, pools

from chanx.bridge import Bridge, install, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.transports.event_bus.brokers import bus_on
from chanx.bridge.transports.event_bus.calls import queues
from chanx.bridge.transports.event_bus.store import BUS_NAME
from chanx.testing.redis_server import EmbeddedRedisServer, RedisServer, redis_server
from tests.celery_nodes.containers import rabbitmq_node
from tests.celery_nodes.process import ROOT, NodeProcess
from tests.celery_nodes.versions import NEWEST, CeleryVersion
from tests.integration import relay_app
from tests.integration.worker_process import disconnect, forget_backend
from tests.waiting import wait_until

APP = "tests.integration.relay_app"


class Broker(Protocol):
    """A broker of our own."""

    def url(self) -> str: ...
    def crash(self) -> None: ...
    def start(self) -> None: ...
    def signal(self, which: signal.Signals) -> None: ...


class RedisBroker:
    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def url(self) -> str:
        return self._server.url

    def crash(self) -> None:
        self._server.kill()

    def start(self) -> None:
        self._server.start()

    def signal(self, which: signal.Signals) -> None:
        assert isinstance(self._server, EmbeddedRedisServer)
        assert self._server.pid
        os.kill(self._server.pid, which)


class RabbitMQBroker:
    def __init__(self, node: Any) -> None:
        self._node = node

    def url(self) -> str:
        return str(self._node.host_url)

    def crash(self) -> None:
        self._node.kill()

    def start(self) -> None:
        self._node.restart()
        assert self._node.ready()

    def signal(self, which: signal.Signals) -> None:
        self._node.kill(which)


class RelayStack:
    """``bridge`` is the site's, on its own store."""

    def __init__(
        self, broker: Broker, bridge: Bridge, site: RedisServer, directory: Path, celery_version: CeleryVersion
    ) -> None:
        self.broker = broker
        self.bridge = bridge
        self.site_url = site.url
        self._directory = directory
        self._environment = {
            "CHANX_TEST_BROKER": broker.url(),
            "CHANX_TEST_RESULTS": site.url,
            "CHANX_TEST_STORE": site.url,
        }
        self.relays: list[NodeProcess] = []
        self.worker = self._process(
            "worker",
            ["celery", "-A", APP, "worker", "-l", "INFO", "-c", "2", "--without-gossip", "--without-mingle"],
            CHANX_TEST_STORE="event-bus://",
            PYTHONPATH=os.pathsep.join([*celery_version.paths(), str(ROOT)]),
        )

    def _process(self, name: str, arguments: list[str], **environment: str) -> NodeProcess:
        return NodeProcess(
            name,
            [sys.executable, "-m", *arguments],
            directory=self._directory,
            environment={**self._environment, **environment},
        )

    def start_plain_worker(self) -> NodeProcess:
        """One without chanx, which reads the queue "plain" and sends Celery's events."""
        command = [
            "celery",
            "-A",
            "tests.integration.plain_app",
            "worker",
            "-n",
            "plain@%h",
            "-E",
            "-P",
            "solo",
            "-Q",
            "plain",
        ]
        return self._process("plain", [*command, "--without-gossip", "--without-mingle"])

    def start_relay(self, *options: str) -> NodeProcess:
        command = ["chanx.cli", "relay", "--app", f"{APP}:app", *options]
        relay = self._process(f"relay-{len(self.relays)}", command)
        self.relays.append(relay)
        return relay

    def start(self, task: Any, *args: object) -> str:
        return start_job_sync(task, *args, owner="user:1").job_id

    def job(self, job_id: str) -> JobSnapshot:
        return self.bridge.job(job_id)

    def ended(self, job_id: str, *, seconds: float = 60.0) -> JobSnapshot:
        """The job, once it has ended."""
        wait_until(lambda: self.job(job_id).state.is_terminal, seconds=seconds, what=lambda: self._logs())
        return self.job(job_id)

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """All events of a job's log, in order."""

        found: list[str] = []
        while page := self.bridge.store.read(job_id, after=len(found), limit=1000):
            if not page.entries:
                break
            assert [entry.seq for entry in page.entries] == list(range(len(found) + 1, page.entries[-1].seq + 1))
            found += [entry.event for entry in page.entries]
        return [json.loads(text) for text in found]

    def counted(self, job_id: str) -> list[int]:
        return [event["payload"] for event in self.events(job_id) if event["action"] == "counted"]

    def repeat_all(self) -> None:
        """Everything that waits on the bus is there twice, the second time after all else."""
        bus = bus_on(Connection(self.broker.url()))
        for queue in queues(BUS_NAME):
            bodies: list[bytes] = []
            with bus.inbox(queue) as inbox:
                while message := inbox.take(0.5):
                    bodies.append(message.body)
                    inbox.done(message)
            with bus.line() as line:
                for body in [*bodies, *bodies]:
                    line.put(queue, body)

    def close(self) -> None:
        for relay in self.relays:
            relay.kill()
        self.worker.kill()

    def _logs(self) -> str:
        said = [f"{each.name}: {each.logs()[-3000:].decode()}" for each in [self.worker, *self.relays]]
        return "the job's end\n" + "\n".join(said)


@contextmanager
def relay_stack(
    kind: str,
    directory: Path,
    *,
    relays: int = 1,
    options: tuple[str, ...] = (),
    celery_version: CeleryVersion = NEWEST,
) -> Generator[RelayStack]:
    """A stack on a "redis" or "rabbitmq" broker of its own; it ends with the block. The version is the worker's.

    One at a time in a process: they share the app.
    """
    with ExitStack() as stack:
        site = stack.enter_context(redis_server(private=True))
        broker: Broker
        if kind == "redis":
            broker = RedisBroker(stack.enter_context(redis_server(private=True, persist=True)))
        else:
            broker = RabbitMQBroker(stack.enter_context(rabbitmq_node(directory)))
        app = relay_app.app
        app.conf.update(broker_url=broker.url(), result_backend=site.url)
        forget_backend(app)
        bridge = install(app, store=site.url)
        stack.callback(pools.reset)  # kombu keeps those of other brokers, closed
        stack.callback(disconnect, app)
        stack.callback(bridge.store.close)
        running = RelayStack(broker, bridge, site, directory, celery_version)
        stack.callback(running.close)
        for _ in range(relays):
            running.start_relay(*options)
        wait_until(lambda: app.control.ping(timeout=1, limit=1), what="the worker's answer")
        yield running
