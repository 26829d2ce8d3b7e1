from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.store.redis import RedisJobStore
from chanx.errors import ConfigurationError
from chanx.layers import LayerSpec
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_info import database_of, place_of
from chanx.layers.redis_options import are_one_server, new_connection
from chanx.layers.sentinel_url import parsed_sentinel_url

# No surrogates: they are in no UTF-8, so in no URL.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
HOSTS = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,8}[a-z0-9])?", fullmatch=True) | st.ip_addresses(v=6).map(
    lambda address: f"[{address}]"
)
PORTS = st.integers(1, 65535)


def quoted(text: str) -> str:
    return quote(text, safe="")


def connection_of(host: RedisHost) -> Any:
    return new_connection(host)


@given(
    user=st.none() | TEXTS,
    password=st.none() | TEXTS,
    places=st.lists(st.tuples(HOSTS, st.none() | PORTS), min_size=1, max_size=4),
    name=TEXTS,
    database=st.none() | st.integers(0, 99),
    own=st.fixed_dictionaries({}, optional={"sentinel_username": TEXTS, "sentinel_password": TEXTS}),
    encrypted=st.booleans(),
)
def test_what_is_written_is_what_connections_are_made_of(
    user: str | None,
    password: str | None,
    places: list[tuple[str, int | None]],
    name: str,
    database: int | None,
    own: dict[str, str],
    encrypted: bool,
) -> None:
    # Given a URL with any user, password, Sentinels, name, database and password of the Sentinels
    credentials = "".join([quoted(user or ""), f":{quoted(password)}" if password else ""])
    where = ",".join(host if port is None else f"{host}:{port}" for host, port in places)
    path = quoted(name) + ("" if database is None else f"/{database}")
    query = "&".join(f"{option}={quoted(value)}" for option, value in own.items())
    url = (
        f"{'rediss' if encrypted else 'redis'}+sentinel://{credentials}{'@' if credentials else ''}{where}/{path}"
        f"{'?' if query else ''}{query}"
    )

    # When it is read
    host = RedisHost.parse(url)

    # Then connections are made with just these, those to the Sentinels with their own
    assert host.master_name == name
    primary = connection_of(host.at("10.0.0.1", 6380))
    assert (primary.host, primary.port, primary.db) == ("10.0.0.1", 6380, database or 0)
    assert (primary.username or None, primary.password) == (user, password)
    asked = [connection_of(sentinel) for sentinel in host.sentinels]
    assert [(each.host, each.port) for each in asked] == [(at.strip("[]"), port or 26379) for at, port in places]
    assert {(each.username or None, each.password) for each in asked} == {
        (own.get("sentinel_username"), own.get("sentinel_password"))
    }
    assert {type(each).__name__ for each in [primary, *asked]} == {"SSLConnection" if encrypted else "Connection"}
    assert database_of(host) == (database or 0)
    assert RedisHost.parse(url) == host
    assert hash(RedisHost.parse(url)) == hash(host)


ANYTHING = st.text(st.sampled_from("sh:/?#@[]%,=&0129. é℀\n"), max_size=20)


@given(st.sampled_from(["redis+sentinel://", "rediss+sentinel://"]), ANYTHING, ANYTHING)
def test_no_mistake_in_a_url_shows_its_password(scheme: str, unquoted: str, end: str) -> None:
    said = ""
    try:
        RedisHost.parse(f"{scheme}user:hunter2{unquoted}@one/shop{end}")
    except ConfigurationError as error:
        said = f"{error} {error.__cause__!r}"
    assert "hunter2" not in said


def test_no_credential_shows_in_a_text() -> None:
    url = "rediss+sentinel://user:hunter2@one:1,two:2/shop/3?sentinel_username=u&sentinel_password=hunter2"
    host = RedisHost.parse(url)
    store = RedisJobStore(url)

    texts = f"{host!r} {place_of(host)} {host.sentinels!r} {LayerSpec.redis_pubsub(url)} {store!r}"

    assert "hunter2" not in texts
    assert place_of(host) == "shop by Sentinel one:1, two:2"


