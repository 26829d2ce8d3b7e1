"""The event bus on Redis or Valkey: a list for each queue, whose only reader looks at its end and then takes it off.

line:  LPUSH, answered later ─> list ─> inbox: LRANGE, and RPOP when it is done   (nothing is ever in nobody's list)
                                        └─ a lock says who reads; its owner renews it, who is too late takes nothing off
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from kombu import Connection
from kombu.utils.url import url_to_parts

from chanx.bridge.transports.event_bus.bus import (
    ANSWERS,
    ANSWERS_SECONDS,
    BROKER_SECONDS,
    Bus,
    BusInbox,
    BusLine,
    BusMessage,
    BusUnavailableError,
)
from chanx.errors import ConfigurationError
from chanx.utils.extras import need

LOCK_SECONDS: Final = 5.0
"""How long after its last word a reader counts as gone."""

INBOX_SECONDS: Final = 5.0
"""How long a relay waits for its broker."""

LOOK_SECONDS: Final = 0.25
"""How often an inbox looks whether it may read."""

AHEAD: Final = 50
"""Messages that an inbox has read ahead, at most."""

# KEYS: lock, queue. ARGV: token, TTL in ms, whether it has the lock, how many messages. -1: another one has the lock.
_LOOK: Final = """
local owner = redis.call('GET', KEYS[1])
if owner == false and ARGV[3] == '0' then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
elseif owner == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
    return -1
end
return redis.call('LRANGE', KEYS[2], -tonumber(ARGV[4]), -1)
"""

# KEYS: lock, queue. ARGV: token, TTL in ms, and what leaves the queue: nothing, its last message, or another one.
_KEEP: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return -1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] == 'last' then
    redis.call('RPOP', KEYS[2])
elseif ARGV[3] then
    redis.call('LREM', KEYS[2], -1, ARGV[4])
end
return 1
"""

_LEAVE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""


