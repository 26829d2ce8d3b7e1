"""Loading a document: from a file or from a URL, in JSON or in YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from chanx.errors import DocumentError, DocumentNotFoundError, MissingExtraError
from chanx.utils.extras import need

_Format: TypeAlias = Literal["json", "yaml"]

_SUFFIXES: Final[Mapping[str, _Format]] = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}
_EXTRA: Final = "cli"


class SchemaLoader:
    """Loads AsyncAPI documents as they are: nothing in them is checked."""

    @staticmethod
    def load(source: str | Path) -> dict[str, Any]:
        """The document at a path, or at an ``http://`` or ``https://`` URL.

        Its extension says whether it is JSON or YAML, for a URL its content type; where neither does, both are tried.
        Raises ``DocumentNotFoundError`` (a ``FileNotFoundError``) where there is no file, ``DocumentError`` (a
        ``ValueError``) for what cannot be fetched or read.
        """
        if isinstance(source, str) and source.lower().startswith(("http://", "https://")):
            text, format_ = _fetched(source)
        else:
            path = Path(source)
            text, format_ = _content(path), _SUFFIXES.get(path.suffix.lower())
        if format_ is not None:
            return _PARSERS[format_](text)
        return _of_either_format(text, str(source))


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DocumentNotFoundError(f"Schema file not found: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(
            f"Could not parse schema file {path}: {error}. It has to be JSON or YAML in UTF-8."
        ) from error


def _fetched(url: str) -> tuple[str, _Format | None]:
    try:
        httpx = need("httpx", extra=_EXTRA)
    except MissingExtraError as error:
        raise DocumentError(f'httpx is required to load schemas from URLs: pip install "chanx[{_EXTRA}]"') from error
    try:
        response = httpx.get(url, follow_redirects=True, timeout=30.0)
        response.raise_for_status()
    except httpx.HTTPStatusError as error:
        raise DocumentError(f"HTTP error loading schema: {url} answered {error.response.status_code}.") from error
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise DocumentError(f"Request error loading schema: {url}: {str(error) or type(error).__name__}") from error
    kind: str = response.headers.get("content-type", "").partition(";")[0].lower()
    if "json" in kind or "yaml" in kind:
        return response.text, "json" if "json" in kind else "yaml"
    return response.text, _SUFFIXES.get(PurePosixPath(urlsplit(url).path).suffix.lower())


def _of_json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"Invalid JSON format: {error}") from error
    return _object(content, "JSON")


def _of_yaml(text: str) -> dict[str, Any]:
    try:
        yaml = need("yaml", extra=_EXTRA)
    except MissingExtraError as error:
        raise DocumentError(f'PyYAML is required to load schemas in YAML: pip install "chanx[{_EXTRA}]"') from error
    try:
        content = yaml.load(text, Loader=_yaml_loader(yaml))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"Invalid YAML format: {' '.join(str(error).split())}") from error
    return _object(_with_text_keys(content), "YAML")


_PARSERS: Final[Mapping[_Format, Callable[[str], dict[str, Any]]]] = {"json": _of_json, "yaml": _of_yaml}


def _of_either_format(text: str, source: str) -> dict[str, Any]:
    for parse in _PARSERS.values():
        try:
            return parse(text)
        except DocumentError:
            continue
    raise DocumentError(f"Could not parse schema file {source}: it is neither an object in JSON nor one in YAML.")


def _yaml_loader(yaml: Any) -> Any:
    """A loader by which a date, and words such as ``on`` and ``no``, are the strings that they are in YAML 1.2."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # the package is optional
        pass

    no_types = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in no_types]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    words = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", words, list("tTfF"))
    return Loader


def _with_text_keys(value: Any) -> Any:
    """As JSON has it: a key that is a number in YAML is a string."""
    if isinstance(value, dict):
        content = cast("dict[str, Any]", value)
        return {str(key): _with_text_keys(inner) for key, inner in content.items()}
    if isinstance(value, list):
        return [_with_text_keys(inner) for inner in cast("Sequence[Any]", value)]
    return value


def _object(content: Any, language: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DocumentError(f"Schema must be a {language} object, and it is {_kind(content)}.")
    return cast("dict[str, Any]", content)


def _kind(content: Any) -> str:
    if content is None:
        return "empty"
    return "a list" if isinstance(content, list) else f"{str(content)[:40]!r}"
