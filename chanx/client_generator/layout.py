"""Python expressions as trees that are laid out on one line, or on several, as ruff and Black have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from chanx.client_generator.python.text import LINE_LENGTH

_INDENT = " " * 4


@dataclass(frozen=True, slots=True)
class Group:
    """``start``, items with commas between, ``end``: a call, a subscript, a list."""

    start: str
    items: tuple[Node, ...]
    end: str


@dataclass(frozen=True, slots=True)
class Alternatives:
    """``A | B``."""

    options: tuple[Node, ...]


Node: TypeAlias = str | Group | Alternatives


def flat(node: Node) -> str:
    """The expression on one line."""
    if isinstance(node, Group):
        return node.start + ", ".join(map(flat, node.items)) + node.end
    if isinstance(node, Alternatives):
        return " | ".join(map(flat, node.options))
    return node


def assignment(name: str, annotation: Node, value: Node | None, *, indent: int = 0) -> str:
    """``name: annotation = value``, indented, on as many lines as it needs."""
    start = f"{_INDENT * indent}{name}: "
    end = "" if value is None else f" = {flat(value)}"
    whole = start + flat(annotation) + end
    if len(whole) <= LINE_LENGTH:
        return whole
    if isinstance(value, Group) and len(start + flat(annotation) + " = " + value.start) <= LINE_LENGTH:
        return f"{start}{flat(annotation)} = {laid_out(value, indent)}"
    # What is in no brackets is put into some, so that it can be on several lines.
    bracketed = Group("(", (annotation,), ")") if isinstance(annotation, Alternatives) else annotation
    return start + laid_out(bracketed, indent) + end


def laid_out(node: Node, indent: int) -> str:
    """The expression with its outermost brackets on lines of their own. What is inside them is so only if it has to."""
    if isinstance(node, str):
        return node
    inner = _INDENT * (indent + 1)
    if isinstance(node, Alternatives):
        return f"\n{_INDENT * indent}| ".join(_fitting(option, indent) for option in node.options)
    # After a single item in brackets a comma would make a tuple of it.
    comma = "" if (len(node.items) == 1 and not node.start.endswith(("(", "{"))) or node.start == "(" else ","
    lines = [f"{inner}{_fitting(item, indent + 1)}" for item in node.items]
    return node.start + "\n" + ",\n".join(lines) + comma + f"\n{_INDENT * indent}{node.end}"


def _fitting(node: Node, indent: int) -> str:
    is_short = len(_INDENT * indent + flat(node)) < LINE_LENGTH
    return flat(node) if is_short else laid_out(node, indent)
