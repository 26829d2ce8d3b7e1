"""A primary, its replica and three Sentinels, all of them real processes."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from chanx.testing.redis_server import EmbeddedRedisServer, redis_server
from chanx.testing.tied_process import tied
from tests.ports import free_port
from tests.waiting import wait_until

MASTER = "shop"

SENTINEL_PASSWORD = "of:sentinel/"


@dataclass(frozen=True, slots=True)
class Sentinels:
    """``servers`` are the first primary and its replica."""

    servers: tuple[EmbeddedRedisServer, EmbeddedRedisServer]
    ports: tuple[int, ...]
    processes: tuple[subprocess.Popen[bytes], ...]

    @property
    def url(self) -> str:
        """For the store."""
        places = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{places}/{MASTER}/0?sentinel_password=of:sentinel%2F"

    @property
    def host(self) -> dict[str, Any]:
        """For channels_redis."""
        return {
            "sentinels": [("127.0.0.1", port) for port in self.ports],
            "master_name": MASTER,
            "sentinel_kwargs": {"password": SENTINEL_PASSWORD},
        }

    def primary(self) -> int | None:
        """The port of the server that the first Sentinel that answers has as the primary."""
        for port in self.ports:
            with suppress(redis.RedisError):
                return int(ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER, password=SENTINEL_PASSWORD)[1])
        return None

    def fail_over(self) -> None:
        """By command; returns when each Sentinel has the other server as the primary, and that says so."""
        before = self.primary()
        wait_until(self._begins_failover, what="a Sentinel to begin a failover")
        self.wait_for_primary_other_than(before)

    def heal(self) -> None:
        """Has both servers run, one as the replica of the other; to be called in the thread that began all.

        Sentinel would see to it, too, some ten seconds later.
        """
        primary = self.primary()
        for server in self.servers:
            server.start()
            if server.port != primary:
                _replicate(primary, server.port)

    def wait_for_primary_other_than(self, port: int | None) -> None:
        wait_until(lambda: self._agree_on_other_than(port), what="another primary")

    def _begins_failover(self) -> bool:
        try:
            ask(self.ports[0], "SENTINEL", "FAILOVER", MASTER, password=SENTINEL_PASSWORD)
        except redis.ResponseError:  # as yet it knows no good replica
            return False
        return True

    def _agree_on_other_than(self, before: int | None) -> bool:
        found = {
            int(ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER, password=SENTINEL_PASSWORD)[1])
            for port in self.ports
        }
        return len(found) == 1 and before not in found and all(ask(now, "ROLE")[0] == b"master" for now in found)


def ask(port: int | None, *command: object, password: str | None = None) -> Any:
    """What the server at ``port`` answers."""
    with closing(redis.Redis(port=port or 0, password=password, protocol=2)) as connection:
        connection.response_callbacks.clear()
        untyped: Any = connection
        return untyped.execute_command(*command)


@contextmanager
def sentinels(directory: Path, *, down_after: float = 0.5) -> Generator[Sentinels]:
    """``down_after``: how many seconds a server is silent before it counts as gone."""
    with ExitStack() as stack:
        first, second = (stack.enter_context(redis_server(private=True)) for _ in range(2))
        assert isinstance(first, EmbeddedRedisServer)
        assert isinstance(second, EmbeddedRedisServer)
        _replicate(first.port, second.port)
        ports = tuple(free_port() for _ in range(3))
        processes = tuple(_start(stack, first, port, directory, down_after) for port in ports)
        wait_until(lambda: all(map(_knows_all, ports)), what="the Sentinels to know each other and the replica")
        yield Sentinels((first, second), ports, processes)


def _replicate(primary: int | None, replica: int) -> None:
    ask(primary, "CONFIG", "SET", "repl-diskless-sync-delay", "0")
    ask(replica, "REPLICAOF", "127.0.0.1", primary)
    wait_until(lambda: b"master_link_status:up" in ask(replica, "INFO", "replication"), what="replication")


def _start(
    stack: ExitStack, primary: EmbeddedRedisServer, port: int, directory: Path, down_after: float
) -> subprocess.Popen[bytes]:
    program = primary._program  # pyright: ignore[reportPrivateUsage]  # the same for both
    file = directory / f"sentinel-{port}.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\nrequirepass {SENTINEL_PASSWORD}\n"
        f"sentinel monitor {MASTER} 127.0.0.1 {primary.port} 2\n"
        f"sentinel down-after-milliseconds {MASTER} {down_after * 1000:.0f}\n"
        f"sentinel failover-timeout {MASTER} 3000\n"
        f"sentinel sentinel-pass {SENTINEL_PASSWORD}\n"
    )
    with (directory / f"sentinel-{port}.log").open("wb") as log:
        process = subprocess.Popen(tied([program, str(file), "--sentinel"]), stdout=log, stderr=log)

    def end() -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    stack.callback(end)
    return process


def _knows_all(port: int) -> bool:
    try:
        flat = ask(port, "SENTINEL", "MASTER", MASTER, password=SENTINEL_PASSWORD)
    except redis.RedisError:
        return False
    state = dict(zip(flat[::2], flat[1::2], strict=True))
    return (state[b"num-other-sentinels"], state[b"num-slaves"], state[b"flags"]) == (b"2", b"1", b"master")
