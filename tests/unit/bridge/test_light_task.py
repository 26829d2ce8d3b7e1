"""Tasks that share one while they wait for their bell: each runs as a task of its own would."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.web.light_task import PORTION, Bell, LightTask

variable: ContextVar[str] = ContextVar("variable", default="outer")


class Player:
    """Deals with what is put into its ``news`` whenever its bell is rung; a future is waited for."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.news: list[Any] = []
        self.seen: list[Any] = []
        self.tasks: list[asyncio.Task[Any] | None] = []
        self.is_over = False
        self.light = LightTask(self._run(), name="player")

    def tell(self, news: Any) -> None:
        self.news.append(news)
        self.bell.ring()

    async def _run(self) -> None:
        try:
            while True:
                self.bell.clear()
                while self.news:
                    await self._take(self.news.pop(0))
                await self.bell.wait()
        finally:
            self.is_over = True

    async def _take(self, news: Any) -> None:
        self.tasks.append(asyncio.current_task())
        self.seen.append(await news if asyncio.isfuture(news) else news)
        self.tasks.append(asyncio.current_task())


@pytest.fixture
async def players() -> AsyncIterator[list[Player]]:
    """A few that wait for their bell."""
    found = [Player() for _ in range(3 * PORTION)]
    await settled()
    yield found
    for player in found:
        await player.light.stop()


async def settled() -> None:
    """Until nobody has anything to do but wait."""
    for _ in range(20):
        await asyncio.sleep(0)


def future() -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()


async def test_who_waits_for_a_bell_is_no_task(players: list[Player]) -> None:
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_all_share_one_task(players: list[Player]) -> None:
    for player in players:
        player.tell("news")
    await settled()

    assert [player.seen for player in players] == [["news"]] * len(players)
    assert len({player.tasks[0] for player in players}) == 1


async def test_others_have_their_turn_between_portions(players: list[Player]) -> None:
    for player in players:
        player.tell("news")

    await asyncio.sleep(0)

    assert sum(len(player.seen) for player in players) == PORTION


async def test_who_waits_has_the_task_to_itself_and_the_others_go_on(players: list[Player]) -> None:
    first, second, *_ = players
    something = future()
    first.tell(something)
    second.tell("news")
    await settled()
    assert (first.seen, second.seen) == ([], ["news"])

    # When what comes meanwhile waits for it
    first.tell("later")
    something.set_result("sooner")
    await settled()

    # Then
    assert first.seen == ["sooner", "later"]
    assert len(set(first.tasks)) == 1
    assert second.tasks[0] not in first.tasks
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_bell_that_is_rung_while_one_works_is_heard() -> None:
    heard: list[str] = []
    bell = Bell()

    async def rings_itself() -> None:
        bell.ring()
        await bell.wait()
        heard.append("once")
        bell.clear()
        await bell.wait()

    light = LightTask(rings_itself(), name="light")
    await settled()

    assert heard == ["once"]
    await light.stop()


async def test_a_timeout_is_that_of_who_asked_for_it() -> None:
    ended: list[str] = []
    first_waits, bell = asyncio.Event(), Bell()

    async def with_timeout() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                first_waits.set()
                await asyncio.Event().wait()
        ended.append("in time")
        await bell.wait()
        ended.append("rung")

    light, other = LightTask(with_timeout(), name="light"), Player()
    other.tell("news")
    await first_waits.wait()
    await settled()
    bell.ring()
    await settled()

    assert (ended, light.is_done, other.seen) == (["in time", "rung"], True, ["news"])
    await other.light.stop()


async def test_it_has_a_context_of_its_own() -> None:
    seen: list[str] = []
    bell = Bell()

    async def sets() -> None:
        seen.append(variable.get())
        variable.set("inner")
        await bell.wait()
        seen.append(variable.get())

    variable.set("of who begins it")
    LightTask(sets(), name="light")
    variable.set("later")
    await settled()
    bell.ring()
    await settled()

    assert seen == ["of who begins it", "inner"]
    assert variable.get() == "later"


@pytest.mark.parametrize("before", ["it has begun", "its bell", "something else"])
async def test_stopping_ends_it(before: str) -> None:
    player = Player()
    if before != "it has begun":
        await settled()
    if before == "something else":
        player.tell(future())
        await settled()

    await player.light.stop()

    assert player.light.is_done
    assert player.is_over == (before != "it has begun")
    player.tell("news")
    await settled()
    assert player.seen == []


async def test_stopping_waits_until_it_has_ended() -> None:
    may_end, bell = asyncio.Event(), Bell()
    order: list[str] = []

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            order.append("ended")

    light = LightTask(slow_to_end(), name="light")
    await settled()
    stopping = asyncio.create_task(light.stop())
    await settled()
    order.append("may end")
    may_end.set()
    bell.ring()
    await stopping

    assert order == ["may end", "ended"]


