"""Which group and channel names a channel layer takes, and telling one from the other."""

from __future__ import annotations

import re

from chanx.errors import InvalidNameError

_GROUP = re.compile(r"[A-Za-z0-9_.-]{1,99}")
_CHANNEL = re.compile(r"(?=.{1,99}\Z)[A-Za-z0-9_.-]+(![A-Za-z0-9_.-]*)?")
_OWN_CHANNEL_OF_PUBSUB = re.compile(r"specific\.[0-9a-f]{32}\Z")


def valid_group_name(name: object) -> str:
    """``name`` itself, if it is 1 to 99 ASCII letters, digits, ``_``, ``.`` and ``-``; else ``InvalidNameError``."""
    if isinstance(name, str) and _GROUP.fullmatch(name):
        return name
    raise InvalidNameError(
        f"{name!r} is no group name: use 1 to 99 ASCII letters, digits, '_', '.' and '-', "
        "or let chanx.utils.groups.safe_group_name make one."
    )


def valid_channel_name(name: object, *, prefix: str = "") -> str:
    """``name`` itself, if a layer with ``prefix`` may have made it; else ``InvalidNameError``.

    After the prefix (which may hold anything) come the characters of a group name, and at most one ``!``.
    """
    if isinstance(name, str) and _CHANNEL.fullmatch(name.removeprefix(prefix)):
        return name
    raise InvalidNameError(
        f"{name!r} is no channel name: pass a consumer's own channel_name, unchanged. To reach a group, use group_send."
    )


def is_channel_name(name: str, prefix: str | None = None) -> bool:
    """Whether ``name`` is one connection's own channel, so that anything else means a group.

    Such a name has a ``!`` or is ``<prefix>specific.<32 hex digits>``; with ``prefix`` None, any prefix will do.
    """
    if "!" in name:
        return True
    own = _OWN_CHANNEL_OF_PUBSUB.search(name)
    return own is not None and (prefix is None or name[: own.start()] == prefix)
