"""What changed from one schema to another, for clients that were written for the first.

What clients send must still be taken: old ⊆ new. What the server sends must be known: new ⊆ old.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chanx.asyncapi.changes import Role, Severity, told, word_for
from chanx.asyncapi.schema_atoms import Schema, SchemaReader
from chanx.asyncapi.schema_difference import Difference, Path
from chanx.asyncapi.schema_inclusion import Inclusion


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
        """The breaking ones, then the others; none of those at a place that has a breaking one."""
        first, second = (new, old) if self._role == "sent" else (old, new)
        breaking = self._strict.differences(first, second)
        for difference in breaking:
            yield self._change(difference, "breaking")
        told_of = {difference.path for difference in breaking}
        for difference in self._back.differences(second, first):
            if difference.path not in told_of:
                told_of.add(difference.path)
                yield self._change(difference, "compatible")
        for difference in self._names.differences(first, second):
            if difference.kind == "unexpected" and difference.path not in told_of:
                text = "is ignored now: the field is gone" if self._role == "received" else "is a new field"
                what = "field_removed" if self._role == "received" else "field_added"
                yield SchemaChange("compatible", difference.path, what, text)

    def _change(self, difference: Difference, severity: Severity) -> SchemaChange:
        what, text = word_for(difference, self._role, severity), told(difference, self._role, severity)
        return SchemaChange(severity, difference.path, what, text)
