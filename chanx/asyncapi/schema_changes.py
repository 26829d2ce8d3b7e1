"""What changed from one schema to another, for clients that were written for the first.

What clients send must still be taken: old ⊆ new. What the server sends must be known: new ⊆ old.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from chanx.asyncapi.changes import Role, Severity, told, word_for
from chanx.asyncapi.schema_atoms import Schema, SchemaReader
from chanx.asyncapi.schema_difference import Difference, DifferenceKind, Path
from chanx.asyncapi.schema_inclusion import Inclusion

_OF_TYPES: Final[frozenset[DifferenceKind]] = frozenset(("type", "variant", "values", "listed"))

_IGNORED: Final[Mapping[DifferenceKind, Mapping[Role, tuple[str, str]]]] = {
    "unexpected": {
        "received": ("field_removed", "is ignored now: the field is gone"),
        "sent": ("field_added", "is a new field"),
    },
    "keys": {
        "received": ("keys", "is still taken with other keys than those that are declared, but they are ignored"),
        "sent": ("keys", "may have other keys now than those that are declared"),
    },
}
"""What readers do not look at, and so no reason to fail: the word for it, and the sentence."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A change at ``path`` in a message."""

    severity: Severity
    path: Path
    what: str
    text: str


class SchemaComparison:
    """Compares the schemas of two documents, for messages of one role."""

    def __init__(self, old: SchemaReader, new: SchemaReader, role: Role) -> None:
        is_sent = role == "sent"
        self._role: Role = role
        self._from, self._to = (new, old) if is_sent else (old, new)
        self._strict = Inclusion(self._from, self._to, is_sent=is_sent)
        self._names = Inclusion(self._from, self._to, is_sent=is_sent, names_matter=True)
        self._back = Inclusion(self._to, self._from, is_sent=is_sent, names_matter=True)

    def changes(self, old: Schema, new: Schema) -> Iterator[SchemaChange]:
        """The breaking ones, then the others; none of those at a place that has a breaking one.

        What is new at such a place is told with it: ``can no longer be text; can also be a whole number now``.
        """
        first, second = (new, old) if self._role == "sent" else (old, new)
        breaking = self._strict.differences(first, second)
        back = self._back.differences(second, first)
        told_of = {difference.path for difference in breaking}
        for difference in breaking:
            change = self._change(difference, "breaking")
            others = [other for other in back if other.path == difference.path and other.kind in _OF_TYPES]
            if others and difference.kind in _OF_TYPES:
                text = "; ".join(told(other, self._role, "compatible") for other in others)
                change = replace(change, text=f"{change.text}; {text}")
            yield change
        for difference in back:
            if difference.path not in told_of:
                yield self._change(difference, "compatible")
        told_of.update(difference.path for difference in back)
        for difference in self._names.differences(first, second):
            if difference.kind in _IGNORED and difference.path not in told_of:
                what, text = _IGNORED[difference.kind][self._role]
                yield SchemaChange("compatible", difference.path, what, text)

    def _change(self, difference: Difference, severity: Severity) -> SchemaChange:
        what, text = word_for(difference, self._role, severity), told(difference, self._role, severity)
        return SchemaChange(severity, difference.path, what, text)
