"""Which tests stay in one process when several run them: those of a file, or those on one stack of nodes.

A stack (tests/integration/signals) takes seconds to start, and most of that room's files have tests on each of them.
"""

import os
import re

import pytest
from xdist.scheduler import LoadFileScheduling

_ON_A_STACK = re.compile(r"^(tests/integration/signals)/.*\[(?:.*-)?((?:redis|rabbitmq)-(?:oldest|newest)(?:-\w+)?)\]$")


def work_unit(nodeid: str) -> str:
    """The name of what ``nodeid`` is run together with."""
    if stack := _ON_A_STACK.match(nodeid):
        return f"{stack[1]}[{stack[2]}]"
    return nodeid.partition("::")[0]


class Scheduling(LoadFileScheduling):
    """``--dist loadfile``, but for tests on stacks."""

    def _split_scope(self, nodeid: str) -> str:
        return work_unit(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For ``-n logical``: one more than there are processors, as many tests wait for servers of their own."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Leaves every other ``--dist`` to pytest-xdist."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None
