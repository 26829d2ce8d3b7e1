"""A job store that is away is asked again: on a busy machine, or while its server starts, it is soon back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

import click

from chanx.bridge.store.base import StoreUnavailableError

T = TypeVar("T")

INTERVAL: Final = 0.25
PATIENCE: Final = 5.0
"""Seconds that a question waits for a store that is away."""


class Patience:
    """Tells on standard error of a store that is away: once when it goes, once when it is back."""

    def __init__(
        self, *, wait: Callable[[float], object] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.wait: Callable[[float], object] = wait or time.sleep
        self._clock = clock
        self._is_away = False

    def ask(self, question: Callable[[], T]) -> T:
        """Its answer; ``StoreUnavailableError`` where the store stays away. It may be asked several times."""
        give_up_at: float | None = None
        while True:
            try:
                answer = question()
            except StoreUnavailableError as error:
                now = self._clock()
                give_up_at = now + PATIENCE if give_up_at is None else give_up_at
                if now >= give_up_at:
                    raise
                self.is_away(error)
                self.wait(INTERVAL)
            else:
                self.is_back()
                return answer

    def is_away(self, error: StoreUnavailableError) -> None:
        """The store has not answered."""
        if not self._is_away:
            click.echo(f"{str(error).rstrip('.')}. Waiting for it.", err=True)
        self._is_away = True

    def is_back(self) -> None:
        """It has."""
        if self._is_away:
            click.echo("The job store is back.", err=True)
        self._is_away = False
