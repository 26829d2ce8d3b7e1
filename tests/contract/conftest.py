"""The job stores that the contract suites run over."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from chanx.bridge.store.base import JobStore
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from tests.contract.jobs import RETENTION, create


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> Iterator[JobStore]:
    if request.param == "memory":
        yield MemoryJobStore(RETENTION)
        return
    url = request.getfixturevalue("redis_url")
    redis_store = RedisJobStore(url, prefix=f"test-{uuid4().hex}", retention=RETENTION)
    yield redis_store
    redis_store.close()


@pytest.fixture
def job_id(store: JobStore) -> str:
    return create(store)
