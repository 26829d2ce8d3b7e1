"""What the Redis of the job store tells of itself: E203 to W208."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chanx.bridge.store.base import Retention
from chanx.doctor.clock import ahead, in_words, is_off
from chanx.doctor.finding import Finding
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_info import INFO, ask, info_of, place_of
from chanx.layers.wire import command

_OLDEST: Final = (6, 2)
_FEW: Final = 10
_MIB: Final = 1024 * 1024
_ENTRY_BYTES: Final = 30
_JOB_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """``info`` as INFO has it, ``save`` of its configuration (None where it does not tell), its clock's lead."""

    place: str
    info: Mapping[str, str]
    save: str | None = None
    ahead: float = 0.0

    @classmethod
    def ask(cls, host: RedisHost, *, seconds: float) -> ServerFacts:
        """Raises ``OSError`` where the server is away. What it refuses to tell is left out."""
        before = time.time()
        (now,) = ask(host, command(b"TIME"), seconds=seconds)
        after = time.time()
        info, saved = ask(host, INFO, command(b"CONFIG", b"GET", b"save"), seconds=seconds)
        return cls(place_of(host), info_of(info), _value(saved), _lead(now, before=before, after=after))


def server_findings(facts: ServerFacts, retention: Retention) -> Iterator[Finding]:
    """Of the server that keeps jobs for so long, and so much of each."""
    info, place = facts.info, facts.place
    if (number := _version(info)) and number < _OLDEST:
        yield Finding(
            "chanx.E203",
            f"The job store's server {place} is Redis {info['redis_version']}.",
            "Use Redis 6.2 or newer, or Valkey.",
        )
    if info.get("role") == "slave":
        yield Finding(
            "chanx.E204",
            f"The job store's server {place} is a replica: it takes no writes, so no job can be started.",
            "Give install(store=...) the address of the primary, or a redis+sentinel:// URL, which finds it.",
        )
    limit, policy = _number(info, "maxmemory"), info.get("maxmemory_policy", "noeviction")
    if limit and policy != "noeviction":
        yield Finding(
            "chanx.E205",
            f"The job store's server {place} has maxmemory-policy {policy}: when its memory is full, it deletes jobs "
            "and parts of them.",
            "Set maxmemory-policy noeviction. A cache that needs another one needs a server of its own.",
        )
    yield from _little_room(facts, retention, limit)
    if info.get("aof_enabled") == "0" and facts.save == "":
        yield Finding(
            "chanx.I207",
            f"The job store's server {place} writes nothing to disk: its restart forgets every job.",
            "Set appendonly yes, if jobs are to survive it.",
        )
    if is_off(facts.ahead):
        yield Finding(
            "chanx.W208",
            f"The clock of the job store's server {place} is {in_words(facts.ahead)}.",
            "Have both hosts keep their time by NTP.",
        )


def full_job_bytes(retention: Retention) -> int:
    """What a job takes on Redis whose log is full, about: see :class:`~chanx.bridge.store.base.Retention`."""
    return retention.max_bytes + _ENTRY_BYTES * retention.max_entries + _JOB_BYTES


def _little_room(facts: ServerFacts, retention: Retention, limit: int) -> Iterator[Finding]:
    bound = limit or _number(facts.info, "total_system_memory")
    left = bound - _number(facts.info, "used_memory")
    job = full_job_bytes(retention)
    if not bound or left >= _FEW * job:
        return
    which = "maxmemory" if limit else "the memory of its host"
    yield Finding(
        "chanx.W206",
        f"The job store's server {facts.place} has {max(left, 0) / _MIB:.0f} MiB left of {bound / _MIB:.0f} MiB "
        f"({which}). A job whose log is full takes {job / _MIB:.1f} MiB for {retention.ended_seconds / 3600:g} h after "
        f"its end, so there is room for {max(left, 0) // job} of them.",
        "Give it more memory, or keep less: install(..., retention=Retention(max_bytes=..., ended_seconds=...)).",
    )


def _version(info: Mapping[str, str]) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", info.get("redis_version", ""))
    return tuple(map(int, found.groups())) if found else ()


def _number(info: Mapping[str, str], name: str) -> int:
    text = info.get(name, "")
    return int(text) if text.isdecimal() else 0


def _value(answer: Any) -> str | None:
    """Of ``CONFIG GET``, which hosted servers often refuse."""
    return None if isinstance(answer, Exception) or len(answer) != 2 else str(answer[1], "utf-8", "replace")


def _lead(answer: Any, *, before: float, after: float) -> float:
    if isinstance(answer, Exception):
        return 0.0
    seconds, microseconds = map(int, answer)
    return ahead(seconds + microseconds / 1e6, before=before, after=after)
