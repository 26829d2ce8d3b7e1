"""What is said of workers by their answers."""

import sys
from contextlib import closing
from itertools import count
from typing import Any

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer
from kombu.exceptions import OperationalError

from chanx.bridge import install
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.worker_report import LayerReport, WorkerReport
from chanx.doctor import workers
from chanx.doctor.broker import Answer, BrokerError, _answer, ask_workers, broker_finding, connect_to_broker
from chanx.doctor.finding import Finding
from chanx.doctor.workers import (
    other_clock,
    other_layer,
    other_store,
    other_versions,
    silent_leases,
    unheard,
    without_bridge,
    without_relay,
)
from tests.unit.bridge.apps import bridged_app

LAYER = LayerReport(kind="redis_pubsub", places=("redis:6379",), servers=("abc",), prefix="shop", serializer="msgpack")


def report(lease: str = "w:1:x", **values: Any) -> WorkerReport:
    told: dict[str, Any] = {"time": 100.0, "versions": {}, "store": "RedisJobStore on redis:6379", "layer": LAYER}
    return WorkerReport(lease=lease, **(told | values))


def ids(found: Any) -> list[str]:
    findings: list[Finding] = list(found)
    assert all("celery@a" in finding.text and finding.fix for finding in findings)
    return [finding.id for finding in findings]


def test_answers_are_read() -> None:
    told = report()
    assert _answer("celery@a", told.model_dump(mode="json"), 1, 2) == Answer("celery@a", 1, 2, told)
    # what a newer worker tells beside it does no harm
    assert _answer("celery@a", told.model_dump(mode="json") | {"more": 1}, 1, 2).report == told
    assert _answer("celery@a", {"error": "KeyError('chanx_doctor')"}, 1, 2).report is None
    assert _answer("celery@a", "nonsense", 1, 2).report is None


def test_a_broker_that_refuses_remote_control(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("ACCESS_REFUSED")

    app = Celery("refused", broker="memory://user:hunter2@far//", set_as_current=False)
    monkeypatch.setattr(app.control, "broadcast", refuse)

    with pytest.raises(BrokerError, match="refuses Celery's remote control: ACCESS_REFUSED") as caught:
        ask_workers(app, seconds=0.1)

    finding = broker_finding(caught.value)
    assert finding.id == "chanx.E301"
    assert "memory://" in finding.text
    assert "hunter2" not in finding.text
    app.close()


@pytest.mark.parametrize(
    "url", ["redis://:left/right@localhost:6379/0", "nosuch://localhost", "rediss://localhost/0?ssl_cert_reqs=odd"]
)
def test_a_broker_url_that_celery_cannot_read(url: str) -> None:
    with closing(Celery("unreadable", broker=url, set_as_current=False)) as app:
        with pytest.raises(BrokerError, match="Celery cannot read its broker_url") as caught:
            connect_to_broker(app, seconds=0.1)
        assert broker_finding(caught.value).id == "chanx.E301"


def test_a_broker_whose_library_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kombu.transport.SQS", None)
    with closing(Celery("lacking", broker="sqs://", set_as_current=False)) as app:
        with pytest.raises(BrokerError, match="Celery cannot use its broker_url: import of kombu") as caught:
            connect_to_broker(app, seconds=0.1)
        assert broker_finding(caught.value).id == "chanx.E301"


def test_a_worker_without_a_bridge() -> None:
    assert ids(without_bridge([Answer("celery@a", 1, 2, None, "no bridge")])) == ["chanx.W303"]
    assert ids(without_bridge([Answer("celery@a", 1, 2, report())])) == []


def test_a_worker_that_cannot_publish() -> None:
    answer = Answer("celery@a", 1, 2, None, "cannot publish: RedisPubSubChannelLayer is ...")
    assert ids(without_bridge([answer])) == ["chanx.E305"]


def test_a_worker_whose_lease_is_not_renewed_in_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.time, "sleep", lambda _: None)
    ticks = count()
    with bridged_app(eager=False) as made:

        def silent(reports: dict[str, WorkerReport]) -> set[str]:
            return silent_leases(made.bridge, reports, before, clock=lambda: next(ticks))

        # Given a lease that is as it was, one that was renewed, a new one, and one of the bus
        for lease in ("stale", "renewed", "bus/far"):
            made.store.renew_lease(lease)
        before = made.store.leases()
        for lease in ("renewed", "new", "bus/far"):
            made.store.renew_lease(lease)

        reports = {lease: report(lease) for lease in ("stale", "renewed", "new", "elsewhere")}
        reports |= {lease: report(lease, over_bus=True) for lease in ("far", "new")}
        assert silent(reports) == {"stale", "elsewhere"}

        assert ids(other_store(made.bridge, {"celery@a": report()}, {"celery@a"})) == ["chanx.E304"]
        assert ids(other_store(made.bridge, {"celery@a": report()}, set())) == []


