from __future__ import annotations

import logging

import pytest

from chanx.log import log_event, log_throttled


def test_an_event_has_a_constant_name_and_its_values(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="chanx"):
        log_event("thing_happened", count=3, name="x y")
    (record,) = caplog.records
    assert record.getMessage() == "thing_happened count=3 name='x y'"
    assert (record.event, record.values) == ("thing_happened", {"count": 3, "name": "x y"})


def test_a_throttled_event_is_logged_once_a_period_and_key(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a clock
    now = 1000.0
    monkeypatch.setattr("chanx.log.time.monotonic", lambda: now)
    first, second = object(), object()

    with caplog.at_level(logging.WARNING, logger="chanx"):
        # When one thing is logged often, and another once
        for _ in range(4):
            log_throttled("thing_failed", key=first, period=10)
        log_throttled("thing_failed", key=second, period=10)
        # Then each has one line
        assert len(caplog.records) == 2

        # When the period is over, Then the next line says how many were left out
        now += 10
        log_throttled("thing_failed", key=first, period=10)
        assert caplog.records[-1].getMessage() == "thing_failed suppressed=3"
