"""What the objects of a process are, whose they are, and how large: two of these, before and after, tell the rest.

``sys.getsizeof`` and the garbage collector's own lists, so nothing is switched on that costs memory itself. What only
C code holds (buffers of sockets, of zlib) is not in here.
"""

import asyncio
import gc
import sys
from collections import deque
from types import BuiltinMethodType, CellType, CoroutineType, FunctionType, MethodType
from typing import Any, cast

Census = dict[str, tuple[int, int]]
"""For each kind of object how many there are, and how many bytes."""

_PARTS: tuple[type[Any], ...] = (dict, list, set, frozenset, tuple, deque, CellType)


def census() -> Census:
    """Of the objects that are in use now."""
    gc.collect()
    whole = [found for found in gc.get_objects() if not isinstance(found, _PARTS)]
    counted: dict[str, list[int]] = {}
    seen: set[int] = set()
    for found in whole:
        _count(counted, _name(found), found)
    for found in whole:
        owner = _name(found)
        parts = _parts(found)
        while parts:
            part = parts.pop()
            if id(part) not in seen:
                seen.add(id(part))
                _count(counted, f"{type(part).__name__} of {owner}", part)
                parts += _parts(part)
    return {name: (many, size) for name, (many, size) in counted.items()}


def per_connection(before: Census, after: Census, connections: int) -> dict[str, tuple[float, float]]:
    """For each kind of which every second connection at least has one: how many, and how many bytes, per connection."""
    found: dict[str, tuple[float, float]] = {}
    for name, (many, size) in after.items():
        many_before, size_before = before.get(name, (0, 0))
        if many - many_before >= connections / 2:
            found[name] = ((many - many_before) / connections, (size - size_before) / connections)
    return found


def _count(counted: dict[str, list[int]], name: str, found: Any) -> None:
    entry = counted.setdefault(name, [0, 0])
    entry[0] += 1
    entry[1] += _size(found)


def _size(found: Any) -> int:
    size = sys.getsizeof(found)
    # The values of attributes that are in no dict (yet) count nowhere else.
    if type(found).__dictoffset__ and not isinstance(found, type | FunctionType):
        referents = gc.get_referents(found)
        if not any(type(referent) is dict for referent in referents):
            size += 8 * len(referents)
    return size


def _parts(found: Any) -> list[Any]:
    """What belongs to an object and is nothing of its own: containers, and what the collector does not look at."""
    return [part for part in gc.get_referents(found) if isinstance(part, _PARTS) or not gc.is_tracked(part)]


def _name(found: Any) -> str:
    kind = cast("Any", type(found))
    if isinstance(found, asyncio.Task):
        return f"Task of {_name(found.get_coro())}"
    if issubclass(kind, CoroutineType | FunctionType | MethodType | BuiltinMethodType):
        return f"{kind.__name__} {found.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__}"
