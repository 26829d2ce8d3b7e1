"""Messages that did not arrive: counted, logged once a period, told to the user's hooks; never raised."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from chanx.layers.caller import Caller, present_caller
from chanx.log import log_throttled
from chanx.metrics import PUBLISH_FAILURES
from chanx.telemetry import OBSERVERS, measure
from chanx.utils.process import PerProcess
from chanx.utils.time_limit import is_time_limit

Kind: TypeAlias = Literal["group", "channel"]


@dataclass(frozen=True, slots=True)
class PublishFailure:
    """A message that did not reach the layer, or (``over_capacity`` above 0) not all of its receivers."""

    kind: Kind
    name: str
    """The group or the channel that it was for."""
    message: Mapping[str, Any]
    reason: str
    """For operators: it may name hosts, but holds no credentials."""
    over_capacity: int = 0
    """How many server processes did not get it because their queues were full; 0 if nobody got it."""


FailureHook: TypeAlias = Callable[[PublishFailure], object]


class FailureReports:
    """Where a publisher reports failures. Thread-safe and fork-safe; a child counts from 0 and keeps the hooks."""

    def __init__(self, publisher: str) -> None:
        self.hooks: list[FailureHook] = []
        self._publisher = publisher
        self._counts = PerProcess(_Counts)
        self._log_key = object()  # not its id, which another one may have after it
        self._reporting: set[Caller] = set()

    @property
    def failures(self) -> int:
        return self._counts.get().failures

    @property
    def over_capacity(self) -> int:
        return self._counts.get().over_capacity

    def report(self, failure: PublishFailure) -> None:
        """Count, log and hand on. Whatever a hook raises is logged, but for the task's own time limit."""
        counts = self._counts.get()
        counts.add(failure)
        values: dict[str, Any] = {"publisher": self._publisher, "name": failure.name, "error": failure.reason}
        if failure.over_capacity:
            log_throttled("channel_layer_over_capacity", key=self._log_key, **values, dropped=counts.over_capacity)
        else:
            log_throttled("publish_failed", key=self._log_key, **values, failures=counts.failures)
        if OBSERVERS:
            measure(PUBLISH_FAILURES, 1, {"chanx.reason": "over_capacity" if failure.over_capacity else "lost"})
        if self.hooks:
            self._call_hooks(failure)

    def _call_hooks(self, failure: PublishFailure) -> None:
        caller = present_caller()
        # A hook may publish too, and that may fail too.
        if caller in self._reporting:
            return
        self._reporting.add(caller)
        try:
            for hook in self.hooks:
                try:
                    hook(failure)
                except Exception as error:
                    if is_time_limit(error):
                        raise
                    log_throttled("publish_failure_hook_failed", key=id(hook), hook=repr(hook), error=repr(error))
        finally:
            self._reporting.discard(caller)


class _Counts:
    def __init__(self) -> None:
        self.failures = 0
        self.over_capacity = 0
        # Reentrant, because a signal handler may publish too.
        self._lock = threading.RLock()

    def add(self, failure: PublishFailure) -> None:
        with self._lock:
            self.over_capacity += failure.over_capacity
            self.failures += not failure.over_capacity
