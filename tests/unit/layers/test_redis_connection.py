from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
import redis

from chanx.layers import redis_connection
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_connection import DeliveryFailed, RedisShard
from tests.waiting import wait_until

HOST = RedisHost.parse("redis://:secret@localhost")


class TimeLimitError(Exception):
    """Stands for Celery's SoftTimeLimitExceeded."""


class Server:
    """Connections that answer as told, command by command: an exception is raised, anything else returned."""

    socket_timeout = 1.0

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.opened = 0
        self.closed = 0
        self._sock = Mock()
        self.sent: list[bytes] = []

    def connect(self, host: RedisHost, *, timeout: float) -> Server:
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


class Gate(Server):
    """Answers only while it is open, so that others have to queue."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.reached = threading.Event()
        self.open = threading.Event()

    def read_response(self) -> Any:
        self.reached.set()
        assert self.open.wait(30)
        return super().read_response()


def in_threads(*calls: Callable[[], Any]) -> list[threading.Thread]:
    threads = [threading.Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    return threads


def test_what_queued_meanwhile_goes_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a thread that waits for its answer
    server = Gate(*range(1, 8))
    target = shard(monkeypatch, server)
    answers: dict[str, list[Any]] = {}

    def exchange(name: str, *commands: bytes) -> None:
        answers[name] = target.exchange(commands)

    first = in_threads(lambda: exchange("first", b"a"))
    assert server.reached.wait(30)

    # When three more come, one of them with a batch
    others = in_threads(
        lambda: exchange("second", b"b"), lambda: exchange("third", b"c", b"d", b"e"), lambda: exchange("fourth", b"f")
    )
    wait_until(lambda: len(target._queue) == 3)
    server.open.set()
    for thread in [*first, *others]:
        thread.join(30)

    # Then the three went out in one go over the one connection, and each has its own answers
    assert server.opened == 1
    assert server.sent[0] == b"a"
    assert sorted(server.sent[1]) == sorted(b"bcdef")
    assert len(server.sent) == 2
    sent = server.sent[1]
    assert answers["first"] == [1]
    assert answers["second"] == [2 + sent.index(b"b")]
    assert answers["third"] == [2 + sent.index(b"c") + n for n in range(3)]
    assert answers["fourth"] == [2 + sent.index(b"f")]
    assert target._leader is None


def test_when_the_leader_is_refused_the_queue_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Gate(redis.ConnectionError("refused"))
    target = shard(monkeypatch, server)
    answers: list[list[Any]] = []
    threads = in_threads(*[lambda: answers.append(target.exchange([b"a"]))] * 3)
    wait_until(lambda: len(target._queue) == 2)
    server.open.set()
    for thread in threads:
        thread.join(30)
    assert [failed(each) for each in answers] == [[True]] * 3
    assert len(server.sent) == 1


def test_when_the_leader_gets_no_answer_the_queue_has_its_try(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a thread whose command times out, as a busy machine does now and then, and two that queue behind it
    server = Gate(redis.TimeoutError("slow"), 2, 3)
    target = shard(monkeypatch, server)
    answers: list[list[Any]] = []
    threads = in_threads(*[lambda: answers.append(target.exchange([b"a"]))] * 3)
    wait_until(lambda: len(target._queue) == 2)
    server.open.set()
    for thread in threads:
        thread.join(30)

    # Then nothing but that one is lost
    assert sorted(failed(each) for each in answers) == [[False], [False], [True]]
    assert sorted(each[0] for each in answers if not failed(each)[0]) == [2, 3]


def test_a_timeout_loses_nothing_but_its_own_message(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(1, redis.TimeoutError("slow"), 3, 4)
    target = shard(monkeypatch, server)
    answers = [target.exchange([b"a"]) for _ in range(4)]
    assert [failed(each) for each in answers] == [[False], [True], [False], [False]]
    assert server.opened == 2


def test_waiting_for_another_thread_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a thread that gets no answer
    server = Gate(1, 2)
    target = shard(monkeypatch, server)
    [thread] = in_threads(lambda: target.exchange([b"a"]))
    assert server.reached.wait(30)

    # When another comes, Then it is told in time, and is no longer in the queue
    [answer] = target.exchange([b"b"])
    assert "still waiting" in str(answer)
    assert not target._queue

    # And when the first is done, all goes on
    server.open.set()
    thread.join(30)
    assert target.exchange([b"c"]) == [2]


def test_a_leader_that_was_ended_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a thread that a time limit ended right after it had taken the lead, some time ago
    server = Server(1, 2)
    target = shard(monkeypatch, server)
    [thread] = in_threads(lambda: target._leads(redis_connection._Errand([b"lost"])))
    thread.join(30)
    assert target._leader is not None
    target._leader.begun -= 10

    # When messages are sent, Then they are, on a connection of their own
    assert target.exchange([b"a"]) == [1]
    assert target.exchange([b"b"]) == [2]
    assert server.sent == [b"a", b"b"]


def test_one_taken_for_ended_that_comes_back_has_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a thread that stopped, for longer than any exchange takes, right after it had taken the lead
    server = Server(1, 2, 3)
    target = shard(monkeypatch, server)
    stopped = redis_connection._Errand([b"stopped"])
    assert target._leads(stopped)
    stopped.begun -= 10
    stopped.thread += 1

    # When another has taken over, and the first comes back
    assert target.exchange([b"a"]) == [1]
    target._lead(stopped)

    # Then they were on two connections, and the newer one is kept
    assert stopped.answers == [2]
    assert target.exchange([b"b"]) == [3]
    assert server.opened == 2


@pytest.mark.parametrize("leads", [False, True])
def test_a_time_limit_while_waiting_stops_nobody(monkeypatch: pytest.MonkeyPatch, leads: bool) -> None:
    # Given a thread that queues behind another, and that a time limit ends just before or after it is told to lead
    server = Server(1)
    target = shard(monkeypatch, server)
    first, second = redis_connection._Errand([]), redis_connection._Errand([b"lost"])
    first.thread += 1
    assert target._leads(first)
    assert not target._leads(second)

    def strike(timeout: float) -> bool:
        if leads:
            target._hand_on(first)
        raise TimeLimitError

    monkeypatch.setattr(second.woken, "wait", strike)
    with pytest.raises(TimeLimitError):
        target._leads_after_waiting(second)
    target._hand_on(first)

    # When the next one comes, Then it leads at once
    assert target.exchange([b"a"]) == [1]
    assert server.sent == [b"a"]


def test_a_signal_handler_may_publish_in_the_middle_of_a_publish(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a server during whose answer a signal comes in, whose handler publishes too
    class Interrupted(Server):
        def read_response(self) -> Any:
            if self.sent == [b"a"]:
                inner.append(target.exchange([b"handler"]))
            return super().read_response()

    inner: list[list[Any]] = []
    server = Interrupted(1, 2, 3)
    target = shard(monkeypatch, server)

    # When a thread publishes, Then both have their answers, on connections of their own
    assert target.exchange([b"a"]) == [2]
    assert inner == [[1]]
    assert target.exchange([b"b"]) == [3]
    assert server.opened == 2


def test_closing_waits_for_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a connection on which a thread waits
    server = Gate(1)
    target = shard(monkeypatch, server)
    [thread] = in_threads(lambda: target.exchange([b"a"]))
    assert server.reached.wait(30)

    # When the shard is closed, Then it leaves that one
    target.close()
    assert server.closed == 0
    server.open.set()
    thread.join(30)


def test_closing_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(1, 2)
    target = shard(monkeypatch, server)
    target.exchange([b"a"])
    target.close()
    assert server.closed == 1
    assert target.exchange([b"b"]) == [2]
    assert server.opened == 2


def test_many_threads_each_get_their_own_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a server that answers each command with itself
    class Echo(Server):
        def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None:
            self.answers += list(command[0].decode())

    target = shard(monkeypatch, Echo())
    wrong: list[object] = []

    # When many threads talk at the same time, Then nobody has the answer of another
    def talk(name: str) -> None:
        for n in range(200):
            commands = [name.encode()] * (1 + n % 3)
            if (answers := target.exchange(commands)) != [name] * len(commands):
                wrong.append(answers)

    threads = in_threads(*[partial(talk, name) for name in "abcdefghij"])
    for thread in threads:
        thread.join(30)
    assert wrong == []
