"""The states of a job, and which of two states is the newer one."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job is. The last three are terminal: a job reaches exactly one of them, once."""

    QUEUED = "queued"
    STARTED = "started"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL_STATES

    @property
    def rank(self) -> int:
        """Orders the states of one attempt, because signals of two processes can be reported out of order."""
        return _RANKS[self]


TERMINAL_STATES = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})

_RANKS = {
    JobState.QUEUED: 0,
    JobState.STARTED: 1,
    JobState.RETRYING: 2,
    JobState.SUCCEEDED: 9,
    JobState.FAILED: 9,
    JobState.CANCELLED: 9,
}


def is_newer(state: JobState, attempt: int, *, than: JobState, than_attempt: int) -> bool:
    """Whether a reported state replaces the recorded one: a terminal always does, else a later attempt or rank.

    A retry publishes its next attempt before it reports itself, so attempt 2 can start before attempt 1 has said that
    it is retrying; the attempt therefore counts before the rank.
    """
    if than.is_terminal:
        return False
    return state.is_terminal or (attempt, state.rank) >= (than_attempt, than.rank)
