from __future__ import annotations

import pickle
from typing import Any, cast

import pytest
import redis
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers.redis import RedisChannelLayer as FastRedisLayer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer

from chanx.errors import ConfigurationError
from chanx.layers import LayerSpec
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_options import TIMEOUT, new_connection

URL = "redis://user:secret@redis.example:6380/3"

SENTINEL = {"master_name": "mymaster", "sentinels": [("localhost", 26379)], "sentinel_kwargs": {"password": "secret"}}


BOTH = pytest.mark.parametrize("pubsub", [RedisPubSubChannelLayer, FastPubSubLayer], ids=["channels", "fast-channels"])


@BOTH
def test_the_usual_layer_is_read_without_a_running_loop(pubsub: Any) -> None:
    layer = pubsub(hosts=[URL], prefix="site", serializer_format="json")
    assert LayerSpec.from_layer(layer) == LayerSpec.redis_pubsub(URL, prefix="site", serializer="json")


@BOTH
def test_positional_arguments_and_defaults_are_read(pubsub: Any) -> None:
    assert LayerSpec.from_layer(pubsub([URL], "site")) == LayerSpec.redis_pubsub(URL, prefix="site")
    spec = LayerSpec.from_layer(pubsub())
    assert spec == LayerSpec.redis_pubsub("redis://localhost:6379")
    assert spec == LayerSpec.redis_pubsub()


@BOTH
def test_encryption_keys_are_read_and_do_not_show(pubsub: Any) -> None:
    layer = pubsub(hosts=[URL], symmetric_encryption_keys=["secret", b"old"], serializer_format="json")
    spec = LayerSpec.from_layer(layer)
    assert spec == LayerSpec.redis_pubsub(URL, serializer="json", symmetric_encryption_keys=["secret", b"old"])
    assert "fernet" not in repr(spec)


def test_encryption_keys_are_a_list() -> None:
    with pytest.raises(ConfigurationError, match="list of keys"):
        LayerSpec.redis_pubsub(URL, symmetric_encryption_keys="secret")


@pytest.mark.parametrize("core", [RedisChannelLayer, FastRedisLayer], ids=["channels", "fast-channels"])
def test_the_core_layers_options_are_read(core: Any) -> None:
    options = {"expiry": 30, "group_expiry": 600, "capacity": 7, "random_prefix_length": 3}
    layer = core(hosts=[URL], prefix="site", serializer_format="json", **options)
    assert LayerSpec.from_layer(layer) == LayerSpec.redis_core(URL, prefix="site", serializer="json", **options)
    assert LayerSpec.from_layer(core()) == LayerSpec.redis_core()


class OwnPubSubLayer(RedisPubSubChannelLayer):
    """A subclass may write other bytes."""


class OwnCoreLayer(RedisChannelLayer):
    """So may this one."""


@pytest.mark.parametrize(
    "layer",
    [
        InMemoryChannelLayer(),
        RedisChannelLayer(hosts=[URL, URL]),
        RedisChannelLayer(hosts=[URL], symmetric_encryption_keys=["key"]),
        RedisChannelLayer(hosts=[URL], channel_capacity={"specific.*": 10}),
        RedisChannelLayer(hosts=[{"master_name": "mymaster", "sentinels": []}]),
        OwnPubSubLayer(hosts=[URL]),
        OwnCoreLayer(hosts=[URL]),
        RedisPubSubChannelLayer(hosts=[{**SENTINEL, "is_master": False}]),
        RedisPubSubChannelLayer(hosts=[{"address": URL, "connection_class": object}]),
        RedisPubSubChannelLayer(hosts=["redis://localhost?cache_config=1"]),
        RedisPubSubChannelLayer(hosts=["localhost"]),
        RedisPubSubChannelLayer(hosts="redis://localhost"),
        FastRedisLayer(hosts=[URL, URL]),
        object(),
        None,
    ],
    ids=[
        "memory",
        "sharded core",
        "encrypted core",
        "core with channel_capacity",
        "core on no sentinel",
        "subclass",
        "subclass of core",
        "replicas of sentinel",
        "class",
        "query",
        "no url",
        "no list",
        "fast-channels sharded core",
        "object",
        "none",
    ],
)
def test_what_needs_the_general_way_has_no_spec(layer: object) -> None:
    assert LayerSpec.from_layer(layer) is None


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("redis://localhost", {"host": "localhost"}),
        (URL, {"host": "redis.example", "port": 6380, "db": 3, "username": "user", "password": "secret"}),
        (("10.0.0.1", 6380), {"host": "10.0.0.1", "port": 6380}),
        (["10.0.0.1", 6380], {"host": "10.0.0.1", "port": 6380}),
        ({"host": "h", "port": 1, "password": "p", "max_connections": 5}, {"host": "h", "port": 1, "password": "p"}),
        ({"address": URL, "db": 7, "client_name": "web"}, {"db": 3, "client_name": "web"}),
        ("unix:///run/redis.sock?db=2", {"path": "/run/redis.sock", "db": 2}),
        ({"address": "unix:///run/redis.sock", "password": "p"}, {"path": "/run/redis.sock", "password": "p"}),
        ("rediss://h:1?ssl_cert_reqs=none", {"host": "h", "port": 1, "cert_reqs": False}),
    ],
)
def test_every_form_of_a_host_becomes_a_connection(form: Any, expected: dict[str, Any]) -> None:
    connection: Any = new_connection(RedisHost.parse(form))
    found = {name: getattr(connection, name) for name in expected if name != "cert_reqs"}
    assert found == {name: value for name, value in expected.items() if name != "cert_reqs"}
    if "cert_reqs" in expected:
        assert isinstance(connection, redis.SSLConnection)
        assert connection.cert_reqs == expected["cert_reqs"]


