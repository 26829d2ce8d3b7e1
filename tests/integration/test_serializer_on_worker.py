"""Models between processes: a client, a real worker, and the result backend."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import chain, chord, group
from kombu.exceptions import EncodeError

from chanx.bridge import Bridge, serializer, start_job_sync
from chanx.bridge.states import JobState
from chanx.errors import ModelRefusedError
from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration import serializer_app
from tests.integration.serializer_app import Invoice, Item, Unknown
from tests.integration.worker_process import connected, worker
from tests.waiting import wait_until

APP = "tests.integration.serializer_app"
INVOICE = Invoice(number=7, items=[Item(name="tea", price=2.5)])
SUGAR = Item(name="sugar", price=1)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(server: RedisServer) -> Iterator[Bridge]:
    serializer.register(Unknown)
    with connected(serializer_app.app, server) as bridge:
        yield bridge


@pytest.fixture(scope="module", params=["prefork", "threads", "solo"], autouse=True)
def running_worker(
    request: pytest.FixtureRequest, bridge: Bridge, server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with worker(APP, bridge.app, server.url, "-P", request.param, log=log) as pid:
        yield pid


def test_tasks_take_and_return_models() -> None:
    result = serializer_app.add_item.delay(INVOICE, items={"sweet": SUGAR}).get(timeout=60)

    assert result == Invoice(number=7, items=[*INVOICE.items, SUGAR])


def test_models_travel_through_a_canvas() -> None:
    add = serializer_app.add_item.s(items={"sweet": SUGAR})

    assert chain(add.clone([INVOICE]), serializer_app.total.s()).delay().get(timeout=60) == {
        "invoice": Invoice(number=7, items=[*INVOICE.items, SUGAR]),
        "total": 3.5,
    }
    members = group(serializer_app.total.s(INVOICE), serializer_app.total.s(Invoice(number=8)))
    assert [each["total"] for each in members.delay().get(timeout=60)] == [2.5, 0]
    body = serializer_app.add_item.s(INVOICE, items={})
    assert chord([serializer_app.total.si(INVOICE)], body.set(immutable=True)).delay().get(timeout=60) == INVOICE


def test_a_job_s_result_is_plain_json_for_whoever_watches(bridge: Bridge) -> None:
    job = start_job_sync(serializer_app.total, INVOICE, owner="user:1")

    snapshot = wait_until(lambda: ended(bridge, job.job_id))

    assert snapshot.fields["result"] == {"invoice": INVOICE.model_dump(mode="json"), "total": 2.5}


def test_a_model_that_the_worker_does_not_know_fails_the_task_with_the_line_to_add(bridge: Bridge) -> None:
    # When
    job = start_job_sync(serializer_app.total, Unknown(x=1), owner="user:1")
    snapshot = wait_until(lambda: ended(bridge, job.job_id))

    # Then
    assert snapshot.state is JobState.FAILED
    failed = bridge.app.AsyncResult(job.task_id)
    with pytest.raises(ModelRefusedError, match=r"'Unknown' is not registered in this process.*serializer.register\("):
        failed.get(timeout=60)


def test_the_end_of_a_chain_that_another_worker_knows_passes_through() -> None:
    first = serializer_app.total.si(INVOICE)

    chained = chain(first, serializer_app.total.si(Unknown(x=1))).delay()

    assert chained.parent is not None
    assert chained.parent.get(timeout=60)["total"] == 2.5
    with pytest.raises(ModelRefusedError, match="'Unknown'"):
        chained.get(timeout=60)


def test_a_result_that_is_not_registered_fails_the_task() -> None:
    with pytest.raises(EncodeError, match="Unknown is not registered"):
        serializer_app.answer_unknown.delay().get(timeout=60)


def ended(bridge: Bridge, job_id: str) -> Any:
    snapshot = bridge.store.snapshot(job_id)
    return snapshot if snapshot and snapshot.state.is_terminal else None
