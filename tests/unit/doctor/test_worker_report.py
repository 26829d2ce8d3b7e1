"""What a worker says of itself when the doctor asks."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from chanx.bridge import install
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.worker import doctor_command
from chanx.bridge.worker_id import WORKER
from chanx.bridge.worker_report import LayerReport, WorkerReport, layer_of, report_of, store_name
from chanx.layers import LayerSpec
from tests.unit.bridge.apps import BridgedApp, bridged_app

NOBODY = "redis://user:hunter2@127.0.0.1:1/3?socket_timeout=0.2"


@pytest.fixture
def made() -> Iterator[BridgedApp]:
    with bridged_app(eager=False) as made:
        yield made


def state(app: Celery) -> Any:
    return SimpleNamespace(app=app, hostname="celery@here")


def report(*hosts: Any, **options: Any) -> LayerReport:
    return LayerReport.of(LayerSpec.redis_pubsub(*(hosts or (NOBODY,)), **options), None)


def test_a_worker_says_what_it_is(made: BridgedApp) -> None:
    answer = doctor_command.answer(state(made.app), group="chanx.doctor.1")

    told = WorkerReport.model_validate(json.loads(json.dumps(answer)))
    assert told.lease == WORKER.current
    assert told.versions["celery"]
    assert told.store == "MemoryJobStore"
    assert told.layer.kind == "chanx.layers.memory.MemoryPublisher"
    # and a word of it is on the layer
    assert made.publisher.sent == [("group", "chanx.doctor.1", {"type": "chanx.doctor", "who": "celery@here"})]


@pytest.mark.parametrize("group", ["", "users", "chanx.doctor", "chanx.job.1"])
def test_it_sends_nothing_to_other_groups(made: BridgedApp, group: str) -> None:
    assert "error" not in doctor_command.answer(state(made.app), group=group)
    assert made.publisher.sent == []


def test_a_worker_without_a_bridge_says_so() -> None:
    app = Celery("bare", broker="memory://", set_as_current=False)
    assert doctor_command.answer(state(app)) == {"error": "no bridge"}
    app.close()


def test_a_group_that_cannot_be_published_to_is_told(made: BridgedApp) -> None:
    answer = doctor_command.answer(state(made.app), group="chanx.doctor.no group")
    assert answer["error"].startswith("cannot publish: ")


def test_no_secret_is_in_a_report() -> None:
    app = Celery("secret", broker="memory://", set_as_current=False)
    layer = LayerSpec.redis_pubsub(NOBODY, symmetric_encryption_keys=["hunter2"])
    bridge = install(app, store=NOBODY, layer=layer)

    told = report_of(bridge, lease="w")

    assert "hunter2" not in told.model_dump_json()
    assert told.store == "RedisJobStore on 127.0.0.1:1, database 3, prefix 'chanx'"
    assert told.layer.places == ("127.0.0.1:1",)
    assert told.layer.servers == ("",)
    assert told.layer.keys[0] not in {key.decode() for key in layer.fernet_keys}
    app.close()


def test_a_socket_and_options_are_places_too() -> None:
    spec = LayerSpec.redis_pubsub("unix:///run/redis.sock?db=2", {"host": "redis.internal", "port": 7000})
    assert LayerReport.of(spec, None).places == ("/run/redis.sock", "redis.internal:7000")


def test_equal_layers_have_no_differences() -> None:
    assert list(report().differences(report())) == []
    # one server may have two names
    one, other = (
        LayerReport(kind="redis_pubsub", places=(place,), servers=("abc",)) for place in ("redis:6379", "10.0.0.1:6379")
    )
    assert list(one.differences(other)) == []
    # and the listener may know older keys too
    assert list(report(symmetric_encryption_keys=["a"]).differences(report(symmetric_encryption_keys=["b", "a"]))) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        (report(prefix="shop"), report(), "prefix 'shop' instead of 'asgi'"),
        (report(serializer="json"), report(), "serializer json instead of msgpack"),
        (report(), report(("other", 1)), "servers 127.0.0.1:1 instead of other:1"),
        (report(symmetric_encryption_keys=["a"]), report(), "another encryption key"),
        (report(), report(symmetric_encryption_keys=["a"]), "another encryption key"),
        (
            report(symmetric_encryption_keys=["b", "a"]),
            report(symmetric_encryption_keys=["a"]),
            "another encryption key",
        ),
        (LayerReport.of(None, object()), report(), "layer builtins.object instead of redis_pubsub"),
        (
            LayerReport.of(LayerSpec.redis_core("redis://127.0.0.1:1/1"), None),
            LayerReport.of(LayerSpec.redis_core("redis://127.0.0.1:1/2"), None),
            "database 1 instead of 2",
        ),
        (
            LayerReport(kind="redis_pubsub", places=("redis:6379",), servers=("abc",)),
            LayerReport(kind="redis_pubsub", places=("redis:6379",), servers=("def",)),
            "servers redis:6379 instead of redis:6379",
        ),
    ],
)
def test_what_differs_is_said(mine: LayerReport, theirs: LayerReport, said: str) -> None:
    assert list(mine.differences(theirs)) == [said]


def test_what_a_bridge_in_memory_says(made: BridgedApp) -> None:
    assert store_name(made.bridge) == type(MemoryJobStore()).__name__
    assert layer_of(made.bridge).places == ()


SENTINELS = {"sentinels": [("two", 2), ("one", 26379)], "master_name": "shop", "password": "hunter2"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis+sentinel://:hunter2@one,two:2/shop?sentinel_password=hunter2", []),
        ("rediss+sentinel://:hunter2@two:2,one/shop", []),
        ("redis+sentinel://one,two:2/cart", ["servers cart by Sentinel one:26379, two:2 instead of shop by Sentinel"]),
    ],
)
def test_a_layer_behind_sentinel_is_known_by_the_name_of_its_primary(url: str, said: list[str]) -> None:
    ours = LayerReport.of(LayerSpec.redis_pubsub(url), None, identify=False)
    theirs = LayerReport.of(LayerSpec.redis_pubsub(SENTINELS), None, identify=False)

    found = list(ours.differences(theirs))

    assert [text[: len(expected)] for text, expected in zip(found, said, strict=True)] == said
    assert "hunter2" not in f"{ours!r} {theirs!r}"


def test_a_store_behind_sentinel_has_a_name_without_passwords() -> None:
    url = "rediss+sentinel://user:hunter2@two:2,one:1/shop/3?sentinel_password=hunter2"
    app = Celery("behind", broker="memory://", set_as_current=False)

    assert store_name(install(app, store=url)) == (
        "RedisJobStore on shop by Sentinel one:1, two:2, database 3, prefix 'chanx'"
    )
    app.close()
