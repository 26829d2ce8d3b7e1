"""A job's end: whatever a task returned or raised, there is a closing event, and it is safe to show."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import Retry, SoftTimeLimitExceeded, WorkerLostError

from chanx.bridge import outcome
from chanx.bridge.web.job_list import listed
from chanx.bridge.web.list_messages import JobChanged
from chanx.errors import JobError
from chanx.messages.topic import SubscribedMessage
from tests.unit.bridge.doubles import Bench


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def sent_fields(event: Any) -> dict[str, Any]:
    bench = Bench()
    bench.reporter.send(event)
    (sent,) = bench.events()
    assert sent["action"] == event.action
    return bench.fields()


@pytest.mark.parametrize(
    ("result", "shown"),
    [
        (None, None),
        ({"when": datetime(2026, 1, 1, tzinfo=UTC)}, {"when": "2026-01-01T00:00:00Z"}),
        ([math.nan, math.inf], [None, None]),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (b"\xff", "b'\\xff'"),
        ({"file": "a\udcff"}, "{'file': 'a\\udcff'}"),
        (Unprintable(), "<Unprintable>"),
        ([Unprintable()], ["<Unprintable>"]),
        (nested(3000), "<list>"),
    ],
    ids=["nothing", "time", "no number", "keys", "bytes", "surrogate", "no repr", "no repr within", "deep"],
)
def test_whatever_a_task_returns_its_job_ends(result: object, shown: object) -> None:
    assert sent_fields(outcome.succeeded(result))["result"] == shown


@pytest.mark.parametrize("depth", range(230, 256))
def test_a_result_can_be_shown_within_messages(depth: int) -> None:
    bench = Bench()
    bench.reporter.send(outcome.succeeded(nested(depth)))

    snapshot = bench.store.snapshot(bench.job_id)

    assert snapshot
    shown = JobChanged(payload={"job": listed(snapshot)}).model_dump_json()
    assert "[[[[[" in shown
    assert SubscribedMessage(payload={"jobs": [listed(snapshot)]}).model_dump_json()


def test_a_result_that_contains_itself() -> None:
    result: list[Any] = []
    result.append(result)

    assert sent_fields(outcome.succeeded(result))["result"] == "[[...]]"


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (JobError("The file is empty.", code="empty_file"), "The file is empty.", "empty_file"),
        (JobError("odd: a\udcff"), "odd: a\\udcff", "error"),
        (JobError(ValueError("not a text"), code=404), "not a text", "404"),  # type: ignore[arg-type]  # a mistake
        (JobError("x" * 300_000), "x" * 4000 + "…", "error"),
        (RuntimeError("password=hunter2"), outcome.GENERAL_MESSAGE, "error"),
        (SoftTimeLimitExceeded("secret"), outcome.TIME_LIMIT_MESSAGE, "time_limit"),
        (WorkerLostError("secret"), outcome.WORKER_LOST_MESSAGE, "worker_lost"),
    ],
    ids=["meant for users", "surrogate", "no text", "long", "any other", "time limit", "worker lost"],
)
def test_whatever_a_task_raises_its_job_ends(error: BaseException, message: str, code: str) -> None:
    shown = sent_fields(outcome.failed(error, task_id="t1"))["error"]

    assert shown == {"message": message, "code": code, "reference": "t1"}


def test_a_retry_says_why_and_when() -> None:
    countdown: Any = 3  # Celery's stub says Real, which no int is to a type checker
    payload = outcome.retrying(Retry("", JobError("Busy. \udcff"), when=countdown)).payload
    assert (payload.reason, payload.countdown) == ("Busy. \\udcff", 3)

    payload = outcome.retrying(Retry("", RuntimeError("secret"), when=datetime.now(UTC) + timedelta(hours=1))).payload
    assert payload.reason == outcome.RETRY_MESSAGE
    assert payload.countdown == pytest.approx(3600, abs=5)
