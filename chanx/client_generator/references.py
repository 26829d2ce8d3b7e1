"""Which declarations of a document need which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from chanx.client_generator.declarations import (
    AliasDeclaration,
    ArrayOf,
    Declaration,
    MapOf,
    ObjectDeclaration,
    ReferenceTo,
    TupleOf,
    Type,
    UnionOf,
)


def references_in(type_: Type) -> Iterator[str]:
    """The names of the declarations that a type refers to, in order, as often as it does."""
    match type_:
        case ReferenceTo(name):
            yield name
        case ArrayOf(items=inner) | MapOf(values=inner):
            yield from references_in(inner)
        case TupleOf(items, rest):
            for item in (*items, *([rest] if rest is not None else [])):
                yield from references_in(item)
        case UnionOf(options=options):
            for option in options:
                yield from references_in(option)
        case _:
            pass


def discriminators_in(type_: Type) -> Iterator[str]:
    """The keys by which unions in a type tell their options apart."""
    match type_:
        case ArrayOf(items=inner) | MapOf(values=inner):
            yield from discriminators_in(inner)
        case TupleOf(items, rest):
            for item in (*items, *([rest] if rest is not None else [])):
                yield from discriminators_in(item)
        case UnionOf(options, discriminator):
            if discriminator is not None:
                yield discriminator
            for option in options:
                yield from discriminators_in(option)
        case _:
            pass


def types_in(declaration: Declaration) -> Iterator[Type]:
    """The types that a declaration consists of."""
    match declaration:
        case ObjectDeclaration(properties=properties, extra=extra):
            yield from (property_.type for property_ in properties)
            if extra is not None:
                yield extra
        case AliasDeclaration(type=type_):
            yield type_
        case _:
            pass


def needed_by(names: Iterable[str], declarations: Mapping[str, Declaration]) -> frozenset[str]:
    """These declarations, and all that they refer to, however far away."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(other for type_ in types_in(declarations[name]) for other in references_in(type_))
    return frozenset(found)
