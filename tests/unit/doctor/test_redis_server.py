"""What is said of the server of a job store, by what it tells of itself."""

import pytest
from redis.exceptions import NoPermissionError

from chanx.bridge.store.base import Retention
from chanx.doctor.redis_server import ServerFacts, _lead, _value, full_job_bytes, server_findings

GIB = 1024**3
WELL = {
    "redis_version": "7.2.4",
    "role": "master",
    "maxmemory": str(GIB),
    "maxmemory_policy": "noeviction",
    "used_memory": "1000000",
    "total_system_memory": str(16 * GIB),
    "aof_enabled": "1",
}


def said(save: str | None = "", *, ahead: float = 0.0, retention: Retention | None = None, **info: str) -> list[str]:
    facts = ServerFacts("cache:6379", WELL | info, save, ahead)
    findings = list(server_findings(facts, retention or Retention()))
    assert all("cache:6379" in finding.text for finding in findings)
    assert all(finding.fix for finding in findings)
    return [finding.id for finding in findings]


def test_a_server_that_is_well() -> None:
    assert said() == []


@pytest.mark.parametrize(("number", "old"), [("6.0.16", True), ("5.0", True), ("6.2.0", False), ("7.0", False)])
def test_an_old_server(number: str, old: bool) -> None:
    assert said(redis_version=number) == (["chanx.E203"] if old else [])


def test_a_replica() -> None:
    assert said(role="slave") == ["chanx.E204"]


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
def test_eviction(policy: str) -> None:
    assert said(maxmemory_policy=policy) == ["chanx.E205"]
    # without a bound nothing is evicted
    assert said(maxmemory_policy=policy, maxmemory="0") == []


def test_little_room() -> None:
    assert said(maxmemory="100000000") == ["chanx.W206"]
    assert said(maxmemory="100000000", retention=Retention(max_bytes=1024 * 1024)) == []
    assert said(used_memory=str(GIB)) == ["chanx.W206"]
    # without a bound, that of the machine
    assert said(maxmemory="0", total_system_memory="100000000") == ["chanx.W206"]
    assert said(maxmemory="0", total_system_memory="0") == []
    assert full_job_bytes(Retention()) > 16 * 1024 * 1024


def test_nothing_is_written_to_disk() -> None:
    assert said(aof_enabled="0") == ["chanx.I207"]
    assert said("3600 1", aof_enabled="0") == []
    # where the server does not tell, nothing is said
    assert said(None, aof_enabled="0") == []


@pytest.mark.parametrize("seconds", [30.0, -30.0])
def test_another_clock(seconds: float) -> None:
    assert said(ahead=seconds) == ["chanx.W208"]
    assert said(ahead=seconds / 100) == []


def test_a_server_that_tells_nothing() -> None:
    assert list(server_findings(ServerFacts("cache:6379", {}), Retention())) == []


def test_its_answers() -> None:
    refused = NoPermissionError("NOPERM")
    assert _value(refused) is None
    assert _value([b"save", b"3600 1"]) == "3600 1"
    assert _value([]) is None
    assert _lead(refused, before=0, after=0) == 0
    assert _lead([b"130", b"500000"], before=99, after=100) == 30.5
