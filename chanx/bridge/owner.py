"""Who a job belongs to: a string ``<kind>:<id>`` that a worker can carry without knowing the site's user model."""

import re

from chanx.errors import ConfigurationError

_OWNER = re.compile(r"[a-z][a-z0-9_]*:\S{1,200}")


def owner_of(user: object) -> str:
    """The owner string of a user object (``user:<pk>``), or a ready owner string as it is (``project:7``).

    Raises :class:`ConfigurationError` for an anonymous or unsaved user and for a string of another form: a job without
    an owner could be watched by nobody, or by everybody.
    """
    if isinstance(user, str):
        if _OWNER.fullmatch(user):
            return user
        raise ConfigurationError(f'owner={user!r}: an owner string has the form "<kind>:<id>", for example "user:42"')
    if getattr(user, "is_anonymous", False):
        raise ConfigurationError(
            "A visitor who is not signed in cannot own a job. Require sign-in (@login_required on a view), or pass an "
            'owner string such as "session:<key>"'
        )
    key = getattr(user, "pk", None)
    if key is None:
        key = getattr(user, "id", None)
    if key is None:
        raise ConfigurationError(
            f"{type(user).__name__} cannot own a job: it has no primary key. "
            'Pass a saved user, or an owner string such as "session:<key>"'
        )
    return f"user:{key}"


def owner_or_none(user: object) -> str | None:
    """As :func:`owner_of`, but None for somebody who owns nothing (an anonymous visitor)."""
    is_anonymous = getattr(user, "is_anonymous", False) or not getattr(user, "is_authenticated", True)
    if user is None or is_anonymous:
        return None
    return owner_of(user)


def is_owner(text: str) -> bool:
    """Whether ``text`` could be an owner string; a client may send anything."""
    return _OWNER.fullmatch(text) is not None
