"""Whatever happens on the way, what a client saw of a job is its log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.client_generator.base import JobReset, UnknownMessage
from tests.unit.client_generator.base.fakes import run, settled
from tests.unit.client_generator.base.job_server import CREDIT, JobServer
from tests.unit.client_generator.base.messages import Line, Progress, Site, SiteJob, Succeeded

Event = Line | Progress | Succeeded | UnknownMessage | JobReset


class View:
    """A loop that takes an event whenever the test says so, and may be left and gone on with: the ids it has had."""

    def __init__(self, client: Site) -> None:
        self.client = client
        self.first = 1
        self.ids: list[str] = []
        self.progress: list[float] = []
        self.has_ended = False
        self._begin(client.job("a"))

    def _begin(self, job: SiteJob) -> None:
        self.job = job
        self._events: AsyncGenerator[Event, None] = job.events()
        self._next: asyncio.Task[Event] | None = None

    async def take(self, most: int) -> None:
        for _ in range(most):
            if self.has_ended:
                return
            if self._next is None:
                self._next = asyncio.create_task(anext(self._events))
                self._next.add_done_callback(lambda task: task.cancelled() or task.exception())
            await asyncio.wait({self._next}, timeout=1e-6)
            if not self._next.done():
                return
            done, self._next = self._next, None
            try:
                self._took(done.result())
            except StopAsyncIteration:
                self.has_ended = True

    def _took(self, event: Event) -> None:
        match event:
            case JobReset():
                self.ids, self.progress, self.first = [], [], event.position.seq + 1
                assert event.snapshot.epoch == event.position.epoch
            case Progress():
                self.progress.append(event.payload["fraction"])
            case Line() | Succeeded():
                if not self.ids and self.job.position is not None:
                    self.first = self.job.position.seq
                self.ids.append(event.payload["id"])
            case UnknownMessage():
                raise AssertionError(event)

    async def leave_and_go_on(self) -> None:
        """As a program that is started again with the position that it kept."""
        if self.has_ended:
            return
        await self._leave()
        position = self.job.position
        self.job.close()
        self._begin(self.client.job("a", position=position))

    async def _leave(self) -> None:
        if self._next is not None:
            self._next.cancel()
            (ended,) = await asyncio.gather(self._next, return_exceptions=True)
            if not isinstance(ended, BaseException):
                self._took(ended)
        await self._events.aclose()

    async def end(self) -> None:
        await self._leave()
        self.job.close()


class World:
    """``steps`` are names and numbers of what happens, one after the other."""

    def __init__(self, client: Site, server: JobServer) -> None:
        self.client, self.server = client, server
        self.views = [View(client)]

    async def step(self, name: str, number: int) -> None:
        server, view = self.server, self.views[number % len(self.views)]
        match name:
            case "append":
                for _ in range(number):
                    server.append()
            case "report":
                server.report(number / 100)
            case "drop":
                server.drop_all()
            case "refuse":
                server.network.refusals = [OSError("refused")] * (number % 4)
                server.drop_all()
            case "trim":
                server.trim(number // 2)
            case "rewind":
                server.rewind(number // 3)
            case "wait":
                await asyncio.sleep(number / 3)
            case "watch" if len(self.views) < 4:
                self.views.append(View(self.client))
            case "go on":
                await view.leave_and_go_on()
            case _:
                await view.take(number)
        await settled()
        for view in self.views:
            reader: Any = view.job._reader
            # As much as the server sends, twice where it begins anew before what waits.
            assert reader is None or len(reader._waiting) <= 2 * CREDIT + 3

    async def everybody_ends(self) -> None:
        self.server.trouble = 0
        self.server.append("job_succeeded")
        for _ in range(400):
            for view in self.views:
                await view.take(50)
            if all(view.has_ended for view in self.views):
                return
            await asyncio.sleep(0.5)
        raise AssertionError("some loop has not ended")


NAMES = ["append", "append", "take", "take", "report", "drop", "refuse", "trim", "rewind", "wait", "watch", "go on"]
steps = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 90)), max_size=60)


def sees_the_log(trouble: float, seed: int, steps: list[tuple[str, int]], many: int) -> None:
    async def main() -> None:
        server = JobServer(Random(seed))
        async with Site(server.network) as client:
            server.trouble = trouble
            for _ in range(many):
                server.append()
            world = World(client, server)
            for name, number in steps:
                await world.step(name, number)
            await world.everybody_ends()
            for view in world.views:
                assert view.first <= max(server.oldest, 1)
                assert view.ids == [event["payload"]["id"] for event in server.all[view.first - 1 :]]
                reported = iter(server.reported)
                assert all(fraction in reported for fraction in view.progress)  # some of them, in this order
                assert await view.job.result(timeout=60) is None
                assert (view.job.state, view.job.progress) == ("succeeded", server.progress)
                await view.end()
            assert not client._jobs

    run(main())


def runs(examples: int) -> Any:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, suppress_health_check=checks)


@runs(60)
@given(
    trouble=st.sampled_from([0.0, 0.0, 0.01, 0.05]), seed=st.integers(0, 999), steps=steps, many=st.integers(0, 1200)
)
def test_what_a_loop_sees_is_the_log(trouble: float, seed: int, steps: list[tuple[str, int]], many: int) -> None:
    sees_the_log(trouble, seed, steps, many)