def test_one_encryption_serves_all_connections_unless_sentinels_have_their_own() -> None:
    url = "rediss+sentinel://one/shop?ssl_ca_certs=/both.pem&ssl_cert_reqs=none&sentinel_ssl_ca_certs=/theirs.pem"
    host = RedisHost.parse(url)
    primary, sentinel = connection_of(host), connection_of(host.sentinels[0])

    assert (primary.ca_certs, sentinel.ca_certs) == ("/both.pem", "/theirs.pem")
    assert primary.cert_reqs == sentinel.cert_reqs


@pytest.mark.parametrize(
    ("scheme", "sentinel_ssl", "of_primary", "of_sentinel"),
    [("rediss", "false", "SSLConnection", "Connection"), ("redis", "true", "Connection", "SSLConnection")],
)
def test_sentinels_may_be_encrypted_otherwise(
    scheme: str, sentinel_ssl: str, of_primary: str, of_sentinel: str
) -> None:
    host = RedisHost.parse(f"{scheme}+sentinel://one/shop?sentinel_ssl={sentinel_ssl}")

    assert type(connection_of(host)).__name__ == of_primary
    assert type(connection_of(host.sentinels[0])).__name__ == of_sentinel


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis+sentinel://one:26379", "no URL of a primary"),
        ("redis+sentinel://one:26379/", "no URL of a primary"),
        ("redis+sentinel:///shop", "no URL of a primary"),
        ("redis+sentinel://one/shop/main", "no URL of a primary"),
        ("redis+sentinel://one,/shop", "by no host and port"),
        ("redis+sentinel://one:70000/shop", "by no host and port"),
        ("redis+sentinel://one:0/shop", "by no host and port"),
        ("redis+sentinel://one:port/shop", "by no host and port"),
        ("redis+sentinel://one, two/shop", "by no host and port"),
        ("redis+sentinel://:a/b@one/shop", "quote what the password has"),
        ("redis+sentinel://:a[b@one/shop", "quote what the password has"),
        ("redis+sentinel://one/shop?sentinel_ssl=yes", "true or false"),
        ("redis+sentinel://one/shop?min_other=2", "min_other"),
        ("redis+sentinel://one/shop?sentinel_min_other=2", "min_other"),
        ("redis+sentinel://one/shop?ssl=true", "ssl"),
        ("redis://one?ssl=true", "ssl"),
    ],
)
def test_a_mistake_is_named(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        RedisHost.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:hunter2/@one/shop",
        "redis+sentinel://one/shop?db=hunter2",
        "redis+sentinel://one/shop?sentinel_socket_timeout=hunter2",
        "redis+sentinel://one/shop?hunter=2",
    ],
)
def test_a_store_names_the_mistake_in_its_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match="The job store's URL") as caught:
        RedisJobStore(url)
    assert "hunter2" not in str(caught.value)


def test_the_parts_are_urls_of_redis_py() -> None:
    found = parsed_sentinel_url("redis+sentinel://u:p@one,[::1]:2/my%20shop/3?client_name=x&sentinel_password=s")

    assert found.master_name == "my shop"
    assert found.address == "redis://u:p@/3?client_name=x"
    assert found.sentinels == ("redis://one:26379?password=s", "redis://[::1]:2?password=s")


OF_LAYER = {"sentinels": [("two", 2), ["one", 26379]], "master_name": "shop"}


@pytest.mark.parametrize(
    ("url", "layer", "same"),
    [
        ("redis+sentinel://one,two:2/shop/5?sentinel_password=s", OF_LAYER, True),
        ("redis+sentinel://:p@one,two:2/shop", {**OF_LAYER, "password": "p", "db": 1}, True),
        ("rediss+sentinel://one,two:2/shop", {**OF_LAYER, "ssl": True}, True),
        ("rediss+sentinel://one,two:2/shop", OF_LAYER, False),
        ("redis+sentinel://:p@one,two:2/shop", OF_LAYER, False),
        ("redis+sentinel://one,two:2/cart", OF_LAYER, False),
        ("redis+sentinel://one,two:3/shop", OF_LAYER, False),
        ("redis+sentinel://one/shop", ("one", 26379), False),
        ("redis+sentinel://one/shop", "redis://localhost", False),
    ],
)
def test_one_server_is_recognized(url: str, layer: Any, same: bool) -> None:
    one, other = RedisHost.parse(url), RedisHost.parse(layer)

    assert are_one_server(one, other) is same
    assert are_one_server(other, one) is same
