"""The schemas of many types brought together: each class once in each form that it has on the wire.

type ─> WireSchema ─> Forms.add() ─> Form: a class, what its schema says, and the forms it refers to
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from chanx.core.field_names import Direction
from chanx.core.schema_walk import JsonSchema, references, rereferenced
from chanx.core.wire_schema import LOCAL, WireSchema, class_of

Usage: TypeAlias = tuple[Direction, bool]
"""What a form is used for: its direction, and whether its names are camelCase."""

_NAMELESS: Final = "Model"
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(slots=True, eq=False)
class Form:
    """One class as it is on the wire in one direction. ``schema`` refers by ``#/$defs/<key>`` to ``parts[key]``.

    ``cls`` is the same text for the same class. ``owner``: the name of the consumer that used it first.
    """

    cls: str
    owner: str
    schema: JsonSchema
    parts: dict[str, "Form"] = field(default_factory=dict[str, "Form"], repr=False)
    usages: set[Usage] = field(default_factory=set[Usage])

    @property
    def class_name(self) -> str:
        """The class's name in the letters that a component's key may have: ``Page[Item]`` is ``PageItem``."""
        return plain_class_name(self.cls)


class Forms:
    """The forms of the types that were added, in the order of their first use."""

    def __init__(self) -> None:
        self._forms: dict[tuple[str, str], Form] = {}

    def __iter__(self) -> Iterator[Form]:
        return iter(self._forms.values())

    def add(self, schema: WireSchema, usage: Usage, owner: str, key: str) -> Form:
        """The form of the class ``key`` of a schema; with it go those that it refers to."""
        forms: dict[str, Form] = {}
        for part in _reachable(schema, key):
            cls, content = class_of(part), schema.definitions[part]
            form = self._forms.setdefault((cls, _fingerprint(schema, part)), Form(cls, owner, content))
            form.usages.add(usage)
            forms[part] = form
        for form in forms.values():
            if not form.parts:
                form.parts.update({part: forms[part] for part in _parts_of(schema, form.schema)})
        return forms[key]

    def named(self) -> dict[str, Form]:
        """Each form by a name of its own: that of its class, where another has that already with its owner's before it.

        What the server sends of a class that it takes in another form has ``Output`` behind its name.
        """
        names: dict[str, Form] = {}
        for form in self:
            name = form.class_name + ("Output" if self._is_other_output(form) else "")
            names[unique_name(names, (name, form.owner + name))] = form
        return names

    def _is_other_output(self, form: Form) -> bool:
        taken = {("in", camelize) for _, camelize in form.usages}
        if taken & form.usages:
            return False
        return any(other.cls == form.cls and other is not form and other.usages & taken for other in self)


def unique_name(taken: Iterable[str], candidates: Iterable[str], joint: str = "") -> str:
    """The first of the candidates that is not taken, else the last one with the lowest number that is free, from 2."""
    names = set(taken)
    last = ""
    for last in candidates:
        if last not in names:
            return last
    number = 2
    while f"{last}{joint}{number}" in names:
        number += 1
    return f"{last}{joint}{number}"


def plain_class_name(cls: str) -> str:
    """The name of a class without its modules, ids, brackets, and letters that a component's key cannot have."""
    parts = re.split(r"[\[\],]", re.sub(r":\d+", "", cls))
    words = ["".join(_WORD.findall(part.rsplit(".", 1)[-1])) for part in parts]
    first, *others = [word for word in words if word] or [_NAMELESS]
    return first + "".join(other[:1].upper() + other[1:] for other in others)


def _parts_of(schema: WireSchema, content: JsonSchema) -> list[str]:
    targets = (target.removeprefix(LOCAL) for target in references(content) if target.startswith(LOCAL))
    return [target for target in dict.fromkeys(targets) if target in schema.definitions]


def _reachable(schema: WireSchema, key: str) -> list[str]:
    """The keys of all classes that one leads to: itself first."""
    found = {key: None}
    waiting = [key]
    while waiting:
        for part in _parts_of(schema, schema.definitions[waiting.pop(0)]):
            if part not in found:
                found[part] = None
                waiting.append(part)
    return list(found)


def _fingerprint(schema: WireSchema, key: str) -> str:
    """The same for two schemas of a class that say the same, down to the last class they lead to."""

    def target(reference: str) -> str:
        return LOCAL + class_of(reference.removeprefix(LOCAL)) if reference.startswith(LOCAL) else reference

    contents: dict[str, Any] = {}
    for part in _reachable(schema, key):
        contents[part] = rereferenced(schema.definitions[part], target)
    whole = [contents.pop(key), sorted((class_of(part), json.dumps(content)) for part, content in contents.items())]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()
