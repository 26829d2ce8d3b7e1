"""The states of a job, and which of two is the newer one (the rule of the server's log). No I/O."""

from __future__ import annotations

from typing import Final

CONNECTING: Final = "connecting"
REFUSED: Final = "refused"
TERMINAL_STATES: Final = frozenset({"succeeded", "failed", "cancelled"})
TERMINAL_ACTIONS: Final = frozenset({"job_succeeded", "job_failed", "job_cancelled"})
STATE_AFTER: Final = {
    "job_queued": "queued",
    "job_started": "started",
    "job_retrying": "retrying",
    "job_succeeded": "succeeded",
    "job_failed": "failed",
    "job_cancelled": "cancelled",
}
_RANKS: Final = {CONNECTING: -1, REFUSED: -1, "queued": 0, "started": 1, "retrying": 2}


def is_newer(state: str, attempt: int, *, than: str, than_attempt: int) -> bool:
    """Whether a state replaces the known one. A retry may start before the attempt before it has said so."""
    if than in TERMINAL_STATES:
        return False
    if state in TERMINAL_STATES:
        return True
    if attempt != than_attempt:
        return attempt > than_attempt
    return _RANKS.get(state, 1) >= _RANKS.get(than, 1)
