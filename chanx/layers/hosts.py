"""Where a Redis is and how to connect to it, in every form that channels_redis takes and a publisher can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from chanx.errors import ConfigurationError
from chanx.layers.sentinel_url import SCHEMES, parsed_sentinel_url

HostForm: TypeAlias = "str | tuple[str, int] | list[Any] | Mapping[str, Any] | RedisHost"

DEFAULT_ADDRESS = "redis://localhost:6379"

CONNECTION_OPTIONS = frozenset(
    {"host", "port", "db", "username", "password", "credential_provider", "client_name", "socket_keepalive"}
    | {"socket_timeout", "socket_connect_timeout", "ssl"}
)
"""Handed on to the publisher's own connection (so is everything that begins with ``ssl_``)."""

_IGNORED_OPTIONS = frozenset(
    {"max_connections", "timeout", "retry_on_timeout", "retry_on_error", "health_check_interval", "protocol"}
    | {"encoding", "encoding_errors", "decode_responses", "socket_read_size", "socket_keepalive_options", "lib_name"}
    | {"lib_version", "check_connection"}
)
"""Of no meaning for a publisher: it has its own connections, retries and protocol version, and reads no replies."""


@dataclass(frozen=True, slots=True, repr=False)
class RedisHost:
    """One Redis: an ``address`` (``redis://``, ``rediss://`` or ``unix://`` URL) or None, and connection options.

    An option in the address goes before the same one in ``options``, as in redis-py. With ``sentinels`` it is whichever
    server they have as the primary of ``master_name``.
    """

    address: str | None
    options: tuple[tuple[str, Any], ...] = ()
    master_name: str = ""
    sentinels: tuple[RedisHost, ...] = ()

    @classmethod
    def parse(cls, form: HostForm) -> RedisHost:
        """Read a URL, a ``(host, port)`` pair or a dict of options.

        These are ``address``, ``host`` and ``port``, or ``sentinels`` and ``master_name``, beside the connection's own.

        Raises ``ConfigurationError`` for anything else, and for an option that needs the general publisher, such as a
        ``connection_class``.
        """
        host = cls._read(form)
        known = CONNECTION_OPTIONS | _IGNORED_OPTIONS
        # An address has its scheme instead of `ssl`.
        others = ({name for name, _ in host.options} - known) | (_options_in(host.address) - (known - {"ssl"}))
        unknown = sorted(name for name in others if not name.startswith("ssl_"))
        if unknown:
            raise ConfigurationError(
                f"{host!r} has options that a direct publisher does not know: {', '.join(unknown)}. "
                "Leave them out, or give publisher_for the channel layer itself, to publish through it."
            )
        return host

    @classmethod
    def _read(cls, form: Any) -> RedisHost:
        match form:
            case RedisHost():
                return form
            case str() if form.startswith(SCHEMES):
                url = parsed_sentinel_url(form)
                return cls(url.address, (), url.master_name, tuple(map(cls.parse, url.sentinels)))
            case str():
                return cls(form)
            case Mapping():
                options = dict(cast("Mapping[str, Any]", form))
                if options.keys() & {"sentinels", "master_name", "sentinel_kwargs"}:
                    return cls._behind_sentinels(options)
                return cls(options.pop("address", None), tuple(options.items()))
            case [host, port]:
                return cls(None, (("host", host), ("port", port)))
            case _:
                raise ConfigurationError(
                    f"A Redis host is a URL, a (host, port) pair or a dict of options, not {type(form).__name__}."
                )

    @classmethod
    def _behind_sentinels(cls, options: dict[str, Any]) -> RedisHost:
        """As channels_redis reads it."""
        master_name, places = options.pop("master_name", None), options.pop("sentinels", None)
        of_sentinels: Mapping[str, Any] = options.pop("sentinel_kwargs", None) or {}
        try:
            sentinels = [cls.parse({**of_sentinels, "host": host, "port": int(port)}) for host, port in places or ()]
        except (TypeError, ValueError):
            sentinels = []
        if not sentinels or not isinstance(master_name, str) or not master_name or "address" in options:
            raise ConfigurationError(
                'A Redis behind Sentinel is {"sentinels": [("10.0.0.21", 26379)], "master_name": "shop"}, with all '
                "Sentinels, and options of the primary's connection beside them; it has no address."
            )
        return cls(None, tuple(options.items()), master_name, tuple(sentinels))

    def at(self, host: str, port: int) -> RedisHost:
        """The server there, with what else is known of this one."""
        return RedisHost(self.address, tuple({**dict(self.options), "host": host, "port": port}.items()))

    @property
    def place(self) -> str:
        """Where it is, for people to read; without any credentials."""
        if self.sentinels:
            return f"{self.master_name} by Sentinel {', '.join(sorted(each.place for each in self.sentinels))}"
        if self.address:
            return _without_credentials(self.address).partition("://")[2]
        options = dict(self.options)
        return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"

    def __repr__(self) -> str:
        # No value of an option and no credential: this text goes to logs and error messages.
        names = ", ".join(name for name, _ in self.options)
        where = "host"
        if self.sentinels:
            where = self.place
        elif self.address:
            where = _without_credentials(self.address)
        return f"RedisHost({where}{'; ' + names if names else ''})"


def parse_hosts(forms: Iterable[HostForm] | None) -> tuple[RedisHost, ...]:
    """The hosts of a layer in their order, which decides the shards. Of nothing it makes the local Redis."""
    return tuple(RedisHost.parse(form) for form in forms or ()) or (RedisHost(DEFAULT_ADDRESS),)


def _options_in(address: object) -> set[str]:
    if address is None:
        return set()
    if not isinstance(address, str) or urlsplit(address).scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(
            "The address of a Redis is a URL that begins with redis://, rediss:// or unix://, like "
            "redis://localhost:6379/0; of one behind Sentinel, with redis+sentinel:// or rediss+sentinel://."
        )
    return set(parse_qs(urlsplit(address).query))


def _without_credentials(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
