"""Random canvases: every execution belongs to the job, and the job ends once, after the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

from celery import chain, chord, group
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import on_redis
from tests.integration.signals.workflow import Workflow

# The kind of a canvas, and what is inside of it.
Tree = tuple[str, tuple[Any, ...]]

LEAVES = st.sampled_from(["step", "retrying", "nesting", "linked", "replaced"]).map(lambda kind: (kind, ()))


def canvases(inside: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    several = st.lists(inside, min_size=2, max_size=3).map(tuple)
    return st.tuples(st.sampled_from(["chain", "group", "chord"]), several)


TREES = st.recursive(LEAVES, canvases, max_leaves=8)


def built(flow: Workflow, tree: Tree, numbers: Iterator[int]) -> Any:
    """The tree as a canvas, each of whose steps has a label of its own."""
    kind, inside = tree
    members = [built(flow, member, numbers) for member in inside]
    label = f"{next(numbers)} "
    match kind:
        case "chain":
            return chain(*members)
        case "group":
            return group(*members)
        case "chord":
            return chord(members, flow.step(f"{label}body"))
        case "retrying":
            return flow.retrying(label)
        case "nesting":
            return flow.nesting(label, f"{label}nested 1", f"{label}nested 2")
        case "linked":
            return flow.linked(label, flow.step(f"{label}callback"))
        case "replaced":
            return flow.replaced(label, chain(flow.step(f"{label}first"), flow.step(f"{label}last")))
        case _:
            return flow.step(label)


@on_redis
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_canvas(jobs: Jobs, tree: Tree) -> None:
    # Given
    flow = Workflow(uuid4().hex)
    canvas = built(flow, tree, count())

    # When
    log = jobs.run(canvas)

    # Then (by itself, Celery runs once per member what follows two groups in a chain)
    assert log.terminal["action"] == "job_succeeded"
    assert jobs.executions(flow.key, log.snapshot.job_id) >= flow.labels
