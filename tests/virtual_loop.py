"""An event loop on which time passes only when nothing else is left to do, and then at once."""

import asyncio
import selectors


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code that waits, retries and polls, with nothing but this process to wait for. ``time()`` begins at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_NeverWaiting(self))

    def time(self) -> float:
        return self.now


class _NeverWaiting(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("Everybody waits, and nothing is left that could happen.")
        self._loop.now += max(timeout, 0)
        return super().select(0)
