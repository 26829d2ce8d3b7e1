"""Which tests stay in one process."""

import pytest

from tests.distribution import work_unit
from tests.integration.signals import stacks

SIGNALS = "tests/integration/signals"
STACKS = [
    str(stack) for mark in vars(stacks).values() if isinstance(mark, pytest.MarkDecorator) for stack in mark.args[1]
]


def test_the_tests_of_a_file_stay_together() -> None:
    """Given tests of a file, with parameters and without, when they are given out, then as one."""
    file = "tests/contract/test_job_store.py"

    assert work_unit(f"{file}::test_a") == work_unit(f"{file}::TestB::test_c[redis-newest]") == file


@pytest.mark.parametrize("stack", STACKS)
def test_the_tests_on_a_stack_stay_together(stack: str) -> None:
    """Given tests on a stack in several files, when they are given out, then as one that has no other stack's."""
    names = [f"test_canvas.py::test_a[{stack}]", f"test_task_ends.py::test_success[add-{stack}]"]

    units = {work_unit(f"{SIGNALS}/{name}") for name in names}

    assert units == {f"{SIGNALS}[{stack}]"}
