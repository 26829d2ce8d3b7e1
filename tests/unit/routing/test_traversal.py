"""Looking through middleware."""

from types import SimpleNamespace
from typing import Any

import pytest

from chanx.routing.traversal import traverse_middleware_stack


@pytest.mark.parametrize("attribute", ["inner", "app", "application"])
def test_what_a_middleware_wraps_is_found(attribute: str) -> None:
    innermost = object()
    middle = SimpleNamespace(**{attribute: innermost})
    outer = SimpleNamespace(inner=None, app=middle)
    assert list(traverse_middleware_stack(outer)) == [outer, middle, innermost]


def test_nothing_is_looked_at_twice() -> None:
    one: Any = SimpleNamespace()
    one.app = SimpleNamespace(inner=one)
    assert list(traverse_middleware_stack(one)) == [one, one.app]
    assert list(traverse_middleware_stack(None)) == []
