from __future__ import annotations

from typing import Any

import pytest
import redis

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_connection import CONNECTIONS, DeliveryFailed, RedisShard

HOST = RedisHost.parse("redis://:secret@localhost")


class TimeLimitError(Exception):
    """Stands for Celery's SoftTimeLimitExceeded."""


class Server:
    """Connections that answer as told, command by command: an exception is raised, anything else returned."""

    deadline: float | None = None

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.opened = 0
        self.closed = 0
        self.sent: list[bytes] = []

    def connect(self, host: RedisHost) -> Server:
        self.opened += 1
        return self

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None:
        self.sent.append(command[0])

    def read_response(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def disconnect(self) -> None:
        self.closed += 1


def shard(monkeypatch: pytest.MonkeyPatch, server: Server) -> RedisShard:
    monkeypatch.setattr("chanx.layers.redis_line.new_connection", server.connect)
    return RedisShard(HOST)


def failed(answers: list[Any]) -> list[bool]:
    return [isinstance(answer, DeliveryFailed) for answer in answers]


def test_a_closed_connection_is_opened_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(1, redis.ConnectionError("closed by server"), 2)
    target = shard(monkeypatch, server)
    assert target.exchange([b"a"]) == [1]
    assert target.exchange([b"b"]) == [2]
    assert (server.opened, server.closed) == (2, 1)


def test_only_what_was_not_answered_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a server that closes the connection after the first of three answers
    server = Server(0, 1, redis.ConnectionError("closed by server"), 2, 3)
    target = shard(monkeypatch, server)
    target.exchange([b"z"])

    # When three commands go out at once, Then all are answered, and the first was sent once
    assert target.exchange([b"a", b"b", b"c"]) == [1, 2, 3]
    assert server.sent == [b"z", b"abc", b"bc"]


def test_a_new_connection_that_fails_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(redis.ConnectionError("refused"), 1)
    [answer] = shard(monkeypatch, server).exchange([b"a"])
    assert isinstance(answer, DeliveryFailed)
    assert "refused" in str(answer)
    assert server.opened == 1


@pytest.mark.parametrize("error", [redis.TimeoutError("slow"), redis.ResponseError("NOPERM"), OSError("odd")])
def test_other_trouble_is_not_tried_again_and_takes_a_new_connection(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    server = Server(1, error, 2)
    target = shard(monkeypatch, server)
    target.exchange([b"a"])
    [answer] = target.exchange([b"b"])
    assert isinstance(answer, DeliveryFailed)
    assert "secret" not in str(answer)
    assert server.closed == 1


def test_a_refused_command_does_not_lose_its_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(1, redis.ResponseError("OOM"), 3)
    answers = shard(monkeypatch, server).exchange([b"a", b"b", b"c"])
    assert failed(answers) == [False, True, False]


def test_of_a_batch_that_breaks_off_what_was_answered_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(1, redis.TimeoutError("slow"))
    answers = shard(monkeypatch, server).exchange([b"a", b"b", b"c"])
    assert failed(answers) == [False, True, True]


def test_after_a_time_limit_nobody_reads_the_answer_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a time limit that strikes between sending and reading
    server = Server(1, TimeLimitError(), 3)
    target = shard(monkeypatch, server)
    target.exchange([b"a"])
    with pytest.raises(TimeLimitError):
        target.exchange([b"b"])

    # When the next message is sent, Then it has a new connection, and no rest is observed
    assert target.exchange([b"c"]) == [3]
    assert (server.opened, server.closed) == (2, 1)


def test_a_connection_left_locked_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a connection that a time limit left locked
    server = Server(1, 2)
    target = shard(monkeypatch, server)
    assert target._free_line() is not None

    # When messages are sent, Then the first finds another connection, and the next one finds it at once
    assert target.exchange([b"a"]) == [1]
    first = target._lines[0]
    assert target.exchange([b"b"]) == [2]
    assert target._lines[0] is first
    assert server.opened == 1


def test_closing_waits_for_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a connection in use that a time limit left locked
    server = Server(1)
    target = shard(monkeypatch, server)
    target.exchange([b"a"])
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
    [answer] = target.exchange([b"a"])
    assert "busy" in str(answer)
