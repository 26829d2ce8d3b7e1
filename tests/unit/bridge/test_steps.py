"""Steps: each fills its part of the bar, and the bar is that of the whole."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.events import JobCancelledEvent
from chanx.bridge.worker.job import Job
from tests.unit.bridge.doubles import Bench, Clock
from tests.unit.bridge.manual_timer import ManualTimer


class Bar(Bench):
    """Every report is sent here, as the clock moves on by a second whenever somebody looks at it."""

    def __init__(self) -> None:
        super().__init__()
        clock = Clock()

        def ticking() -> float:
            clock.now += 1
            return clock.now

        self.job = Job(self.reporter, clock=ticking, timer=ManualTimer(clock))

    def told(self, *fields: str) -> list[Any]:
        payloads = [event["payload"] for event in self.published("job_progress")]
        return [
            tuple(payload[field] for field in fields) if len(fields) > 1 else payload[fields[0]] for payload in payloads
        ]


@pytest.fixture
def bar() -> Bar:
    return Bar()


@pytest.fixture
def job(bar: Bar) -> Job:
    return bar.job


def test_the_bar_is_the_weighted_whole(bar: Bar, job: Job) -> None:
    # When
    job.steps(load=1, render=3)
    with job.step("load"):
        job.progress(5, 10)
    with job.step("render") as step:
        step.progress(1, 3, "pages", unit="pages")

    # Then
    assert bar.told("fraction", "step", "current", "total") == [
        (0, [], 0, 4),
        (0, ["load"], 0, None),
        (0.125, ["load"], 5, 10),
        (0.25, [], 1, 4),
        (0.25, ["render"], 0, None),
        (0.5, ["render"], 1, 3),
        (1, [], 4, 4),
    ]
    assert bar.fields()["job_progress"]["fraction"] == 1


def test_weights_can_be_given_at_the_steps_themselves(bar: Bar, job: Job) -> None:
    job.steps(4)
    with job.step("load"):
        pass
    with job.step("render", weight=3):
        job.progress(1, 2)

    assert bar.told("fraction") == [0, 0, 0.25, 0.25, 0.625, 1]


def test_steps_nest(bar: Bar, job: Job) -> None:
    job.steps(load=1, render=1)
    with job.step("load"):
        pass
    with job.step("render") as render:
        render.steps(pages=3, index=1)
        with render.step("pages"):
            job.progress(1, 2)
        with render.step("index"):
            job.progress(1, 2)

    assert bar.told("fraction", "step")[3:] == [
        (0.5, ["render"]),
        (0.5, ["render"]),
        (0.5, ["render", "pages"]),
        (0.6875, ["render", "pages"]),
        (0.875, ["render"]),
        (0.875, ["render", "index"]),
        (0.9375, ["render", "index"]),
        (1, ["render"]),
        (1, []),
    ]


def test_an_exception_leaves_the_bar_where_it_was(bar: Bar, job: Job) -> None:
    # Given
    job.steps(load=1, render=1)
    with pytest.raises(KeyError), job.step("load"):
        fail(job)

    # Then
    assert bar.told("fraction") == [0, 0, 0.25]

    # And the next step goes on from there
    with job.step("render"):
        job.progress(1, 2)
    assert bar.told("fraction")[3:] == [0.25, 0.5, 0.75]


def fail(job: Job) -> None:
    job.progress(1, 2)
    raise KeyError


def test_tracking_inside_a_step_is_relative_to_it(bar: Bar, job: Job) -> None:
    job.steps(load=1, render=1)
    with job.step("load") as step:
        for _ in step.track("ab"):
            pass

    assert bar.told("fraction") == [0, 0, 0, 0.25, 0.5, 0.5, 0.5]


def test_a_step_inside_of_a_loop_is_one_item_of_it(bar: Bar, job: Job) -> None:
    for name in job.track(["a", "b"], message="files"):
        with job.step(name):
            job.progress(1, 2)

    assert bar.told("fraction", "step", "message") == [
        (0, [], "files"),
        (0, ["a"], None),
        (0.25, ["a"], None),
        (0.5, [], "files"),
        (0.5, [], "files"),
        (0.5, ["b"], None),
        (0.75, ["b"], None),
        (1, [], "files"),
    ]


def test_a_step_that_was_not_declared_has_no_known_part_of_the_bar(bar: Bar, job: Job) -> None:
    # When nothing else is known of the bar
    with job.step("load"):
        job.progress(5, 10, "rows")
    # And when it stands somewhere
    job.progress(30, 100, unit="bytes")
    with job.step("check"):
        job.progress(1, 2)

    # Then
    assert bar.told("fraction", "step", "current") == [
        (None, ["load"], 0),
        (None, ["load"], 5),
        (None, [], 1),
        (0.3, [], 30),
        (0.3, ["check"], 0),
        (0.3, ["check"], 1),
        (0.3, [], 30),
    ]


def test_inside_of_a_step_the_bar_waits_for_what_was_not_declared(bar: Bar, job: Job) -> None:
    job.steps(load=1, render=1)
    with job.step("load"):
        pass
    with job.step("render"), job.step("something"):
        job.progress(1, 2)

    assert bar.told("fraction") == [0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 1]


def test_the_rate_is_the_step_s_own_and_the_time_to_go_the_whole_task_s(bench_clock: Clock) -> None:
    # Given steps that take 10 s each
    bench = Bench()
    job = Job(bench.reporter, clock=bench_clock, timer=ManualTimer(bench_clock))
    job.steps(load=1, render=1)
    for name, size in (("load", 100), ("render", 1000)):
        with job.step(name):
            for i in range(10):
                job.progress(i * size / 10, size)
                bench_clock.now += 1
        if name == "load":
            continue

    # Then
    last = [event["payload"] for event in bench.published("job_progress") if event["payload"]["step"] == ["render"]][-1]
    assert last["rate"] == pytest.approx(100)
    assert last["eta"] == pytest.approx(1, rel=0.2)


@pytest.fixture
def bench_clock() -> Clock:
    return Clock()


@pytest.mark.parametrize(
    ("total", "weights"), [(None, {}), (4, {"a": 1}), (0, {}), (-1, {}), (float("nan"), {}), (None, {"a": 0})]
)
def test_a_plan_that_makes_no_sense(job: Job, total: Any, weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"steps\(load=1, render=3\)|positive number"):
        job.steps(total, **weights)


def test_a_step_that_is_not_in_the_plan(job: Job) -> None:
    job.steps(load=1, render=3)

    with pytest.raises(ValueError, match=r"no step 'rendering' in the plan \(load, render\)"), job.step("rendering"):
        pass


@pytest.mark.parametrize("weight", [0, -1, float("inf")])
def test_a_weight_that_makes_no_sense(job: Job, weight: float) -> None:
    with pytest.raises(ValueError, match="positive number"), job.step("load", weight=weight):
        pass


def test_an_odd_or_long_name_can_be_sent(bar: Bar, job: Job) -> None:
    with job.step("a\udcff" + "x" * 300_000):
        pass
    job.finish(JobCancelledEvent())

    assert bar.told("step")[0] == ["a\\udcff" + "x" * 198]


Tree = st.recursive(
    st.floats(min_value=0, max_value=1),
    lambda inner: st.lists(st.tuples(st.sampled_from([0.5, 1, 2, 3]), st.booleans(), inner), min_size=1, max_size=4),
    max_leaves=12,
)


@given(tree=Tree)
def test_whatever_the_steps_the_bar_never_goes_back_and_ends_where_the_work_does(tree: Any) -> None:
    # Given steps in steps, some of which fail
    bar = Bar()
    failed = False

    def walk(node: Any) -> None:
        nonlocal failed
        if isinstance(node, float):
            bar.job.progress(node, 1)
            return
        bar.job.steps(sum(weight for weight, _, _ in node))
        for weight, fails, inner in node:
            try:
                with bar.job.step("s", weight=weight):
                    walk(inner)
                    if fails:
                        raise KeyError
            except KeyError:
                failed = True

    # When
    walk(tree)

    # Then
    fractions = bar.told("fraction")
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(fractions))
    assert all(0 <= fraction <= 1 for fraction in fractions)
    if not failed and not isinstance(tree, float):
        assert fractions[-1] == pytest.approx(1)
