"""URLs of a primary that Sentinel names: ``redis+sentinel://user:password@host:26379,host:26379/master_name/db?option=``.

Options that begin with ``sentinel_`` are those of the connections to the Sentinels; all others, the user and the
password are the primary's. With ``rediss+sentinel://`` all connections are encrypted, with the same ``ssl_`` options.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from chanx.errors import ConfigurationError

SCHEMES: Final = ("redis+sentinel://", "rediss+sentinel://")

_PORT: Final = 26379

_URL: Final = re.compile(
    r"(?P<scheme>rediss?)\+sentinel://(?:(?P<user>[^@/?#\[\]]*)@)?(?P<places>[^@/?#]+)"
    r"/(?P<name>[^/?#]+)(?:/(?P<db>[0-9]*))?(?:\?(?P<query>[^#]*))?"
)

_PLACE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:,\s\[\]]+)(?::(?P<port>[0-9]{1,5}))?")

_HOW: Final = (
    "Write redis+sentinel://user:password@host1:26379,host2:26379/master_name/0, and quote what the password has of "
    "/ ? # @ [ ] and % (%2F %3F %23 %40 %5B %5D %25)."
)


class SentinelURL(NamedTuple):
    """``address`` is a Redis URL without a host, for whichever server is the primary; ``sentinels`` are Redis URLs."""

    master_name: str
    address: str
    sentinels: tuple[str, ...]


def parsed_sentinel_url(url: str) -> SentinelURL:
    """Raises ``ConfigurationError``, which quotes nothing of the URL: a wrong one may show its password anywhere."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ConfigurationError(f"That is no URL of a primary behind Sentinel. {_HOW}")
    places = [_place(text) for text in found["places"].split(",")]
    options = [option for option in (found["query"] or "").split("&") if option]
    own = [option.removeprefix("sentinel_") for option in options if option.startswith("sentinel_")]
    encrypted = _encrypted(own, found["scheme"] == "rediss")
    own = [option for option in own if not option.startswith("ssl=")]
    others = [option for option in options if not option.startswith("sentinel_")]
    if encrypted:
        # Of two of one name the first counts.
        own += [option for option in others if option.startswith("ssl_")]
    user = f"{found['user']}@" if found["user"] else ""
    address = _with_options(f"{found['scheme']}://{user}/{found['db'] or 0}", others)
    try:
        urlsplit(address)
    except ValueError:
        raise ConfigurationError(f"The URL of a primary behind Sentinel cannot be read. {_HOW}") from None
    scheme = "rediss" if encrypted else "redis"
    return SentinelURL(
        unquote(found["name"]), address, tuple(_with_options(f"{scheme}://{place}", own) for place in places)
    )


def _place(text: str) -> str:
    found = _PLACE.fullmatch(text)
    if found is None or not 0 < int(found["port"] or _PORT) < 65536:
        raise ConfigurationError(f"The URL of a primary behind Sentinel names a Sentinel by no host and port. {_HOW}")
    return f"{found['host']}:{found['port'] or _PORT}"


def _encrypted(own: list[str], by_default: bool) -> bool:
    """Whether the connections to the Sentinels are, by ``sentinel_ssl`` where it is given."""
    for option in own:
        name, _, value = option.partition("=")
        if name == "ssl":
            if value not in ("true", "false"):
                raise ConfigurationError("sentinel_ssl in the URL of a primary behind Sentinel is true or false.")
            return value == "true"
    return by_default


def _with_options(address: str, options: list[str]) -> str:
    return f"{address}?{'&'.join(options)}" if options else address
