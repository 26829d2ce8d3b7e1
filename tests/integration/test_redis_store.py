"""What only the Redis store has: expiry, hash tags, epochs across restarts, and a server that is away."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import redis

from chanx.bridge.entry import AppendStatus, Deadline, Ending, NewEntry
from chanx.bridge.names import new_job_id
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.bridge.store.redis import RedisJobStore
from chanx.errors import ConfigurationError
from chanx.testing.redis_server import RedisServer
from tests.contract.jobs import execution

RETENTION = Retention(max_entries=100, ended_seconds=60, active_seconds=3600)


@pytest.fixture
def store(redis_url: str, key_prefix: str) -> Iterator[RedisJobStore]:
    made = RedisJobStore(redis_url, prefix=key_prefix, retention=RETENTION)
    yield made
    made.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


def create(store: RedisJobStore) -> str:
    job_id = new_job_id()
    store.create(
        JobRecord(job_id=job_id, owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)),
        pending={"p1": "t"},
    )
    return job_id


def entry(job_id: str, n: int, state: JobState | None = None) -> NewEntry:
    return NewEntry(job_id, "x", f'{{"n":{n}}}', "run", n, state=state, attempt=1)


def lifetimes(client: redis.Redis, prefix: str) -> set[int]:
    lists = {f"{prefix}:{name}".encode() for name in ("jobs", "owner", "active")}
    keys = [key for key in client.keys(f"{prefix}:*") if not any(key.startswith(name) for name in lists)]
    return {client.ttl(key) for key in keys}


def test_every_key_expires_counted_from_the_end(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    # Given a job that two runs report of
    job_id = create(store)
    store.append(replace(entry(job_id, 1), run_id="other"))
    store.append(entry(job_id, 1, JobState.STARTED))

    # Then
    assert len(client.keys(f"{key_prefix}:*")) == 8
    assert all(3590 <= seconds <= 3600 for seconds in lifetimes(client, key_prefix))

    # When it ends
    store.append(entry(job_id, 2, JobState.SUCCEEDED))

    # Then
    assert all(50 <= seconds <= 60 for seconds in lifetimes(client, key_prefix))


def test_a_job_that_nobody_ever_runs_expires_too(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    create(store)

    (seconds,) = lifetimes(client, key_prefix)
    assert 3590 <= seconds <= 3600


def test_a_job_that_goes_on_is_kept(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    # Given a job near the end of its time
    job_id = create(store)
    store.append(entry(job_id, 1))
    for key in client.keys(f"{key_prefix}:{{*"):
        client.expire(key, 100)

    # When it reports on, for 255 events more
    for n in range(2, 257):
        store.append(entry(job_id, n))

    # Then
    assert all(3590 <= seconds <= 3600 for seconds in lifetimes(client, key_prefix))


def test_what_is_known_of_executions_is_gone_with_the_end(
    store: RedisJobStore, client: redis.Redis, key_prefix: str
) -> None:
    job_id = create(store)
    store.append(replace(entry(job_id, 1), run_id="other"))
    store.append(entry(job_id, 1))

    store.append(entry(job_id, 2, JobState.FAILED))

    left = {key.decode().rpartition(":")[2] for key in client.keys(f"{key_prefix}:{{*")}
    assert left == {"job", "log", "runs"}


def test_an_outcome_that_is_held_expires_too(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    # Given a job that no run has reported anything of
    job_id = create(store)
    store.add_pending(job_id, "p2", "t2")

    # When
    held = store.append(
        NewEntry(job_id, "x", "{}", "p1:failed", 1, state=JobState.FAILED, ending=Ending("p1", "failed"))
    )

    # Then
    assert held.status is AppendStatus.HELD
    assert all(3590 <= seconds <= 3600 for seconds in lifetimes(client, key_prefix))


def test_executions_that_come_later_expire_too(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    job_id = create(store)
    store.drop_pending(job_id, ["p1"])

    store.add_pending(job_id, "p2", "t2")

    assert all(3590 <= seconds <= 3600 for seconds in lifetimes(client, key_prefix))


def test_idempotency_keys_expire(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    record = JobRecord(
        job_id=new_job_id(), owner="u", name="n", task_id="t", created_at=datetime.now(UTC), idempotency_key="k"
    )
    store.create(record)

    (key,) = client.keys(f"{key_prefix}:key:*")
    assert 50 <= client.ttl(key) <= 60


def test_deadlines_that_nobody_ever_clears_are_forgotten(
    store: RedisJobStore, client: redis.Redis, key_prefix: str
) -> None:
    # Given one whose time came long ago
    old, new = (Deadline("stopped", execution(f"p{number}")) for number in (1, 2))
    store.set_deadline(old, seconds=-3601)
    assert store.due_deadlines() == []

    # When
    store.set_deadline(new, seconds=0)

    # Then
    assert store.due_deadlines() == [new]
    assert 3590 <= client.ttl(f"{key_prefix}:deadlines") <= 3601


def test_the_keys_of_a_job_share_a_slot(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    job_id = create(store)
    store.append(replace(entry(job_id, 1), run_id="other"))
    store.append(entry(job_id, 1))

    keys = [key.decode() for key in client.keys(f"{key_prefix}:{{*")]
    assert len(keys) == 5
    assert all(f"{{{job_id}}}" in key for key in keys)


def test_a_job_whose_time_is_over_leaves_the_list(store: RedisJobStore, client: redis.Redis, key_prefix: str) -> None:
    # Given
    kept, gone = create(store), create(store)
    client.delete(f"{key_prefix}:{{{gone}}}:job")

    # When
    jobs = store.jobs_of("user:1")

    # Then
    assert [job.job_id for job in jobs] == [kept]
    (owner_key,) = client.keys(f"{key_prefix}:owner:*")
    assert client.zrange(owner_key, 0, -1) == [kept.encode()]


def test_a_log_that_the_server_has_evicted_begins_anew(
    store: RedisJobStore, client: redis.Redis, key_prefix: str
) -> None:
    # Given a full log, which is gone
    job_id = create(store)
    for n in range(1, RETENTION.max_entries + 1):
        store.append(entry(job_id, n))
    client.delete(f"{key_prefix}:{{{job_id}}}:log")
    page = store.read(job_id, after=0, limit=10)
    assert page is not None
    assert (page.entries, page.oldest, page.head) == ((), 101, 100)

    # When
    appended = store.append(entry(job_id, 101))

    # Then
    page = store.read(job_id, after=0, limit=10)
    assert page is not None
    assert ([kept.seq for kept in page.entries], page.oldest, page.head) == ([101], 101, appended.seq)


def test_a_server_that_comes_back_begins_a_new_epoch(own_persistent_redis: RedisServer) -> None:
    # Given
    store = RedisJobStore(own_persistent_redis.url)
    job_id = create(store)
    before = store.append(entry(job_id, 1))

    # When
    own_persistent_redis.kill()
    own_persistent_redis.start()

    # Then whoever asks first is told, and the log goes on
    (head,) = store.heads([job_id])
    assert head is not None
    assert head.epoch != before.epoch
    after = store.append(entry(job_id, 2))
    assert (after.seq, after.epoch) == (2, head.epoch)
    page = store.read(job_id, after=0, limit=10)
    assert page is not None
    assert [kept.event for kept in page.entries] == ['{"n":1}', '{"n":2}']
    store.close()


def test_a_server_that_is_away_is_an_error_within_bounds(own_redis: RedisServer) -> None:
    # Given
    store = RedisJobStore(own_redis.url)
    job_id = create(store)
    own_redis.kill()

    # When
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="job store did not answer"):
        store.append(entry(job_id, 1))

    # Then
    assert time.monotonic() - began < 20
    own_redis.start()
    assert create(store)
    store.close()


@pytest.mark.parametrize("url", ["localhost:6379", "http://localhost", "redis://localhost:port"])
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The job store's URL"):
        RedisJobStore(url)


def test_a_password_that_is_not_quoted_is_not_shown() -> None:
    with pytest.raises(ConfigurationError, match="quote what the password has of") as caught:
        RedisJobStore("redis://:left/right@localhost:6379/0")
    assert "left" not in str(caught.value)
    assert caught.value.__suppress_context__
