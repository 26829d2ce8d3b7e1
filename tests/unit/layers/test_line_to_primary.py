"""Which server a line to a host with Sentinels talks to, and when it asks for it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from chanx.bridge.store.redis_lines import Lines, request
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Line

HOST = RedisHost.parse("redis+sentinel://one/shop")
LATER = 1e12


@dataclass
class Server:
    name: str
    answers: list[Any] = field(default_factory=list[Any])
    is_open: bool = True

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None:
        assert self.is_open

    def read_response(self) -> Any:
        answer = self.answers.pop(0) if self.answers else self.name
        if isinstance(answer, Exception):
            raise answer
        return answer

    def disconnect(self) -> None:
        self.is_open = False


@dataclass
class Primaries:
    """Stands for what Sentinels say: the first of ``servers`` is the primary, until it is taken off."""

    servers: list[Server]
    connected: Server | None = None
    closed: int = 0

    def connect(self, deadline: float) -> Server:
        self.connected = self.servers[0]
        return self.connected

    def is_current(self) -> bool:
        return self.connected is self.servers[0]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def primaries(monkeypatch: pytest.MonkeyPatch) -> Primaries:
    made = Primaries([Server("first"), Server("second")])

    def primary(host: RedisHost, *, timeout: float) -> Primaries:
        assert host is HOST
        return made

    monkeypatch.setattr("chanx.layers.redis_line.Primary", primary)
    return made


def said(line: Line, *, again: bool = True) -> Any:
    answers: list[Any] = []
    line.exchange([b"ping"], answers, LATER, again=again)
    return answers[0]


@pytest.mark.parametrize(("checks", "then"), [(True, "second"), (False, "first")])
def test_only_who_checks_leaves_a_primary_of_before(primaries: Primaries, checks: bool, then: str) -> None:
    line = Line(HOST, checks=checks)
    assert said(line) == "first"
    first = primaries.servers.pop(0)

    assert said(line) == then
    assert first.is_open is (then == "first")


def test_what_is_not_to_be_sent_again_stays_on_its_connection(primaries: Primaries) -> None:
    line = Line(HOST, checks=True)
    assert said(line) == "first"
    primaries.servers.pop(0)

    assert said(line, again=False) == "first"
    assert said(line) == "second"


def test_after_a_refusal_the_primary_is_asked_for(primaries: Primaries) -> None:
    line, error = Line(HOST), redis.ReadOnlyError("You can't write against a read only replica.")
    primaries.servers[0].answers = ["first", error]
    assert said(line) == "first"

    assert said(line) is error
    primaries.servers.pop(0)
    assert said(line) == "second"


def test_what_a_lost_connection_did_not_answer_goes_to_the_next_primary(primaries: Primaries) -> None:
    line = Line(HOST)
    first = primaries.servers[0]
    assert said(line) == "first"
    first.answers = [1, redis.ConnectionError("Connection closed by server.")]
    primaries.servers.pop(0)

    answers: list[Any] = []
    line.exchange([b"one", b"two"], answers, LATER)

    assert answers == [1, "second"]
    line.close()
    assert primaries.closed > 0


def test_a_store_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []

    def line(host: RedisHost, **options: Any) -> Line:
        made.append(options)
        return Line(host, **options)

    monkeypatch.setattr("chanx.bridge.store.redis_lines.Line", line)

    with pytest.raises(redis.ConnectionError):
        Lines(RedisHost.parse("redis://127.0.0.1:1"), timeout=0.1).ask([request("PING")])
    assert made == [{"timeout": 0.1, "checks": True}]
