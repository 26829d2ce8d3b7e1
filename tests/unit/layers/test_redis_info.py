"""Asking a Redis about itself."""

import socket
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_info import INFO, ask, database_of, info_of, place_of


def test_one_that_is_away_is_named_without_its_password() -> None:
    with pytest.raises(OSError, match=r"^127\.0\.0\.1:1: ConnectionError") as caught:
        ask(RedisHost.parse("redis://:hunter2@127.0.0.1:1/0"), INFO)
    assert "hunter2" not in str(caught.value)


def test_one_that_never_answers_costs_bounded_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(OSError, match="TimeoutError"):
        ask(RedisHost.parse(("127.0.0.1", silent.getsockname()[1])), INFO, seconds=0.1)


@pytest.mark.parametrize("answer", [NoPermissionError("NOPERM"), None])
def test_a_refusal_has_no_fields(answer: Any) -> None:
    assert info_of(answer) == {}


def test_the_fields_of_an_info() -> None:
    assert info_of(b"# Server\r\nrun_id:abc\r\nos:Linux: x\r\n\r\n") == {"run_id": "abc", "os": "Linux: x"}


@pytest.mark.parametrize(
    ("form", "place", "database"),
    [
        ("redis://user:hunter2@cache:7000/3", "cache:7000", 3),
        ("rediss://cache", "cache:6379", 0),
        (("cache", 7000), "cache:7000", 0),
        ({"host": "cache", "port": 7000, "db": 2, "password": "hunter2"}, "cache:7000", 2),
        ("unix:///run/redis.sock?db=4", "/run/redis.sock", 4),
    ],
)
def test_where_it_is(form: Any, place: str, database: int) -> None:
    host = RedisHost.parse(form)
    assert (place_of(host), database_of(host)) == (place, database)
