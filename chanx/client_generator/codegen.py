"""Declarations as a module of Pydantic models.

declarations ─> in_order() ─> one class or alias each ─> text
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from chanx.client_generator.annotations import Annotations, alternatives
from chanx.client_generator.declaration_order import in_order
from chanx.client_generator.declarations import (
    MISSING,
    Declaration,
    EnumDeclaration,
    Literals,
    ObjectDeclaration,
    Property,
    Scalar,
)
from chanx.client_generator.defaults import Defaults, is_model
from chanx.client_generator.field_names import field_names
from chanx.client_generator.layout import Group, Node, assignment, flat
from chanx.client_generator.python.imports import Imports
from chanx.client_generator.python.text import docstring, literal
from chanx.client_generator.references import discriminators_in, types_in

BASE: Final = "chanx.client_generator.base"

_FUTURE: Final = "from __future__ import annotations"
_LONGEST_LINE: Final = 120
_NULL: Final = Scalar("null")


def generate_pydantic_code(
    declarations: Sequence[Declaration],
    *,
    introduction: Sequence[str | None] = (),
    base: str = BASE,
    messages: Collection[str] = (),
    imported: Mapping[str, str] | None = None,
    known: Iterable[Declaration] = (),
) -> str:
    """The text of a module with a Pydantic model, or an alias, for each declaration: the same text for the same input.

    ``introduction``: paragraphs of its docstring. ``base``: the module of ``ProtocolModel`` and ``ProtocolMessage``,
    which the declarations in ``messages`` extend. ``imported``: declarations that are in other modules, with these;
    ``known`` has those.
    """
    return _Module(declarations, base, messages, imported or {}, known).text(introduction)


class _Module:
    def __init__(
        self,
        declarations: Sequence[Declaration],
        base: str,
        messages: Collection[str],
        imported: Mapping[str, str],
        known: Iterable[Declaration],
    ) -> None:
        self._own = declarations
        self._all = {one.name: one for one in (*known, *declarations)}
        self._base = base
        self._messages = messages
        self._imported = imported
        self._tags = {key for one in self._all.values() for type_ in types_in(one) for key in discriminators_in(type_)}
        types = {*imported, *(one.name for one in declarations)}
        objects = [one for one in self._all.values() if isinstance(one, ObjectDeclaration)]
        self._fields = {one.name: field_names(one, types) for one in objects}
        own_fields = [name for one in declarations for name in self._fields.get(one.name, {}).values()]
        # A field hides what is imported under its name from the annotations below it.
        self._imports = Imports({*(one.name for one in declarations), *own_fields})
        self._annotations = Annotations(
            self._imports, self._refer, self._all, lambda declaration, key: self._fields[declaration][key]
        )
        self._defaults = Defaults(self._annotations, self._all)

    def text(self, introduction: Sequence[str | None]) -> str:
        blocks: list[str] = []
        for group in in_order(self._own):
            for one in group.declarations:
                blocks.append(self._declaration(one, group.is_recursive_alias(one.name)))
            if rebuilt := [f"{name}.model_rebuild()" for name in group.incomplete]:
                blocks.append("\n".join(rebuilt))
        about = docstring(*introduction)
        start = f"{about}\n\n{_FUTURE}\n\n" if about else f"{_FUTURE}\n\n"
        whole = "".join(f"\n\n\n{block}" for block in blocks) + "\n" if blocks else ""
        after_imports = whole if whole.startswith("\n\n\nclass ") else whole.removeprefix("\n")
        return _linted(f"{start}{self._imports}".rstrip() + (after_imports or "\n"))

    def _refer(self, name: str) -> str:
        module = self._imported.get(name)
        return name if module is None else self._imports.add(module, name)

    def _declaration(self, declaration: Declaration, is_recursive_alias: bool) -> str:
        if isinstance(declaration, ObjectDeclaration):
            return self._model(declaration)
        type_ = Literals(declaration.values) if isinstance(declaration, EnumDeclaration) else declaration.type
        annotation = self._annotations.of(type_)
        if is_recursive_alias:
            make = self._imports.add("typing_extensions", "TypeAliasType")
            items = (literal(declaration.name), literal(flat(annotation)))
            text = f"{declaration.name} = {flat(Group(f'{make}(', items, ')'))}"
        else:
            text = assignment(declaration.name, self._imports.add("typing", "TypeAlias"), annotation)
        return f"{text}\n{docstring(declaration.description)}".rstrip()

    def _model(self, declaration: ObjectDeclaration) -> str:
        kind = "ProtocolMessage" if declaration.name in self._messages else "ProtocolModel"
        lines = [f"class {declaration.name}({self._imports.add(self._base, kind)}):"]
        if about := docstring(declaration.description, indent=1):
            lines.append(f"    {about}\n")
        if declaration.extra is not None:
            lines.append(f'    model_config = {self._imports.add("pydantic", "ConfigDict")}(extra="allow")\n')
        names = self._fields[declaration.name]
        for one in declaration.properties:
            is_tag = declaration.name in self._messages or one.wire_name in self._tags
            lines.append(self._field(names[one.wire_name], one, is_constant=is_tag or one.is_required))
            if about := docstring(one.description, indent=1):
                lines.append(f"    {about}\n")
        if len(lines) == 1:
            lines.append("    pass")
        return "\n".join(lines).rstrip()

    def _field(self, name: str, one: Property, *, is_constant: bool) -> str:
        annotation, value = self._typed(one, is_constant=is_constant)
        if name != one.wire_name:
            key = literal(one.wire_name)
            annotation = self._annotations.bounded(annotation, {"validation_alias": key, "serialization_alias": key})
        return assignment(name, annotation, value, indent=1)

    def _typed(self, one: Property, *, is_constant: bool) -> tuple[Node, Node | None]:
        """The annotation of a field and its default: one that the server may be sent, or None for not sending any.

        ``is_constant``: if it has only one value, it always has that.
        """
        annotation = self._annotations.of(one.type)
        if one.type == _NULL:
            if one.is_required or one.default is None:
                return annotation, "None"
            return f"{self._imports.add('typing', 'Literal')}[None]", "None"  # one that can be left out
        if is_constant and isinstance(one.type, Literals) and len(one.type.values) == 1:
            return annotation, self._defaults.of(one.type.values[0], one.type)
        value = None if one.default is MISSING else self._defaults.of(one.default, one.type)
        if value is not None and not (one.is_required and one.default is None):
            return annotation, self._made_anew(value)
        if one.is_required:
            return annotation, None
        return (annotation if self._annotations.is_any(annotation) else alternatives([annotation, "None"])), "None"

    def _made_anew(self, value: Node) -> Node:
        """The default; one that can change is each object's own: of lists and dicts Pydantic makes copies."""
        if not isinstance(value, Group) or not (value.start in ("[", "{") or is_model(value)):
            return value
        field = f"{self._imports.add('pydantic', 'Field')}("
        if is_model(value):
            return Group(field, (Group(f"default_factory=lambda: {value.start}", value.items, value.end),), ")")
        return Group(field, (Group(f"default={value.start}", value.items, value.end),), ")")


def _linted(code: str) -> str:
    """The code, with what linters have against the words of a document switched off: only where they would."""
    rules = ["E501"] if any(len(line) > _LONGEST_LINE for line in code.splitlines()) else []
    rules += [] if code.isascii() else ["RUF001", "RUF002"]  # dashes and quotes that ruff takes for mistakes
    if not rules:
        return code
    return code.replace(_FUTURE, f"# ruff: noqa: {', '.join((*rules, 'RUF100'))}\n\n{_FUTURE}", 1)
