"""Writing a document from a command line: ``manage.py generate_asyncapi_schema`` and ``chanx asyncapi``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from chanx.asyncapi.text import document_text, format_named, format_of_file
from chanx.errors import ConfigurationError
from chanx.routing.discovery import RouteDiscovery

NOTHING_FOUND: Final = (
    "No route leads to a chanx consumer, so the document has no channels. Routes are looked for in a FastAPI "
    'application, and in a Django project\'s ASGI_APPLICATION (the "websocket" entry of its ProtocolTypeRouter).'
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line says about the document; None is what the project says."""

    base_url: str | None = None
    title: str | None = None
    version: str | None = None
    description: str | None = None
    discovery_class: str | None = None

    def discovery(self, *arguments: Any) -> RouteDiscovery | None:
        """The ``discovery_class`` called with ``arguments``; raises ``ConfigurationError`` if it is none."""
        return None if self.discovery_class is None else _discovery_named(self.discovery_class)(*arguments)


def export_text(document: Mapping[str, Any], *, text_format: str | None, file: str | None) -> str:
    """The document in that format; without one it is JSON for a ``file`` that ends in ``.json``, else YAML."""
    return document_text(document, format_named(text_format, default=format_of_file(file)))


def write_file(file: str, text: str) -> None:
    """Write the text as UTF-8; raises ``ConfigurationError`` if that directory cannot be written to."""
    try:
        Path(file).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be written ({error.strerror}): give --file a name in a directory that exists."
        ) from error


def _discovery_named(dotted: str) -> type[RouteDiscovery]:
    module, _, name = dotted.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"There is no {dotted} ({error}): give --discovery-class the dotted path of a RouteDiscovery."
        ) from error
    if not (isinstance(found, type) and issubclass(found, RouteDiscovery)):
        raise ConfigurationError(f"{dotted} is no class that extends chanx.routing.discovery.RouteDiscovery.")
    return found
