"""Signed tokens: who has one may do what it says with one job, until it expires, signed in or not.

JWT (RFC 7519), HS256, audience ``chanx.job``, claims ``job``, ``actions`` and ``exp``.
"""

from __future__ import annotations

import hashlib
import hmac
import importlib
import time
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal, get_args

from chanx.bridge.names import validated_job_id
from chanx.errors import ConfigurationError
from chanx.log import log_event
from chanx.utils.extras import need
from chanx.utils.framework import django_has_settings

JobAction = Literal["subscribe", "cancel"]
"""What somebody may do with a job: watch it, or cancel it."""

JOB_ACTIONS: Final[frozenset[JobAction]] = frozenset(get_args(JobAction))

WATCHING: Final[tuple[JobAction, ...]] = ("subscribe",)
"""What a token allows where nothing else is said."""

AUDIENCE: Final = "chanx.job"
MAX_TOKEN_LENGTH: Final = 2048
MIN_SECRET_LENGTH: Final = 16

_ALGORITHM: Final = "HS256"
_NO_SECRET: Final = (
    "Tokens of jobs need a secret to be signed with: pass install(..., secret=...), a text of 16 characters or more "
    "that all web processes share, or set Django's SECRET_KEY"
)


def jwt() -> Any:
    """PyJWT, imported now: it brings cryptography, for which a worker that has nothing to do with tokens would wait."""
    return need("jwt", extra="bridge")


def secrets_of(secret: str | Sequence[str] | None) -> tuple[str, ...]:
    """The secrets of ``install(secret=)``; ``ConfigurationError`` for what can be guessed."""
    secrets = (secret,) if isinstance(secret, str) else tuple(secret or ())
    if any(len(each) < MIN_SECRET_LENGTH for each in secrets):
        raise ConfigurationError(
            f"install(secret=...): a secret of tokens has {MIN_SECRET_LENGTH} characters or more, as one that is "
            "shorter can be guessed. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return secrets


def issued_token(job_id: str, actions: Collection[JobAction], *, expires_in: float, secrets: tuple[str, ...]) -> str:
    """A token for one job, signed with the first of ``secrets``, or of Django's where there are none."""
    wanted = {actions} if isinstance(actions, str) else set(actions)
    if not wanted or not wanted <= JOB_ACTIONS:
        raise ConfigurationError(f"actions={actions!r}: name one or both of {sorted(JOB_ACTIONS)}")
    if not 0 < expires_in < float("inf"):
        raise ConfigurationError(f"expires_in={expires_in!r}: pass the seconds until it expires, more than 0")
    keys = _keys(secrets)
    if not keys:
        raise ConfigurationError(_NO_SECRET)
    claims = {
        "aud": AUDIENCE,
        "job": validated_job_id(job_id),
        "actions": sorted(wanted),
        "exp": int(time.time() + expires_in),
    }
    token: str = jwt().encode(claims, keys[0], algorithm=_ALGORITHM)
    return token


def granted_actions(token: object, job_id: str, *, secrets: tuple[str, ...]) -> frozenset[JobAction]:
    """What a token allows with that job: nothing if it is not one, of another job, expired, or signed by another."""
    if not isinstance(token, str) or not 0 < len(token) <= MAX_TOKEN_LENGTH:
        return frozenset()
    keys = _keys(secrets)
    if not keys:
        log_event("job_token_not_checked", hint=_NO_SECRET)
    for key in keys:
        try:
            claims: dict[str, Any] = jwt().decode(
                token, key, algorithms=[_ALGORITHM], audience=AUDIENCE, options={"require": ["aud", "exp"]}
            )
        except (jwt().PyJWTError, ValueError, RecursionError):  # it comes from outside, and may be anything
            continue
        return _actions_in(claims) if claims.get("job") == job_id else frozenset()
    return frozenset()


def _actions_in(claims: dict[str, Any]) -> frozenset[JobAction]:
    actions: Any = claims.get("actions")
    return frozenset(action for action in JOB_ACTIONS if isinstance(actions, list) and action in actions)


def _keys(secrets: tuple[str, ...]) -> list[bytes]:
    # Derived, so that what else is signed with the same secret passes for no token of a job, and the other way round.
    return [
        hmac.digest(b"chanx.bridge.tokens", secret.encode(), hashlib.sha256) for secret in secrets or _django_secrets()
    ]


def _django_secrets() -> list[str]:
    """Django's key and those it had before, read at each use; none where Django is not in use."""
    if not django_has_settings():
        return []
    try:
        settings: Any = importlib.import_module("django.conf").settings
        return [key for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS) if key]
    except Exception:  # Django's ImproperlyConfigured for an empty key, or it is not installed
        return []
