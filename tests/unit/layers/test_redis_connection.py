from __future__ import annotations

from typing import Any

import pytest
import redis

from chanx.layers.hosts import RedisHost
from chanx.layers.publisher import DeliveryFailed
from chanx.layers.redis_connection import CONNECTIONS, RedisShard

HOST = RedisHost.parse("redis://:secret@localhost")


class TimeLimitError(Exception):
    """Stands for Celery's SoftTimeLimitExceeded."""


class Server:
    """Connections that answer as told; None is a good answer."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.opened = 0
        self.closed = 0

    def connect(self, host: RedisHost) -> Server:
        self.opened += 1
        return self

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None: ...

    def read_response(self) -> Any:
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer

    def disconnect(self) -> None:
        self.closed += 1


def shard(monkeypatch: pytest.MonkeyPatch, server: Server) -> RedisShard:
    monkeypatch.setattr("chanx.layers.redis_connection.new_connection", server.connect)
    return RedisShard(HOST)


def test_a_closed_connection_is_opened_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(None, redis.ConnectionError("closed by server"), None)
    target = shard(monkeypatch, server)
    target.publish(b"c", b"1")
    target.publish(b"c", b"2")
    assert (server.opened, server.closed) == (2, 1)


def test_a_new_connection_that_fails_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(redis.ConnectionError("refused"), None)
    with pytest.raises(DeliveryFailed, match="refused"):
        shard(monkeypatch, server).publish(b"c", b"1")
    assert server.opened == 1


@pytest.mark.parametrize("error", [redis.TimeoutError("slow"), redis.ResponseError("NOPERM"), OSError("odd")])
def test_other_trouble_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    server = Server(None, error, None)
    target = shard(monkeypatch, server)
    target.publish(b"c", b"1")
    with pytest.raises(DeliveryFailed) as failure:
        target.publish(b"c", b"2")
    assert "secret" not in str(failure.value)
    assert server.closed == 1


def test_after_a_time_limit_nobody_reads_the_answer_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a time limit that strikes between sending and reading
    server = Server(None, TimeLimitError(), None)
    target = shard(monkeypatch, server)
    target.publish(b"c", b"1")
    with pytest.raises(TimeLimitError):
        target.publish(b"c", b"2")

    # When the next message is sent, Then it has a new connection, and no rest is observed
    target.publish(b"c", b"3")
    assert (server.opened, server.closed) == (2, 1)


def test_closing_waits_for_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a connection in use that a time limit left locked
    server = Server(None)
    target = shard(monkeypatch, server)
    target.publish(b"c", b"1")
    target._free_line()

    # When the shard is closed, Then it leaves that one
    target.close()
    assert server.closed == 0


def test_when_all_connections_are_busy_the_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given as many callers as there are connections
    target = shard(monkeypatch, Server())
    for _ in range(CONNECTIONS):
        target._free_line()

    # When one more comes, Then it is told, after its time
    with pytest.raises(DeliveryFailed, match="busy"):
        target.publish(b"c", b"1")
