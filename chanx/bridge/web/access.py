"""Decides what a connection or a request may do with a job; topics and HTTP endpoints ask here.

token ─> authorize(job, scope) of the project, or the default rule: owner everything, watchers "subscribe" ─> yes or no
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from chanx.bridge.access import Access, Scope, Verdict
from chanx.bridge.owner import owner_or_none
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.tokens import JOB_ACTIONS, WATCHING, JobAction, granted_actions, jwt
from chanx.errors import ConfigurationError
from chanx.utils.blocking import called

NO_SUCH_JOB: Final = "There is no such job, or it is not yours."
NO_SUCH_LIST: Final = "There is no such list, or it is not yours."

jwt()  # so that no connection has to wait for the import when the first token comes

AskNames = Callable[[], Awaitable[Collection[str]]]


async def names_of(access: Access, scope: Scope) -> frozenset[str]:
    """The owner strings that a connection watches as: that of its user, and those the project says."""
    own = owner_or_none(scope.get("user"))
    names: set[str] = set() if own is None else {own}
    if access.watches_as is not None:
        more = await called(access.watches_as, scope)
        if isinstance(more, str):
            raise ConfigurationError(f"watches_as() returned {more!r}: return a list of owner strings, [{more!r}]")
        names.update(more)
    return frozenset(names)


async def may(
    action: JobAction, job: JobSnapshot, scope: Scope, *, access: Access, names: AskNames, token: object = None
) -> bool:
    """Whether that is allowed. Raises what the project's functions raise: whoever calls takes that for a no."""
    if action in granted_actions(token, job.job_id, secrets=access.secrets):
        return True
    if access.authorize is not None:
        return action in _actions(await called(access.authorize, job, scope))
    if owner_or_none(scope.get("user")) == job.owner:
        return True
    return action in WATCHING and not {job.owner, *job.watchers}.isdisjoint(await names())


def _actions(verdict: Verdict) -> Collection[JobAction]:
    if isinstance(verdict, bool):
        return JOB_ACTIONS if verdict else ()
    # The keys of a mapping may be what is not allowed: {"cancel": False}.
    is_other = isinstance(verdict, (str, Mapping))
    actions: Collection[JobAction] = () if is_other else verdict
    if is_other or not JOB_ACTIONS.issuperset(actions):
        raise ConfigurationError(
            f"authorize() returned {verdict!r}: return True, False, or a set of the actions {sorted(JOB_ACTIONS)}"
        )
    return actions
