"""The lists of jobs on Redis: they stay about as long as what is in them, and nobody's job is on a stranger's list."""

from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from chanx.bridge.names import new_job_id
from chanx.bridge.states import JobState
from chanx.bridge.store.base import Retention
from chanx.bridge.store.redis import RedisJobStore
from chanx.errors import ConfigurationError, TooManyJobsError
from tests.contract.jobs import Run, create, record


@pytest.fixture
def store(redis_url: str, key_prefix: str) -> Iterator[RedisJobStore]:
    with closing(RedisJobStore(redis_url, prefix=key_prefix, retention=Retention(active_seconds=3600))) as made:
        yield made


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


def length(client: redis.Redis, prefix: str, kind: str) -> int:
    (key,) = client.keys(f"{prefix}:{kind}:*")
    return int(client.zcard(key))


def test_what_has_ended_leaves_the_active_ones(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    # Given some jobs that go on
    going_on = [create(store) for _ in range(10)]

    # When many come and end
    for _ in range(150):
        Run(store, create(store)).append(state=JobState.SUCCEEDED)

    # Then
    assert length(client, key_prefix, "active") < 40
    with pytest.raises(TooManyJobsError):
        store.create(record(), max_active=len(going_on))
    assert length(client, key_prefix, "active") == len(going_on)


def test_what_is_forgotten_leaves_the_lists(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    # Given
    kept = [create(store) for _ in range(10)]

    # When many come, whose time is over soon
    for _ in range(150):
        client.delete(f"{key_prefix}:{{{create(store)}}}:job")

    # Then
    assert length(client, key_prefix, "owner") < 60
    assert client.zcard(f"{key_prefix}:jobs") < 60
    assert [job.job_id for job in store.jobs_of("user:1", limit=200)] == kept[::-1]
    assert length(client, key_prefix, "owner") == len(kept)
    assert [job.job_id for job in store.all_jobs(limit=200)] == kept[::-1]
    assert client.zcard(f"{key_prefix}:jobs") == len(kept)


def test_a_creation_that_was_broken_off_takes_a_place_for_a_minute(
    store: RedisJobStore, client: redis.Redis, key_prefix: str
) -> None:
    # Given a process that died after it had taken a place
    create(store)
    (key,) = client.keys(f"{key_prefix}:active:*")
    phantom = new_job_id()
    seconds, microseconds = client.time()
    client.zadd(key, {phantom: seconds * 1_000_000 + microseconds})

    # Then
    with pytest.raises(TooManyJobsError):
        store.create(record(), max_active=2)

    # When the minute is over
    client.zincrby(key, -61_000_000, phantom)

    # Then
    assert store.create(record(), max_active=2)
    assert client.zscore(key, phantom) is None


def test_a_creation_may_be_repeated(store: RedisJobStore) -> None:
    """As it is when its answer is lost."""
    job = record(key="k")

    assert store.create(job, max_active=1) == store.create(job, max_active=1) == job.job_id
    assert len(store.jobs_of("user:1")) == 1


def test_a_taken_id_is_on_no_stranger_s_list(store: RedisJobStore) -> None:
    job = record()
    store.create(job)

    with pytest.raises(ConfigurationError, match="is taken"):
        store.create(record("user:2").model_copy(update={"job_id": job.job_id}))

    assert store.jobs_of("user:2") == []
    assert [found.job_id for found in store.jobs_of("user:1")] == [job.job_id]
