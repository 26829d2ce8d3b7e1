"""Fixtures of all tests: real servers, and names that no other test uses."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from chanx.testing.redis_server import RedisServer, redis_server
from tests.bytecode import keep_bytecode
from tests.databases import migrated, postgres_settings, sqlite_settings
from tests.distribution import pytest_xdist_auto_num_workers as pytest_xdist_auto_num_workers
from tests.distribution import pytest_xdist_make_scheduler as pytest_xdist_make_scheduler
from tests.ports import free_port

keep_bytecode()
# How long an example takes is the machine's doing, and no reason to fail.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a running server: one per test process, shared by its tests (so take ``key_prefix`` for your keys)."""
    with redis_server() as server:
        yield server.url


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server for this test alone, to stop, kill and start again. It starts empty after each."""
    with redis_server(private=True) as server:
        yield server


@pytest.fixture
def own_persistent_redis() -> Iterator[RedisServer]:
    """Like ``own_redis``, but whatever it acknowledged survives ``kill`` and ``start``."""
    with redis_server(persist=True) as server:
        yield server


@pytest.fixture
def unused_tcp_port() -> int:
    """Unlike pytest-asyncio's of that name one that no outgoing connection takes before the server that it is for."""
    return free_port()


@pytest.fixture
def key_prefix() -> str:
    """A prefix for keys, groups and queues that no other test and no other run has used."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def sqlite_alias(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[str]:
    """A database with the tables of the job store, in a file."""
    with django_db_blocker.unblock(), migrated(sqlite_settings(tmp_path_factory.mktemp("jobs"))) as alias:
        yield alias


@pytest.fixture(scope="session")
def postgres_alias(django_db_blocker: Any) -> Iterator[str]:
    """One on a real PostgreSQL server; without any, the test is skipped, or fails (tests/requirements.py)."""
    with django_db_blocker.unblock(), postgres_settings() as settings, migrated(settings) as alias:
        yield alias
