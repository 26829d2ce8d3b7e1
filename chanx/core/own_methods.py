"""Telling whether methods are still chanx's own; asked when they matter, as tests and tracing replace them."""

from collections.abc import Collection
from types import FunctionType


def is_replaced(method: object, own: object) -> bool:
    """Whether a bound method is another than ``own``: of a subclass, of the instance, or put there by somebody."""
    return getattr(method, "__func__", None) is not own


def has_own(cls: type, names: Collection[str]) -> bool:
    """Whether a class has all of these methods from ``chanx.core``."""
    return all(is_own(getattr(cls, name, None)) for name in names)


def is_own(method: object) -> bool:
    """Whether a method is a function of ``chanx.core``.

    Not by its ``__module__``, which ``functools.wraps`` and mocks copy.
    """
    if type(method) is not FunctionType:
        return False
    module = method.__globals__.get("__name__")
    return isinstance(module, str) and module.startswith("chanx.core.")


def replaces(owner: object, names: Collection[str]) -> bool:
    """Whether an instance has something of its own in the place of one of these methods."""
    return not vars(owner).keys().isdisjoint(names)