@pytest.mark.parametrize(
    ("form", "timeout"),
    [
        ("redis://h", TIMEOUT),
        ({"address": "redis://h", "socket_timeout": None}, TIMEOUT),
        ({"address": "redis://h", "socket_timeout": 30}, TIMEOUT),
        ("redis://h?socket_timeout=30", TIMEOUT),
        ({"address": "redis://h", "socket_timeout": 0.1}, 0.1),
    ],
)
def test_a_layers_own_timeout_only_shortens_ours(form: Any, timeout: float) -> None:
    connection: Any = new_connection(RedisHost.parse(form))
    assert connection.socket_timeout == timeout
    assert connection.socket_connect_timeout == TIMEOUT


@pytest.mark.parametrize("form", [42, b"redis://h", ("h", 1, 2), "localhost:6379", "http://h", {"address": 5}])
def test_what_is_no_host_is_refused(form: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"redis://|URL"):
        LayerSpec.redis_pubsub(form)


def test_an_option_unknown_here_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="is_master"):
        LayerSpec.redis_pubsub({**SENTINEL, "is_master": False})


@pytest.mark.parametrize(
    "mistake",
    [
        {"sentinels": []},
        {"sentinels": None},
        {"sentinels": ["localhost:26379"]},
        {"sentinels": [("localhost", "port")]},
        {"sentinels": 5},
        {"master_name": ""},
        {"master_name": None},
        {"address": URL},
    ],
)
def test_a_host_behind_sentinel_says_what_it_lacks(mistake: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r'"sentinels": \[.*"master_name"'):
        LayerSpec.redis_pubsub({**SENTINEL, **mistake})


@pytest.mark.parametrize("layer", [RedisPubSubChannelLayer, FastPubSubLayer, RedisChannelLayer, FastRedisLayer])
def test_a_layer_behind_sentinel_is_published_to_directly(layer: Any) -> None:
    spec = LayerSpec.from_layer(layer(hosts=[{**SENTINEL, "password": "secret", "db": 2}]))

    assert spec is not None
    (host,) = spec.hosts
    assert host.master_name == "mymaster"
    primary: Any = new_connection(host.at("10.0.0.1", 6380))
    assert (primary.host, primary.port, primary.password, primary.db) == ("10.0.0.1", 6380, "secret", 2)
    (sentinel,) = (cast("Any", new_connection(each)) for each in host.sentinels)
    assert (sentinel.host, sentinel.port, sentinel.password) == ("localhost", 26379, "secret")
    assert "secret" not in repr(spec)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_an_unknown_serializer_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'pickle'"):
        LayerSpec.redis_pubsub(URL, serializer="pickle")  # type: ignore[arg-type]  # the mistake under test


def test_no_credential_shows_in_a_text() -> None:
    spec = LayerSpec.redis_pubsub(
        URL,
        {"host": "h", "port": 1, "password": "secret"},
        "redis://h?password=secret",
        "unix://:secret@/run/redis.sock",
    )
    assert "secret" not in f"{spec} {spec!r}"
    assert "redis.example:6380/3" in repr(spec)


def test_a_spec_can_be_pickled_and_hashed() -> None:
    # Given a spec, as it is handed to a spawned process
    spec = LayerSpec.redis_pubsub(URL, {"host": "h", "port": 1, "password": "secret"})

    # When it is pickled, Then it comes back whole
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert hash(copy) == hash(spec)
    assert dict(copy.hosts[1].options)["password"] == "secret"


@pytest.mark.parametrize(("asked", "used"), [(0.1, 0.1), (5, 0.5), (None, 0.5)])
def test_a_caller_may_bound_a_connection_otherwise(asked: float | None, used: float) -> None:
    host = RedisHost.parse({"host": "one", "socket_timeout": asked, "socket_connect_timeout": asked})

    connection: Any = new_connection(host, timeout=0.5)

    assert (connection.socket_timeout, connection.socket_connect_timeout) == (used, used)
