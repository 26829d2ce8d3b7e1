"""The order in which declarations can stand in a module: each after those it needs, as far as there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chanx.client_generator.declarations import Declaration, ObjectDeclaration
from chanx.client_generator.references import references_in, types_in


@dataclass(frozen=True, slots=True)
class Circle:
    """Declarations that need each other, or one alone.

    ``incomplete``: the models that can be completed only after the last of them. ``recursive_aliases``: those that
    lead back to themselves with no model between.
    """

    declarations: tuple[Declaration, ...]
    incomplete: tuple[str, ...]
    recursive_aliases: frozenset[str]

    def is_recursive_alias(self, name: str) -> bool:
        return name in self.recursive_aliases


def in_order(declarations: Sequence[Declaration]) -> Iterator[Circle]:
    """The declarations in circles, each circle after those that it needs, else in their order.

    Inside a circle models come first: what is in a model may be defined after it.
    """
    own = {one.name: one for one in declarations}
    needs = {
        name: tuple(dict.fromkeys(other for type_ in types_in(one) for other in references_in(type_) if other in own))
        for name, one in own.items()
    }
    for names in _circles(needs):
        members = [one for one in declarations if one.name in names]
        models = [one for one in members if isinstance(one, ObjectDeclaration)]
        others = {one.name: needs[one.name] for one in members if not isinstance(one, ObjectDeclaration)}
        among_aliases = list(
            _circles({name: tuple(n for n in needed if n in others) for name, needed in others.items()})
        )
        recursive = frozenset(
            name for circle in among_aliases for name in circle if len(circle) > 1 or name in needs[name]
        )
        ordered = [own[name] for circle in among_aliases for name in others if name in circle]
        whole = (*models, *ordered)
        yield Circle(whole, tuple(one.name for one in models) if len(whole) > 1 else (), recursive)


def _circles(needs: Mapping[str, Sequence[str]]) -> Iterator[frozenset[str]]:
    """The strongly connected components of a graph, each after those that it needs (Tarjan 1972, without recursion)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    done: set[str] = set()
    for root in needs:
        if root in number:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(needs[root]))]
        number[root] = lowest[root] = len(number)
        stack.append(root)
        while work:
            name, rest = work[-1]
            following = next(rest, None)
            if following is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[name])
                if lowest[name] == number[name]:
                    members = stack[stack.index(name) :]
                    del stack[-len(members) :]
                    done.update(members)
                    yield frozenset(members)
            elif following not in number:
                number[following] = lowest[following] = len(number)
                stack.append(following)
                work.append((following, iter(needs[following])))
            elif following not in done:
                lowest[name] = min(lowest[name], number[following])
