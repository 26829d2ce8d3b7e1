"""What is done to the running stack, in the middle of a job."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from tests.faults.fault_stack import FaultStack

CUT_SECONDS: Final = 2.0
DOWN_SECONDS: Final = 1.0

Fault: TypeAlias = Callable[[FaultStack], Awaitable[None]]


async def nothing(stack: FaultStack) -> None:
    """Only the slow client, and the one that reconnects."""


async def child_killed(stack: FaultStack) -> None:
    """SIGKILL of the process that runs the job."""
    stack.kill_child()


async def worker_killed(stack: FaultStack) -> None:
    """SIGKILL of the whole worker; no other worker runs."""
    stack.kill_worker()


async def worker_stopped(stack: FaultStack) -> None:
    """SIGSTOP to the whole worker; no other worker runs."""
    stack.suspend_worker()


async def redis_and_site_killed(stack: FaultStack) -> None:
    """Both at once: the clients find another Daphne, which finds no server yet."""
    stack.sites[0].kill()
    await redis_killed(stack)


async def site_killed(stack: FaultStack) -> None:
    """SIGKILL of the Daphne that all clients are connected to; they find another."""
    stack.sites[0].kill()


async def redis_killed(stack: FaultStack) -> None:
    """SIGKILL of the server, which comes back after a second with what it had acknowledged."""
    stack.server.kill()
    await asyncio.sleep(DOWN_SECONDS)
    stack.server.start()


async def network_cut(stack: FaultStack) -> None:
    """For two seconds nothing gets through between the server and everybody else."""
    lines = (stack.worker_line, stack.site_line)
    for line in lines:
        line.mute = True
        line.cut()
    await asyncio.sleep(CUT_SECONDS)
    for line in lines:
        line.mute = False
        line.cut()


FAULTS: Final[dict[str, tuple[Fault, str]]] = {
    "nothing": (nothing, "job_succeeded"),
    "child killed": (child_killed, "job_failed"),
    "worker killed": (worker_killed, "job_failed"),
    "worker stopped": (worker_stopped, "job_failed"),
    "site killed": (site_killed, "job_succeeded"),
    "redis killed": (redis_killed, "job_succeeded"),
    "redis and site": (redis_and_site_killed, "job_succeeded"),
    "network cut": (network_cut, "job_succeeded"),
}
"""By name: what is done, and how the job ends."""