def test_a_store_that_is_away_says_nothing_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> dict[str, int]:
        raise StoreUnavailableError("away")

    monkeypatch.setattr(MemoryJobStore, "leases", fail)
    with bridged_app(eager=False) as made:
        assert silent_leases(made.bridge, {"celery@a": report()}, {}) == set()


def test_a_worker_on_the_event_bus_needs_a_relay() -> None:
    far = {"celery@a": report(over_bus=True, store="EventBusStore", layer=LayerReport(kind="EventBusPublisher"))}
    assert ids(without_relay(far, {"celery@a"})) == ["chanx.E308"]
    assert ids(without_relay(far, set())) == []
    # which is all that is said of it
    with bridged_app(eager=False) as made:
        assert ids(other_store(made.bridge, far, {"celery@a"})) == []
    assert ids(unheard(far, set(), {"default": LAYER})) == []
    assert ids(other_layer(far, LAYER)) == []
    # and nothing of others
    assert ids(without_relay({"celery@a": report()}, {"celery@a"})) == []


def test_from_the_event_bus_other_workers_cannot_be_judged() -> None:
    """Given a process on the bus, which sees the leases of workers on the bus only, then of others it says nothing."""
    with closing(Celery("far", broker="memory://", set_as_current=False)) as app:
        bridge = install(app, store="event-bus://")
        assert ids(other_store(bridge, {"celery@a": report()}, {"celery@a"})) == []


def test_a_worker_that_is_not_heard() -> None:
    site = LAYER.model_copy(update={"prefix": "site"})
    assert ids(unheard({"celery@a": report()}, {"celery@a"}, {"default": site})) == []

    (finding,) = unheard({"celery@a": report()}, set(), {"default": site})
    assert finding.id == "chanx.E305"
    assert "'default': prefix 'shop' instead of 'site'" in finding.text

    (finding,) = unheard({"celery@a": report()}, set(), {"default": LAYER})
    assert "may not reach the server" in finding.text

    memory = LayerReport.of(None, InMemoryChannelLayer())
    (finding,) = unheard({"celery@a": report(layer=memory)}, set(), {"default": memory})
    assert "in its own memory" in finding.text


def test_a_worker_with_another_layer_than_here() -> None:
    assert ids(other_layer({"celery@a": report()}, LAYER)) == []
    assert ids(other_layer({"celery@a": report()}, LAYER.model_copy(update={"servers": ("def",)}))) == ["chanx.W306"]


def test_another_clock() -> None:
    assert ids(other_clock([Answer("celery@a", 99, 101, report())])) == []
    assert ids(other_clock([Answer("celery@a", 200, 201, report())])) == ["chanx.W307"]
    assert ids(other_clock([Answer("celery@a", 0, 1, report())])) == ["chanx.W307"]
    assert ids(other_clock([Answer("celery@a", 0, 1, None)])) == []


def test_other_versions() -> None:
    told = report(versions={"chanx": "0.1.0", "celery": "5.3.0", "channels-redis": "5.0"})
    found = other_versions({"celery@a": told}, {"chanx": "0.2.0"}, {"celery": ">=5.4"})
    assert ids(found) == ["chanx.W401", "chanx.W402", "chanx.W403"]