class RedisBus(Bus):
    """On the Redis that a kombu connection names: TCP, TLS, a Unix socket, or the master of a Sentinel's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        options: dict[str, Any] = connection.transport_options or {}
        self._prefix = str(options.get("global_keyprefix", ""))

    def line(self) -> BusLine:
        return RedisLine(self._client(BROKER_SECONDS), self._prefix)

    def inbox(self, queue: str) -> BusInbox:
        return RedisInbox(self._client(INBOX_SECONDS), self._prefix, queue)

    def _client(self, seconds: float) -> Any:
        redis: Any = need("redis", extra="bridge")
        backoff: Any = need("redis.backoff", extra="bridge")
        retry: Any = need("redis.retry", extra="bridge")
        options: dict[str, Any] = {
            # Longer than what a command waits for inside of the server.
            "socket_timeout": 2 * seconds,
            "socket_connect_timeout": seconds,
            "retry": retry.Retry(backoff.NoBackoff(), 0),
            "username": self._connection.userid,
            "password": self._connection.password,
            "db": _database(self._connection.virtual_host),
        }
        if self._connection.ssl:
            tls: object = self._connection.ssl
            options |= {"ssl": True, **(tls if isinstance(tls, dict) else {})}
        with _as_unavailable():
            if self._connection.transport_cls == "sentinel":
                return self._master(redis, options)
            host = self._connection.hostname or "localhost"
            if host.startswith("socket://"):
                return redis.Redis(**options | _of_socket(host))
            return redis.Redis(host=host, port=self._connection.port or 6379, **options)

    def _master(self, redis: Any, options: dict[str, Any]) -> Any:
        known: dict[str, Any] = self._connection.transport_options or {}
        if "master_name" not in known:
            raise ConfigurationError('broker_transport_options lacks "master_name", the name that Sentinel has for it')
        places = [urlsplit(url) for url in self._connection.alt or [self._connection.as_uri()]]
        sentinel: Any = need("redis.sentinel", extra="bridge")
        bounds = {name: options[name] for name in ("socket_timeout", "socket_connect_timeout", "retry")}
        asked = sentinel.Sentinel(
            [(place.hostname, place.port or 26379) for place in places],
            sentinel_kwargs={**bounds, **(known.get("sentinel_kwargs") or {})},
            **options,
        )
        return asked.master_for(known["master_name"], redis.Redis)


class RedisLine(BusLine):
    """A worker's line, answered by a list of its own."""

    def __init__(self, client: Any, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._address = f"{ANSWERS}{secrets.token_hex(8)}"
        # One beside the client's, for who posts: commands go out on it before earlier ones are answered.
        self._connection: Any = None
        self._outstanding = 0

    @property
    def address(self) -> str:
        return self._address

    @property
    def outstanding(self) -> int:
        return self._outstanding

    def put(self, queue: str, body: bytes) -> None:
        if self._connection is not None:
            self.post(queue, body)
            self.wait_for_confirms()
            return
        with _as_unavailable():
            self._client.lpush(f"{self._prefix}{queue}", body)

    def post(self, queue: str, body: bytes) -> None:
        with _as_unavailable():
            if self._connection is None:
                self._connection = self._client.connection_pool.make_connection()
                self._connection.connect()  # by itself, one to a Sentinel's primary would not ask for that
            self._connection.send_command("LPUSH", f"{self._prefix}{queue}", body)
            self._outstanding += 1
            while self._outstanding and self._connection.can_read(0):
                self._read_confirm()

    def wait_for_confirms(self, at_most: int = 0) -> None:
        until = time.monotonic() + BROKER_SECONDS
        with _as_unavailable():
            while self._outstanding > at_most:
                if not self._connection.can_read(max(until - time.monotonic(), 0)):
                    raise BusUnavailableError(f"The broker did not confirm messages within {BROKER_SECONDS:g} s.")
                self._read_confirm()

    def next_answer(self, seconds: float) -> bytes | None:
        answers = f"{self._prefix}{self._address}"
        until = time.monotonic() + seconds
        with _as_unavailable():
            answer: bytes | None = self._client.rpop(answers)
            while answer is None and (left := until - time.monotonic()) > 0:
                found: Any = self._client.brpop([answers], timeout=_server_timeout(left, BROKER_SECONDS))
                answer = found[1] if found else None
            return answer

    def close(self) -> None:
        _close(self._client)
        if self._connection is not None:
            with suppress(Exception):  # it may be broken
                self._connection.disconnect()

    def _read_confirm(self) -> None:
        self._connection.read_response()
        self._outstanding -= 1


class RedisInbox(BusInbox):
    """A relay's reading of one list."""

    def __init__(self, client: Any, prefix: str, queue: str) -> None:
        self._client = client
        self._prefix = prefix
        self._queue = f"{prefix}{queue}"
        self._lock = f"{prefix}{queue}.reader"
        self._token = secrets.token_hex(8)
        self._look = client.register_script(_LOOK)
        self._keep = client.register_script(_KEEP)
        self._has_lock = False
        self._kept_at = 0.0
        self._ahead: deque[BusMessage] = deque()

    def take(self, seconds: float) -> BusMessage | None:
        until = time.monotonic() + seconds
        if self._ahead and time.monotonic() - self._kept_at > LOCK_SECONDS / 2:
            self.keep()  # another one may have taken over since
        with _as_unavailable():
            while not self._ahead:
                self._read()
                left = until - time.monotonic()
                if self._ahead or left <= 0:
                    break
                if self._has_lock:
                    # To where it was: this only waits until there is one.
                    timeout = _server_timeout(left, LOCK_SECONDS / 2)
                    self._client.blmove(self._queue, self._queue, timeout, "RIGHT", "RIGHT")
                else:
                    threading.Event().wait(min(left, LOOK_SECONDS))
        return self._ahead[0] if self._ahead else None

    def ahead(self, seconds: float) -> Sequence[BusMessage]:
        threading.Event().wait(min(seconds, LOOK_SECONDS))
        with _as_unavailable():
            self._read()
        return list(self._ahead)

    def done(self, message: BusMessage) -> None:
        if message == self._ahead[0]:
            self._renew("last")
            self._ahead.popleft()
        else:
            self._renew("other", message.body)
            self._ahead.remove(message)

    def keep(self) -> None:
        if self._has_lock:
            self._renew()

    def _read(self) -> None:
        """Takes the lock if nobody has it, and looks at the queue's first messages if it has it then."""
        ttl = round(LOCK_SECONDS * 1000)
        found = self._look(keys=[self._lock, self._queue], args=[self._token, ttl, int(self._has_lock), AHEAD])
        if found != -1:
            self._has_lock = True
            self._kept_at = time.monotonic()
            self._ahead = deque(BusMessage(body, None) for body in reversed(found))
        elif self._has_lock:
            raise self._taken_over()

    def _renew(self, *leaves: str | bytes) -> None:
        with _as_unavailable():
            ttl = round(LOCK_SECONDS * 1000)
            if self._keep(keys=[self._lock, self._queue], args=[self._token, ttl, *leaves]) == -1:
                raise self._taken_over()
        self._kept_at = time.monotonic()

    def answer(self, address: str, body: bytes) -> None:
        with _as_unavailable():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.lpush(f"{self._prefix}{address}", body)
            pipeline.expire(f"{self._prefix}{address}", ANSWERS_SECONDS)
            pipeline.execute()

    def put(self, queue: str, body: bytes) -> None:
        with _as_unavailable():
            self._client.lpush(f"{self._prefix}{queue}", body)

    def close(self) -> None:
        with suppress(Exception):  # it may be broken
            self._client.eval(_LEAVE, 1, self._lock, self._token)
        _close(self._client)

    def _taken_over(self) -> BusUnavailableError:
        return BusUnavailableError(f"Another relay reads {self._queue}: this one was silent for {LOCK_SECONDS:g} s.")


@contextmanager
def _as_unavailable() -> Generator[None]:
    errors: Any = need("redis.exceptions", extra="bridge")
    try:
        yield
    except (errors.RedisError, OSError) as error:
        raise BusUnavailableError(f"The broker did not answer: {type(error).__name__}: {error}") from error


def _server_timeout(seconds: float, at_most: float) -> float:
    """How long the server waits: not for ever, which 0 would be, nor longer than the socket or the lock."""
    return min(max(seconds, 0.001), at_most)


def _database(virtual_host: str | None) -> int:
    """As kombu reads it."""
    text = (virtual_host or "").strip("/") or "0"
    if not text.isdigit():
        raise ConfigurationError(f"The broker's database is {virtual_host!r}: use a number, as in redis://localhost/0")
    return int(text)


def _of_socket(host: str) -> dict[str, Any]:
    """The options in what kombu makes of ``redis+socket://user:password@/path?virtual_host=2``, as it reads it."""
    place = url_to_parts(host)
    options: dict[str, Any] = {"unix_socket_path": f"/{place.path}"}
    if place.username:
        options["username"] = place.username
    if place.password:
        options["password"] = place.password
    database = place.query.get("virtual_host")
    if database:
        options["db"] = _database(database)
    return options


def _close(client: Any) -> None:
    """Never raises: the connections may be broken."""
    asked = getattr(client.connection_pool, "sentinel_manager", None)
    for each in (client, *(asked.sentinels if asked else ())):
        with suppress(Exception):
            each.close()
