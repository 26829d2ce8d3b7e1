"""``chanx asyncapi``: the document of a Django project or a FastAPI application, to a file or the standard output."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from importlib import import_module
from inspect import isfunction, signature
from operator import attrgetter
from typing import Any, Final

import click

from chanx.asyncapi.exporting import NOTHING_FOUND, Wanted, export_text, write_file
from chanx.asyncapi.text import FORMATS
from chanx.cli.modules import look_in_current_directory, require_module
from chanx.errors import ConfigurationError
from chanx.routing.discovery import DEFAULT_BASE_URL
from chanx.utils.extras import need

_SETTINGS: Final = "DJANGO_SETTINGS_MODULE"


@click.command()
@click.option("--settings", metavar="MODULE", help=f"A Django project, by its settings. [default: {_SETTINGS}]")
@click.option("--app", metavar="MODULE:NAME", help="A FastAPI or Starlette application, or a function that makes it.")
@click.option("--format", "text_format", type=click.Choice(FORMATS), help="[default: yaml; json for a --file *.json]")
@click.option("--file", type=click.Path(dir_okay=False), help="The file to write. [default: the standard output]")
@click.option("--base-url", help=f"Where the site is, such as wss://example.com. [default: {DEFAULT_BASE_URL}]")
@click.option("--title", help="The document's title. [default: the project's]")
@click.option("--api-version", "version", help="The version of the project's protocol. [default: the project's]")
@click.option("--description", help="The document's description. [default: the project's]")
@click.option("--discovery-class", metavar="PATH", help="A RouteDiscovery that finds the routes, by its dotted path.")
def asyncapi(
    settings: str | None, app: str | None, text_format: str | None, file: str | None, **wanted: str | None
) -> None:
    """Write the AsyncAPI document of a Django project or a FastAPI application.

    Modules are found in the current directory too.
    """
    # What the project prints while it is imported is no part of the document.
    with redirect_stdout(sys.stderr):
        document = _document(settings, app, Wanted(**wanted))
    if not document["channels"]:
        click.echo(NOTHING_FOUND, err=True)
    text = export_text(document, text_format=text_format, file=file)
    if file is None:
        click.echo(text, nl=False)
    else:
        write_file(file, text)
        click.echo(f"AsyncAPI schema successfully generated: {file}")


def _document(settings: str | None, app: str | None, wanted: Wanted) -> dict[str, Any]:
    if settings and app:
        raise click.UsageError("--settings is for Django, --app for FastAPI: give one of them.")
    if not (settings or app or os.environ.get(_SETTINGS)):
        raise click.UsageError("Give --settings project.settings for Django, or --app module:app for FastAPI.")
    look_in_current_directory()
    return _of_application(app, wanted) if app else _of_django(settings, wanted)


def _of_django(settings: str | None, wanted: Wanted) -> dict[str, Any]:
    django, exceptions = need("django", extra="channels"), need("django.core.exceptions", extra="channels")
    if settings:
        os.environ[_SETTINGS] = settings
    require_module(os.environ[_SETTINGS], option="--settings")
    try:
        django.setup()
        document: dict[str, Any] = need("chanx.channels.documents", extra="channels").exported_document(wanted)
    except exceptions.ImproperlyConfigured as error:
        raise ConfigurationError(f"The Django project cannot be loaded: {error}") from error
    return document


def _of_application(name: str, wanted: Wanted) -> dict[str, Any]:
    documents = need("chanx.fast_channels.documents", extra="fast-channels")
    document: dict[str, Any] = documents.exported_document(_application(name), wanted)
    return document


def _application(name: str) -> Any:
    module, _, path = name.partition(":")
    require_module(module, option="--app")
    try:
        found = attrgetter(path or "app")(import_module(module))
    except AttributeError as error:
        raise ConfigurationError(f"--app {name}: {error}. Write it as module:name, such as main:app.") from error
    if not isfunction(found):
        return found
    try:
        signature(found).bind()
    except TypeError as error:
        raise ConfigurationError(
            f"--app {name} is a function that takes arguments: give an application, or a function without arguments "
            "that returns one."
        ) from error
    return found()
