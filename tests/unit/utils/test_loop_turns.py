"""Turns on an event loop: everybody in order, and time for everything else in between."""

import asyncio

from chanx.utils.loop_turns import LoopTurns


async def test_everybody_has_one_turn_after_the_other() -> None:
    # Given three tasks with three portions of work each
    turns = LoopTurns()
    done: list[str] = []

    async def work(name: str) -> None:
        for _ in range(3):
            await turns.next()
            done.append(name)

    # When
    await asyncio.gather(*map(work, "abc"))

    # Then
    assert done == list("abc" * 3)


async def test_the_loop_goes_round_once_for_each_turn() -> None:
    # Given 50 tasks with work, and something else that the loop has to do each time it goes round
    turns = LoopTurns()
    rounds = 0
    between: list[int] = []

    async def work() -> None:
        await turns.next()
        between.append(rounds)

    tasks = [asyncio.create_task(work()) for _ in range(50)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        rounds += 1

    # Then no two of the tasks had their turn in the same round
    assert len(set(between)) == 50


async def test_who_is_cancelled_takes_nobody_s_turn() -> None:
    turns = LoopTurns()
    first, second = asyncio.create_task(turns.next()), asyncio.create_task(turns.next())
    await asyncio.sleep(0)

    first.cancel()

    await asyncio.wait_for(second, 30)
    await asyncio.wait_for(turns.next(), 30)
