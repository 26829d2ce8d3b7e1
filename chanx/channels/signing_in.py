"""Whether who is connected is still signed in: read again from the session, or from the users' table.

Nothing is changed by it: Django's own reading may flush a session or give it another key, which only a response could
tell the browser.
"""

from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import channel_layers
from django.apps import apps
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string

from chanx.channels.database import old_connections
from chanx.core.channel_layer import send_to_name_sync
from chanx.core.failures import log_failure
from chanx.core.sign_out import SIGN_OUT_MESSAGE, sign_out_group


async def user_by_now(scope: dict[str, Any], user: Any) -> Any:
    """``user`` as the session says today, or the anonymous user if that is over, or the user is active no more."""
    if not getattr(user, "is_authenticated", False):
        return user
    if old_connections.due:
        await old_connections.close()
    return await database_sync_to_async(_user_by_now)(scope, user)


def anonymous_user() -> Any:
    """Django's."""
    # By name: the model can be imported only once Django's apps are loaded, which this module must not wait for.
    return import_string("django.contrib.auth.models.AnonymousUser")()


def tell_of_sign_out(sender: object, request: HttpRequest | None = None, **_: object) -> None:
    """A receiver of ``user_logged_out``: tells the connections of the session, on every channel layer."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    if not isinstance(key, str):
        return
    for alias in settings.CHANNEL_LAYERS:
        try:
            send_to_name_sync(channel_layers[alias], sign_out_group(key), dict(SIGN_OUT_MESSAGE))
        except Exception as error:  # nobody is kept from signing out; what is open is asked again at its interval
            log_failure("sign_out_not_told", error, layer=alias)


def _user_by_now(scope: dict[str, Any], user: Any) -> Any:
    key = getattr(scope.get("session"), "session_key", None)
    if isinstance(key, str) and _is_user_of(scope["session"], user):
        return _user_of_session(key, user) or anonymous_user()
    if not apps.is_installed("django.contrib.auth") or not isinstance(user, get_user_model()):
        return user
    found: Any = get_user_model()._default_manager.filter(pk=user.pk).first()
    return found if found is not None and found.is_active else anonymous_user()


def _user_of_session(key: str, user: Any) -> Any:
    """The session's user as Django's middleware would find it, None if it is another one or none."""
    session: Any = import_module(settings.SESSION_ENGINE).SessionStore(key)
    backend = session.get(BACKEND_SESSION_KEY)
    if not _is_user_of(session, user) or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    found: Any = load_backend(backend).get_user(user.pk)
    if found is None or not hasattr(found, "get_session_auth_hash"):
        return found
    known = session.get(HASH_SESSION_KEY) or ""
    hashes = [found.get_session_auth_hash(), *found.get_session_auth_fallback_hash()]
    return found if any(constant_time_compare(known, each) for each in hashes) else None


def _is_user_of(session: Any, user: Any) -> bool:
    return session.get(SESSION_KEY) == user._meta.pk.value_to_string(user) if hasattr(user, "_meta") else False