async def test_one_that_loses_its_cancellation_ends_at_its_bell() -> None:
    bell = Bell()

    async def loses_it() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await bell.wait()

    light = LightTask(loses_it(), name="light")
    await settled()

    await light.stop()

    assert light.is_done


@pytest.mark.parametrize("waits_first", [False, True])
async def test_one_that_stops_itself_goes_on_to_its_end(waits_first: bool) -> None:
    ended: list[str] = []

    async def stops_itself() -> None:
        if waits_first:
            await asyncio.sleep(0)
        await lights[0].stop()
        ended.append("ended")

    lights = [LightTask(stops_itself(), name="light")]
    await settled()

    assert ended == ["ended"]


def fails() -> None:
    raise RuntimeError("no good")


def is_cancelled_by_nobody() -> None:
    raise asyncio.CancelledError


def cancels_its_task() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()


@pytest.mark.parametrize("does", [fails, is_cancelled_by_nobody, cancels_its_task])
@pytest.mark.parametrize("waits_first", [False, True])
async def test_what_goes_wrong_in_one_leaves_the_others_alone(
    does: Callable[[], None], waits_first: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def bad() -> None:
        if waits_first:
            await asyncio.sleep(0)
        does()

    before, light, after = Player(), LightTask(bad(), name="bad"), Player()
    before.tell("news")
    after.tell("news")
    await settled()

    assert light.is_done
    assert (before.seen, after.seen) == (["news"], ["news"])
    logged = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(logged) == (does is not cancels_its_task)
    for player in (before, after):
        player.tell("more")
    await settled()
    assert (before.seen, after.seen) == (["news", "more"], ["news", "more"])
    await before.light.stop()
    await after.light.stop()


@pytest.mark.parametrize("portions", [0, 1])
async def test_who_cancels_every_task_leaves_nobody_out(players: list[Player], portions: int) -> None:
    for player in players:
        player.tell("news")
    for _ in range(portions):
        await asyncio.sleep(0)

    # When the task that they share has not begun, or is between two portions
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await settled()

    # Then
    assert [player.seen for player in players] == [["news"]] * len(players)
    players[0].tell("more")
    await settled()
    assert players[0].seen == ["news", "more"]


async def test_what_fails_while_it_is_closed_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    bell = Bell()

    async def fails_to_end() -> None:
        try:
            await bell.wait()
        finally:
            fails()

    light = LightTask(fails_to_end(), name="light")
    await settled()

    await light.stop()

    assert light.is_done
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_loop_that_ends_with_some_of_them_leaves_no_complaint(caplog: pytest.LogCaptureFixture) -> None:
    async def leaves_two() -> None:
        players = [Player(), Player()]
        await settled()
        players[0].tell(future())
        await settled()

    asyncio.run(leaves_two())

    assert not caplog.records


NUMBERS = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), NUMBERS),
        st.tuples(st.just("tell to wait"), NUMBERS),
        st.tuples(st.just("release"), NUMBERS),
        st.tuples(st.just("stop"), NUMBERS),
        st.tuples(st.just("turn"), NUMBERS),
    ),
    max_size=60,
)


@given(steps=STEPS)
def test_each_deals_with_all_that_it_is_told_in_order(steps: list[tuple[str, int]]) -> None:
    asyncio.run(_played(steps))


async def _played(steps: list[tuple[str, int]]) -> None:
    players = [Player() for _ in range(4)]
    told: list[list[int]] = [[] for _ in players]
    waited_for: list[list[tuple[asyncio.Future[int], int]]] = [[] for _ in players]
    stopped: dict[int, list[int]] = {}
    for number, (step, who) in enumerate(steps):
        player = players[who]
        if step == "tell":
            player.tell(number)
            told[who].append(number)
        elif step == "tell to wait":
            something: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            player.tell(something)
            told[who].append(number)
            waited_for[who].append((something, number))
        elif step == "release" and waited_for[who]:
            something, result = waited_for[who].pop(0)
            if not something.done():  # else it was cancelled with who waited for it
                something.set_result(result)
        elif step == "stop":
            await player.light.stop()
            stopped.setdefault(who, list(player.seen))
        elif step == "turn":
            await asyncio.sleep(0)
    for futures in waited_for:
        for something, result in futures:
            if not something.done():
                something.set_result(result)
    await settled()
    for who, player in enumerate(players):
        seen = stopped.get(who, told[who])
        assert player.seen == seen == told[who][: len(seen)]
        assert player.light.is_done == (who in stopped)
        await player.light.stop()
    await settled()
    assert asyncio.all_tasks() == {asyncio.current_task()}
