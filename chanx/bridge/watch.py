"""Which ordinary tasks become jobs by being published, and whose."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from chanx.bridge.owner import owner_of
from chanx.errors import ConfigurationError

Owner: TypeAlias = str | Callable[[str, Sequence[Any], Mapping[str, Any]], object]
"""An owner string, or a function of a task's name, arguments and keyword arguments."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The rules of one app. ``patterns`` are names with ``*`` and ``?``."""

    patterns: tuple[str, ...]
    owner: Owner

    def wants(self, name: str, task: object) -> bool:
        """Whether a task becomes a job; what it says itself (its option ``watch``) counts before its name."""
        own = getattr(task, "watch", None)
        if own is not None:
            return bool(own)
        return not name.startswith("celery.") and any(fnmatchcase(name, pattern) for pattern in self.patterns)

    def owner_for(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Whose job it is; None for nobody's. Raises what the user's function raises, and ``ConfigurationError``."""
        found = self.owner if isinstance(self.owner, str) else self.owner(name, args, kwargs)
        return None if found is None else owner_of(found)


def watch_rules(watch: bool | Sequence[str], owner: Owner | None) -> Watch | None:
    """The rules of ``install(watch=, owner=)``; None where nothing is watched."""
    patterns = ("*",) if watch is True else tuple(watch or ())
    if isinstance(watch, str):
        raise ConfigurationError(f'watch={watch!r}: pass a list of name patterns, watch=["{watch}"]')
    if owner is None:
        if patterns:
            raise ConfigurationError(
                "install(watch=...) needs owner=, who may watch these tasks: an owner string such as "
                '"project:7", or a function of the task\'s name, args and kwargs'
            )
        return None
    return Watch(patterns, owner_of(owner) if isinstance(owner, str) else owner)
