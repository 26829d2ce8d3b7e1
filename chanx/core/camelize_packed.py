"""A rename plan as text, which a broadcast takes along for the members that do not know its type.

The text is a JSON array of nodes, the plan of the whole message first; a node names others by their index, so that a
plan may contain itself: ``[["fields", {"user_name": "userName"}, {"payload": 1}], ["items", [2], true], …]``.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, TypeAlias

from chanx.core.camelize_plan import Choice, Fields, Items, Plan, Reference, TaggedChoice, Values

Node: TypeAlias = list[Any]


def packed(plan: Plan) -> str | None:
    """A plan as text; None if it renames nothing."""
    packer = _Packer()
    packer.index(plan)
    renames = any(node is not None and node[0] == "fields" and node[1] for node in packer.nodes)
    return json.dumps(packer.nodes, separators=(",", ":")) if renames else None


@lru_cache(maxsize=4096)
def unpacked(text: str) -> Plan:
    """The plan that was packed."""
    nodes: list[Node | None] = json.loads(text)
    plans: list[Plan | None] = []
    plans.extend(None if node is None else _plan(node, plans) for node in nodes)
    root = plans[0]
    if root is None:
        raise ValueError("A packed plan begins with the plan of the whole message.")
    return root


class _Packer:
    """Puts plans into ``nodes``, each once; what renames nothing gets no index."""

    def __init__(self) -> None:
        self.nodes: list[Node | None] = []
        self._indexes: dict[tuple[int, bool], int | None] = {}

    def index(self, plan: Plan | None, *, is_option: bool = False) -> int | None:
        """Where a plan is; as an option of a choice it is also there if it only tells what it fits."""
        if isinstance(plan, Choice) and len(plan.options) == 1:
            plan = plan.options[0]
        if plan is None:
            return None
        key = (id(plan), is_option)
        if key not in self._indexes:
            place = self._indexes[key] = len(self.nodes)
            self.nodes.append(None)
            self.nodes[place] = node = self._node(plan, is_option)
            if node is None:
                self._indexes[key] = None
        return self._indexes[key]

    def _node(self, plan: Plan, is_option: bool) -> Node | None:
        match plan:
            case Fields(names, children, required, known, literals):
                inner = {key: index for key, child in children.items() if (index := self.index(child)) is not None}
                if is_option:
                    return ["fields", dict(names), inner, required, sorted(known), dict(literals)]
                return ["fields", dict(names), inner] if names or inner else None
            case Items(plans, repeats):
                items = [self.index(item) for item in plans]
                return ["items", items, repeats] if is_option or any(item is not None for item in items) else None
            case Values(values):
                value = self.index(values)
                return ["values", value] if is_option or value is not None else None
            case Choice():
                return ["choice", [self.index(option, is_option=True) for option in plan.options]]
            case TaggedChoice(keys, plans):
                tags = [[tag, self.index(inner, is_option=is_option)] for tag, inner in plans.items()]
                return ["tagged", list(keys), tags]
            case _:
                raise TypeError(f"{type(plan).__name__} is no plan that can be packed.")


def _plan(node: Node, plans: Sequence[Plan | None]) -> Plan:
    def at(index: int | None) -> Plan | None:
        return None if index is None else Reference(partial(plans.__getitem__, index))

    match node:
        case ["fields", names, children]:
            return Fields(names, _present(children, plans), (), frozenset(), {})
        case ["fields", names, children, required, known, literals]:
            return Fields(names, _present(children, plans), required, frozenset(known), literals)
        case ["items", items, repeats]:
            return Items([at(index) for index in items], repeats)
        case ["values", index]:
            return Values(at(index))
        case ["choice", options]:
            return Choice([plan for index in options if (plan := at(index)) is not None])
        case ["tagged", keys, tags]:
            return TaggedChoice(keys, {tag: at(index) for tag, index in tags})
        case _:
            raise ValueError(f"There is no plan {node[0]!r}.")


def _present(children: Mapping[str, int], plans: Sequence[Plan | None]) -> dict[str, Plan]:
    return {key: Reference(partial(plans.__getitem__, index)) for key, index in children.items()}
