"""Passwords never get into what is printed."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.doctor.secrets import secrets_of, without

PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="*;", exclude_categories=("Cs",)), min_size=4)


@pytest.mark.parametrize(
    "value",
    [
        "redis://:hunter2@localhost/0",
        "amqp://guest:hunter2@a//;amqp://guest:other1@b//",
        ["redis://user:hunter2@localhost"],
        {"hosts": [{"address": "rediss://:hunter2@h:1"}]},
        {"hosts": [{"host": "h", "password": "hunter2"}]},
        {"symmetric_encryption_keys": ["hunter2", b"hunter3"]},
        {"default": {"PASSWORD": "hunter2"}},
        "unix:///run/redis.sock?password=hunter2",
        "redis://user:hunter2@[broken/0",
        "redis://user:hunter2/@localhost/0",
    ],
)
def test_what_is_a_secret(value: object) -> None:
    assert "hunter2" in secrets_of(value)


@pytest.mark.parametrize(
    "value",
    [None, 5, "text", "redis://localhost", "redis://user@localhost", {"task_default_routing_key": "celery"}, ":pw@"],
)
def test_what_is_none(value: object) -> None:
    assert secrets_of(value) == frozenset()


def test_a_password_that_was_not_quoted() -> None:
    secrets = secrets_of("redis://:left/right@localhost:6379/0")

    assert without(secrets, "Port could not be cast to integer value as 'left'") == (
        "Port could not be cast to integer value as '***'"
    )
    assert without(secrets, "cannot use left/right") == "cannot use ***"
    assert without(secrets, "cannot use localhost:6379") == "cannot use localhost:6379"


@given(PASSWORDS)
def test_a_password_never_stays_in_a_text(password: str) -> None:
    quoted = quote(password, safe="")
    secrets = secrets_of(f"redis://user:{quoted}@localhost:6379/0", {"password": password})

    for text in (f"cannot use {password}.", f"cannot use {quoted}.", f"{password}{quoted}"):
        assert password not in without(secrets, text).replace("***", "")
