"""A document as text: JSON, or YAML that reads back as the same and keeps the order of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from chanx.errors import ConfigurationError, MissingExtraError
from chanx.utils.extras import need

Format: TypeAlias = Literal["json", "yaml"]

FORMATS: Final[tuple[Format, ...]] = ("json", "yaml")

_OTHER_LINE_ENDS: Final = re.compile("[\x85\u2028\u2029]")


def document_text(document: Mapping[str, Any], text_format: Format) -> str:
    """The document as UTF-8 text of that format, with a line feed at its end.

    Raises ``MissingExtraError`` for YAML without PyYAML, ``ConfigurationError`` for a value that is not JSON.
    """
    try:
        as_json = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The AsyncAPI document holds a value that is not JSON ({error}): look at defaults and json_schema_extra."
        ) from error
    if text_format == "json":
        return as_json
    return _as_yaml(json.loads(as_json))  # what YAML alone would have a form for, such as a tuple, is plain by now


def format_named(name: str | None, *, default: Format) -> Format:
    """The format of that name, ``default`` for None; raises ``ConfigurationError`` with the names there are."""
    for known in FORMATS:
        if known == (default if name is None else name):
            return known
    raise ConfigurationError("There is no such format of an AsyncAPI document: use json or yaml.")


def format_of_file(file: str | Path | None) -> Format:
    """JSON for a file that ends in ``.json``, else YAML."""
    return "json" if file is not None and Path(file).suffix.lower() == ".json" else "yaml"


def _as_yaml(document: Mapping[str, Any]) -> str:
    text: str = _yaml().dump(
        document, Dumper=_dumper(), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )
    return text


def _yaml() -> Any:
    try:
        return need("yaml", extra="cli")
    except MissingExtraError as error:
        raise MissingExtraError('PyYAML is not installed: pip install "chanx[cli]", or ask for JSON.') from error


@lru_cache(maxsize=1)
def _dumper() -> Any:
    yaml = _yaml()

    def represent_text(dumper: Any, text: str) -> Any:
        # PyYAML reads Unicode's other line ends back as spaces, unless they are escaped, as in double quotes.
        style = '"' if _OTHER_LINE_ENDS.search(text) else "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    def never(dumper: Any, data: Any) -> bool:
        return True

    # A part that occurs twice is written twice, not as an anchor and an alias.
    dumper: Any = type("DocumentDumper", (yaml.SafeDumper,), {"ignore_aliases": never})
    dumper.add_representer(str, represent_text)
    return dumper
