from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from chanx.layers import primary
from chanx.layers.hosts import RedisHost
from chanx.layers.primary import Primary

Server = Literal["primary", "replica", "refuses", "silent"]
Place = tuple[str, int]
Told = Place | Literal["nothing", "silent", "refuses"]

SECONDS = 0.5


@dataclass
class World:
    """Sentinels and servers that answer at once, or never: then the clock goes on by the time limit."""

    sentinels: dict[str, Told]
    servers: dict[Place, Server]
    now: float = 1000.0
    asked: list[str] = field(default_factory=list[str])
    tried: list[Place] = field(default_factory=list[Place])
    open: list[Place] = field(default_factory=list[Place])

    def monotonic(self) -> float:
        return self.now

    def connect(self, host: RedisHost, *, timeout: float) -> Connection:
        options = dict(host.options)
        self.open.append((options["host"], options["port"]))
        return Connection(self, (options["host"], options["port"]), timeout)


@dataclass
class Connection:
    world: World
    place: Place
    socket_connect_timeout: float
    until: float = 0.0

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None:
        if b"SENTINEL" in command[0]:
            self.world.asked.append(self.place[0])
        else:
            self.world.tried.append(self.place)

    def read_response(self) -> Any:
        known: Any = self.world.sentinels.get(self.place[0]) or self.world.servers[self.place]
        match known:
            case "silent":
                seconds = self.socket_connect_timeout
                assert seconds > 0
                self.world.now = min(self.world.now + seconds, max(self.until, self.world.now))
                raise redis.TimeoutError("Timeout reading from socket")
            case "refuses":
                raise redis.ConnectionError("Connection refused")
            case "nothing":
                return None
            case "primary":
                return [b"master", 0, []]
            case "replica":
                return [b"slave", b"elsewhere", 1, b"connected", 0]
            case _:
                host, port = known
                return [host.encode(), b"%d" % port]

    def disconnect(self) -> None:
        self.world.open.remove(self.place)


def bind(connection: Connection, deadline: float) -> None:
    connection.until = deadline


def release(connection: Connection) -> None:
    connection.until = 0.0


def in_world(world: World, patch: pytest.MonkeyPatch) -> Primary:
    patch.setattr(primary, "time", world)
    patch.setattr(primary, "new_connection", world.connect)
    patch.setattr(primary, "bind", bind)
    patch.setattr(primary, "release", release)
    places = [(name, 26379) for name in world.sentinels]
    return Primary(RedisHost.parse({"sentinels": places, "master_name": "shop"}), timeout=SECONDS)


PLACES = st.sampled_from([("10.0.0.1", 6379), ("10.0.0.2", 6379), ("10.0.0.2", 6380)])
WORLDS = st.builds(
    World,
    st.dictionaries(st.sampled_from("abcde"), PLACES | st.sampled_from(["nothing", "silent", "refuses"]), min_size=1),
    st.fixed_dictionaries(
        {
            place: st.sampled_from(["primary", "replica", "refuses", "silent"])
            for place in [("10.0.0.1", 6379), ("10.0.0.2", 6379), ("10.0.0.2", 6380)]
        }
    ),
)


@given(WORLDS)
def test_whoever_is_connected_to_has_said_that_it_is_the_primary(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        found = in_world(world, patch)
        told: list[Place] = [each for each in world.sentinels.values() if isinstance(each, tuple)]
        servers = list(dict.fromkeys(told))
        # By when a server that does not answer has used the time up, nobody else can be had.
        reachable = [place for place in servers if world.servers[place] == "primary"]
        deadline = world.now + SECONDS

        connection: Any = None
        with suppress(redis.ConnectionError):
            connection = found.connect(deadline)

        found.close()

        # Nothing takes longer than the whole may take, nobody is tried twice, and nothing is left open.
        assert world.now <= deadline
        assert len(world.tried) == len(set(world.tried))
        assert set(world.tried) <= set(servers)
        assert world.open == ([] if connection is None else [connection.place])
        if connection is not None:
            assert connection.place == world.tried[-1]
            assert world.servers[connection.place] == "primary"
        elif reachable:
            assert world.now == deadline, "there was a primary, and time to try it"


@pytest.fixture
def world() -> World:
    return World({"a": "silent", "b": ("10.0.0.1", 6379)}, {("10.0.0.1", 6379): "primary"})


def test_who_does_not_answer_is_asked_last_the_next_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = in_world(world, monkeypatch)

    found.connect(world.now + SECONDS)
    found.connect(world.now + SECONDS)

    assert world.asked == ["a", "b", "b"]


def test_one_that_is_behind_the_times_is_asked_last_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = ("10.0.0.1", 6379), ("10.0.0.2", 6379)
    world = World({"a": old, "b": new}, {old: "replica", new: "primary"})
    found = in_world(world, monkeypatch)

    for _ in range(2):
        found.connect(world.now + SECONDS)

    assert (world.asked, world.tried) == (["a", "b", "b"], [old, new, new])


def test_a_primary_that_was_replaced_is_noticed_within_a_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a connection, and Sentinels that have another primary from now on
    found = in_world(world, monkeypatch)
    found.connect(world.now + SECONDS)
    asked = len(world.asked)
    world.sentinels["b"] = ("10.0.0.2", 6379)

    # When it is used in the same second, Then nobody is asked
    world.now += primary.CHECK_SECONDS / 2
    assert found.is_current()
    assert len(world.asked) == asked

    # When it is used later, Then it is seen, and by one question
    world.now += primary.CHECK_SECONDS
    assert not found.is_current()
    assert len(world.asked) == asked + 1


@pytest.mark.parametrize("silence", ["silent", "refuses", "nothing"])
def test_a_connection_stays_where_no_sentinel_tells(
    silence: Told, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = in_world(world, monkeypatch)
    found.connect(world.now + SECONDS)
    world.sentinels.update(a=silence, b=silence)

    for _ in range(3):
        world.now += primary.CHECK_SECONDS
        before = world.now
        assert found.is_current()
        assert world.now - before <= 0.1 + 1e-9


def test_an_error_says_what_each_had_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(
        {"a": "refuses", "b": "nothing", "c": ("10.0.0.1", 6379), "d": ("10.0.0.2", 6379)},
        {("10.0.0.1", 6379): "replica", ("10.0.0.2", 6379): "refuses"},
    )

    with pytest.raises(redis.ConnectionError) as caught:
        in_world(world, monkeypatch).connect(world.now + SECONDS)

    assert str(caught.value) == (
        "no primary of the name 'shop' is to be had: the Sentinel a:26379: ConnectionError: Connection refused; "
        "the Sentinel b:26379 knows none: correct the name, or its `sentinel monitor`; "
        "the server 10.0.0.1:6379: ConnectionError: it is a replica now; "
        "the server 10.0.0.2:6379: ConnectionError: Connection refused"
    )
