"""What a project says about who may watch and cancel jobs beyond their owners: the options of ``install``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.tokens import JobAction, secrets_of

Scope: TypeAlias = Mapping[str, Any]
"""The ASGI scope of a connection or a request; ``scope["user"]`` is who is signed in."""

Verdict: TypeAlias = bool | Collection[JobAction]

Authorize: TypeAlias = Callable[[JobSnapshot, Scope], Verdict | Awaitable[Verdict]]
"""What a connection may do with a job: True is everything, False nothing."""

WatchesAs: TypeAlias = Callable[[Scope], Collection[str] | Awaitable[Collection[str]]]
"""The owner strings that a connection watches as, beside that of its user."""


@dataclass(frozen=True, slots=True)
class Access:
    """Empty, it leaves the default rules, and tokens are signed with Django's ``SECRET_KEY``."""

    authorize: Authorize | None = None
    watches_as: WatchesAs | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, authorize: Authorize | None, watches_as: WatchesAs | None, secret: str | Sequence[str] | None
    ) -> Access:
        """Those of ``install``; ``ConfigurationError`` for a secret that can be guessed."""
        return cls(authorize, watches_as, secrets_of(secret))


DEFAULT_ACCESS: Final = Access()
