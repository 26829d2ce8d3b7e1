"""The Celery app, and the bridge on it, that a command is about.

--app shop, --app shop.celery:app, CHANX_APP, or of a Django project the app that its settings' package makes
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any, Final, TypeVar

import click

from chanx.cli.modules import look_in_current_directory, require_module
from chanx.errors import ConfigurationError
from chanx.utils.extras import need

Command = TypeVar("Command", bound=Callable[..., Any])

_SETTINGS: Final = "DJANGO_SETTINGS_MODULE"
_HOW: Final = "Give --app module:app, as celery's own -A, or set CHANX_APP."


def app_option(command: Command) -> Command:
    """Gives a command the option ``--app``, as its argument ``app``: the name, or None."""
    option = click.option(
        "--app",
        metavar="MODULE:APP",
        envvar="CHANX_APP",
        help=f"The Celery app, as for celery -A. [default: the Django project's, of {_SETTINGS}]",
        show_envvar=True,
    )
    return option(command)


def celery_app(name: str | None) -> Any:
    """The project's Celery app; its Django, if it has one, is set up. What it prints meanwhile is no output of ours.

    Raises ``UsageError`` where nothing says which app, and ``ConfigurationError``, naming what to change, where there
    is none. Errors inside the project's modules are its own to show.
    """
    need("celery", extra="bridge")
    look_in_current_directory()
    with redirect_stdout(sys.stderr):
        if name:
            _set_up_django()
            found = _named(name)
            _set_up_django()  # the app's module may be what says which settings
        elif os.environ.get(_SETTINGS):
            _set_up_django()
            found = _of_settings()
        else:
            raise click.UsageError(_HOW)
    return found


def bridge_of_app(name: str | None) -> Any:
    """The :class:`~chanx.bridge.installed.Bridge` of that app; ``ConfigurationError`` where it has none."""
    return need("chanx.bridge.installed", extra="bridge").bridge_of(celery_app(name))


def _named(name: str) -> Any:
    module = name.partition(":")[0]
    try:
        require_module(module, option="--app")
    except ConfigurationError:
        package = module.rpartition(".")[0]  # shop.app: an attribute behind a dot
        if ":" in name or not package:
            raise
        require_module(package, option="--app")
    try:
        found = need("celery.app.utils", extra="bridge").find_app(name)
    except (AttributeError, ModuleNotFoundError) as error:
        if isinstance(error, ModuleNotFoundError) and error.name != name:
            raise  # what the project itself does not find
        raise ConfigurationError(
            f"--app {name}: there is no such app in it. Write it as module:name, such as shop.celery:app."
        ) from error
    if not isinstance(found, need("celery", extra="bridge").Celery):
        raise ConfigurationError(
            f"--app {name} is no Celery app, but of the type {type(found).__name__}: name the app that "
            "chanx.bridge.install was called on, as module:name."
        )
    return found


def _of_settings() -> Any:
    found = need("chanx.bridge.installed", extra="bridge").project_app()
    if found is None:
        raise ConfigurationError(
            f"The project of {_SETTINGS}={os.environ[_SETTINGS]} makes no Celery app when it is imported. {_HOW}"
        )
    return found


def _set_up_django() -> None:
    if not os.environ.get(_SETTINGS):
        return
    django, exceptions = need("django", extra="channels"), need("django.core.exceptions", extra="channels")
    require_module(os.environ[_SETTINGS], option=_SETTINGS)
    try:
        django.setup()
    except exceptions.ImproperlyConfigured as error:
        raise ConfigurationError(f"The Django project cannot be loaded: {error}") from error
