"""A timer that is moved by hand, with the clock it goes by."""

from collections.abc import Callable

from tests.unit.bridge.doubles import Clock


class ManualTimer:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.waiting.append((self.clock.now + delay, callback))

    def advance(self, seconds: float) -> None:
        """Moves the clock on, and makes the calls that come due on the way at their times."""
        end = self.clock.now + seconds
        while due := [call for call in self.waiting if call[0] <= end]:
            call = min(due, key=lambda each: each[0])
            self.waiting.remove(call)
            self.clock.now = max(self.clock.now, call[0])
            call[1]()
        self.clock.now = end
