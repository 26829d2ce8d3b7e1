"""However connections come and go on a real server, nothing of them stays, in its process or in Redis."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from chanx.testing.redis_server import redis_server
from tests.benchmarks.job_sites import Site, running
from tests.integration.connections_site import Visitor, asked, closed, come_and_gone, counts, visitors, waited_for

SECONDS = 90.0
PATHS = ("/chanx/shared", "/chanx/own")
SHARING = 160

IDLE_SECONDS = {"pubsub": 1.0, "core": 11.0}
"""The core layer asks Redis for messages for 5 seconds at a time: two times and the beginning of the third."""


@pytest.fixture(scope="module", params=["pubsub", "core"])
def layer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["uvicorn", "Daphne"])
def site(request: pytest.FixtureRequest, layer: str) -> Iterator[Site]:
    """One that has had connections before, and so has what it needs for any."""
    with (
        redis_server(private=True) as server,
        running(request.param, f"tests.integration.connections_app:{layer}", server.url) as site,
    ):
        for path in PATHS:
            asyncio.run(come_and_gone(site, path, 20))
        waited_for(site, is_empty)
        yield site


def is_empty(found: dict[str, int]) -> bool:
    """Nothing is left but what the process has for itself: tasks, and a buffer that the core layer receives into."""
    return not any(many for name, many in found.items() if name not in ("tasks", "buffers"))


def in_shared_group(many: int) -> Callable[[dict[str, int]], bool]:
    """Whether so many are there and nobody else is, and Redis knows of their group: joining returns before it does."""
    return lambda found: found["serving"] == many and bool(found["subscribed groups"] or found["group members"])


async def told(site: Site, guests: list[Visitor]) -> None:
    """Tell everybody in the shared group, and wait until these have heard it: their second frame."""
    await asyncio.to_thread(asked, site, "/tell/chanx")
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*(guest.heard(2) for guest in guests))


async def none_left(site: Site, before: dict[str, int]) -> None:
    """Wait until there is no more of anything than there was."""

    def no_more(found: dict[str, int]) -> bool:
        return all(many <= before[name] for name, many in found.items())

    await asyncio.to_thread(waited_for, site, no_more, seconds=SECONDS)


async def many(site: Site) -> list[Visitor]:
    """200: most of them in one group, the rest in groups of their own."""
    return [*await visitors(site, "/chanx/shared", SHARING), *await visitors(site, "/chanx/own", 200 - SHARING)]


async def test_abrupt_disconnects(site: Site) -> None:
    before = await asyncio.to_thread(counts, site)
    guests = await many(site)
    assert (await asyncio.to_thread(counts, site))["serving"] == 200

    for guest in guests:
        guest.reset()

    await none_left(site, before)


async def test_many_groups_are_left_at_once(site: Site) -> None:
    before = await asyncio.to_thread(counts, site)
    guests = await visitors(site, "/chanx/own", 200)

    for guest in guests:
        guest.reset()

    await none_left(site, before)


async def test_cycles_of_coming_and_going(site: Site) -> None:
    before = await asyncio.to_thread(counts, site)

    for path in PATHS:
        await come_and_gone(site, path, 200, at_once=20)

    await none_left(site, before)


async def test_a_burst(site: Site) -> None:
    before = await asyncio.to_thread(counts, site)

    guests = await many(site)
    await asyncio.to_thread(waited_for, site, in_shared_group(200))
    await told(site, guests[:SHARING])
    await closed(guests)

    assert [guest.frames for guest in guests] == [2] * SHARING + [1] * (200 - SHARING)
    await none_left(site, before)


async def test_some_leave_while_others_come_to_the_same_group(site: Site) -> None:
    before = await asyncio.to_thread(counts, site)
    present: list[Visitor] = []

    for _ in range(6):
        arriving = asyncio.create_task(visitors(site, "/chanx/shared", 20))
        for guest in present:
            guest.reset()
        present = await arriving
        await asyncio.to_thread(waited_for, site, in_shared_group(20))
        await told(site, present)

    await closed(present)
    await none_left(site, before)


async def test_idle_sockets_get_an_event(site: Site, layer: str) -> None:
    guests = await visitors(site, "/chanx/shared", 20)

    await asyncio.sleep(IDLE_SECONDS[layer])  # which is what the test is about
    await told(site, guests)

    assert [guest.code for guest in guests] == [None] * 20
    await closed(guests)
