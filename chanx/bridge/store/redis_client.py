"""What the parts of the Redis job store share: the server, this process's connections to it, the names of keys."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from chanx.bridge.names import validated_job_id
from chanx.bridge.store.base import Retention, StoreUnavailableError
from chanx.bridge.store.redis_lines import Lines, Request
from chanx.bridge.store.redis_scripts import Scripts
from chanx.errors import ConfigurationError, MissingExtraError
from chanx.layers.hosts import RedisHost
from chanx.layers.sentinel_url import SCHEMES
from chanx.utils.process import PerProcess

try:
    import redis
except ImportError as error:  # pragma: no cover - the extra is installed wherever the tests run
    raise MissingExtraError('The Redis job store needs redis-py: pip install "chanx[bridge]"') from error


class RedisClient:
    """The server of one store. Safe across forks and threads: each process opens connections when it needs them."""

    def __init__(self, url: str, *, prefix: str, retention: Retention, timeout: float) -> None:
        if not url.startswith(SCHEMES):
            _check_port_of(url)
        try:
            self.host = RedisHost.parse(url)
            for host in (self.host, *self.host.sentinels):
                redis.connection.parse_url(host.address)  # type: ignore[no-untyped-call]  # redis-py has no types here
        except (ValueError, ConfigurationError) as error:
            raise ConfigurationError(f"The job store's URL: {error}") from error
        self.retention = retention
        self.scripts = Scripts(retention)
        self._prefix = prefix
        self._lines = PerProcess(lambda: Lines(self.host, timeout=timeout))

    def ask(self, *requests: Request) -> list[Any]:
        """The answer to each, in one round trip; ``StoreUnavailableError`` where the server is away or refuses."""
        try:
            return self._lines.get().ask(requests)
        except redis.RedisError as error:
            raise StoreUnavailableError(f"The job store did not answer: {type(error).__name__}: {error}") from error

    def key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    def hashed_key(self, kind: str, text: str) -> str:
        """The key of a text that may hold any characters."""
        return self.key(f"{kind}:{hashlib.sha256(text.encode()).hexdigest()[:32]}")

    def job_keys(self, job_id: str, *names: str) -> list[str]:
        """Keys of a job. They share a hash tag, so that a cluster holds them in one slot."""
        base = f"{self._prefix}:{{{validated_job_id(job_id)}}}:"
        return [base + name for name in names]

    def close(self) -> None:
        """Closes this process's connections."""
        lines = self._lines.reset()
        if lines is not None:
            lines.close()


def _check_port_of(url: str) -> None:
    """Before redis-py reads the URL, whose error would quote a piece of the password."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ConfigurationError(
            "The job store's URL has no number as its port. Write redis://user:password@host:6379/0, and quote what "
            "the password has of / ? # @ and % (%2F %3F %23 %40 %25)."
        ) from None
