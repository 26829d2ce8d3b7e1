"""Reading a canvas: its tasks, its final ones, and that Celery keeps their ids."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, chain, chord, group, signals

from chanx.bridge.canvas import canvas_of
from chanx.errors import ConfigurationError


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("canvas", broker="memory://", backend="cache+memory://", set_as_current=False)
    yield made
    made.close()


@pytest.fixture
def t(app: Celery) -> Any:
    def work(n: int = 0) -> int:
        return n

    task: Any = app.task(shared=False, name="t")
    return task(work)


CANVASES: dict[str, tuple[Callable[[Any], Any], int, list[int]]] = {
    "task": (lambda t: t.s(1), 1, [0]),
    "chain of one": (lambda t: chain(t.s(1)), 1, [0]),
    "chain": (lambda t: chain(t.s(1), t.s(), t.s()), 3, [2]),
    "group": (lambda t: group(t.s(1), t.s(2)), 2, [0, 1]),
    "generated group": (lambda t: group(t.s(n) for n in range(3)), 3, [0, 1, 2]),
    "group of groups": (lambda t: group(t.s(1), group(t.s(2), t.s(3))), 3, [0, 1, 2]),
    "chord": (lambda t: chord([t.s(1), t.s(2)], t.s()), 3, [2]),
    "chord with a chain": (lambda t: chord([t.s(1), t.s(2)], chain(t.s(), t.s())), 4, [3]),
    "chord with a group": (lambda t: chord([t.s(1), t.s(2)], group(t.s(), t.s())), 4, [2, 3]),
    "group in a chain": (lambda t: chain(t.s(1), group(t.s(), t.s()), t.s()), 4, [3]),
    "chain that ends in a group": (lambda t: chain(t.s(1), group(t.s(), t.s())), 3, [1, 2]),
    "group of chains": (lambda t: group(chain(t.s(1), t.s()), t.s(2)), 3, [1, 2]),
    "chunks": (lambda t: t.chunks([(1,), (2,), (3,)], 2), 2, [0, 1]),
}


@pytest.mark.parametrize("name", CANVASES)
def test_its_tasks_in_order_and_the_final_ones(t: Any, name: str) -> None:
    make, count, finals = CANVASES[name]

    canvas = canvas_of(make(t))

    assert len(canvas.tasks) == count
    assert [index for index, is_final in enumerate(canvas.tasks.values()) if is_final] == finals
    assert canvas.name == ("celery.starmap" if name == "chunks" else "t")


@pytest.mark.parametrize("name", CANVASES)
def test_what_is_published_has_these_ids(app: Celery, t: Any, name: str) -> None:
    published: list[str] = []

    def note(headers: dict[str, Any], body: Any, **_: Any) -> None:
        published.append(headers["id"])
        published.extend(step["options"]["task_id"] for step in reversed(body[2]["chain"] or []) if "tasks" not in step)

    canvas = canvas_of(CANVASES[name][0](t))
    signals.before_task_publish.connect(note, weak=False)
    try:
        result = canvas.signature.apply_async()
    finally:
        signals.before_task_publish.disconnect(note)

    known = [task_id for task_id in published if task_id in canvas.tasks]
    assert known
    assert published[0] in canvas.tasks
    if len(canvas.tasks) > 1 and name != "chain that ends in a group":
        assert result.id == canvas.result_id or name == "chord with a group"


def test_the_caller_s_signature_is_left_as_it_is(t: Any) -> None:
    signature = chain(t.s(1), group(t.s(), t.s()), t.s())
    before = repr(dict(signature))

    canvas_of(signature)

    assert repr(dict(signature)) == before


def test_an_id_of_one_s_own_is_kept(t: Any) -> None:
    assert canvas_of(t.s(1).set(task_id="mine")).result_id == "mine"


@pytest.mark.parametrize("name", ["chain", "chord"])
def test_an_id_of_the_whole_is_no_other_id_of_its_last_task(t: Any, name: str) -> None:
    canvas = canvas_of(CANVASES[name][0](t).set(task_id="mine"))

    assert canvas.signature.apply_async().id == canvas.result_id


def test_an_empty_canvas_is_refused(app: Celery) -> None:
    with pytest.raises(ConfigurationError, match="at least one task"):
        canvas_of(group([], app=app))
