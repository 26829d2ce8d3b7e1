"""Where a Redis is and how to connect to it, in every form that channels_redis takes and a publisher can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

from chanx.errors import ConfigurationError

HostForm: TypeAlias = "str | tuple[str, int] | list[Any] | Mapping[str, Any] | RedisHost"

DEFAULT_ADDRESS = "redis://localhost:6379"

CONNECTION_OPTIONS = frozenset(
    {"host", "port", "db", "username", "password", "credential_provider", "client_name", "socket_keepalive"}
    | {"socket_timeout", "socket_connect_timeout"}
)
"""Handed on to the publisher's own connection (so is everything that begins with ``ssl_``)."""

_IGNORED_OPTIONS = frozenset(
    {"max_connections", "timeout", "retry_on_timeout", "retry_on_error", "health_check_interval", "protocol"}
    | {"encoding", "encoding_errors", "decode_responses", "socket_read_size", "socket_keepalive_options", "lib_name"}
    | {"lib_version"}
)
"""Of no meaning for a publisher: it has its own connections, retries and protocol version, and reads no replies."""


@dataclass(frozen=True, slots=True, repr=False)
class RedisHost:
    """One Redis: an ``address`` (``redis://``, ``rediss://`` or ``unix://`` URL) or None, and connection options.

    An option in the address goes before the same one in ``options``, as in redis-py.
    """

    address: str | None
    options: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, form: HostForm) -> RedisHost:
        """Read a URL, a ``(host, port)`` pair or a dict (``address`` or ``host`` and ``port``, and options).

        Raises ``ConfigurationError`` for anything else, and for an option that needs the general publisher (Sentinel's
        ``master_name``, a ``connection_class``).
        """
        host = cls._read(form)
        names = {name for name, _ in host.options} | _options_in(host.address)
        unknown = sorted(n for n in names - CONNECTION_OPTIONS - _IGNORED_OPTIONS if not n.startswith("ssl_"))
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
            case str():
                return cls(form)
            case Mapping():
                options = dict(cast("Mapping[str, Any]", form))
                return cls(options.pop("address", None), tuple(options.items()))
            case [host, port]:
                return cls(None, (("host", host), ("port", port)))
            case _:
                raise ConfigurationError(
                    f"A Redis host is a URL, a (host, port) pair or a dict of options, not {type(form).__name__}."
                )

    def __repr__(self) -> str:
        # No value of an option and no credential: this text goes to logs and error messages.
        names = ", ".join(name for name, _ in self.options)
        where = _without_credentials(self.address) if self.address else "host"
        return f"RedisHost({where}{'; ' + names if names else ''})"


def parse_hosts(forms: Iterable[HostForm] | None) -> tuple[RedisHost, ...]:
    """The hosts of a layer in their order, which decides the shards. Of nothing it makes the local Redis."""
    return tuple(RedisHost.parse(form) for form in forms or ()) or (RedisHost(DEFAULT_ADDRESS),)


def _options_in(address: object) -> set[str]:
    if address is None:
        return set()
    if not isinstance(address, str) or urlsplit(address).scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(
            "The address of a Redis is a URL that begins with redis://, rediss:// or unix://, like redis://localhost:6379/0."
        )
    return set(parse_qs(urlsplit(address).query))


def _without_credentials(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
