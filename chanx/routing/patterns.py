r"""Parameters of routes: Django's ``<int:pk>``, regular expressions' ``(?P<pk>\d+)``, Starlette's ``{pk:int}``."""

import re
from typing import Any, Final

DEFAULT_CONVERTER: Final = "str"

DJANGO_PARAM_PATTERN: Final = re.compile(r"(?<!\?P)(?<!\?)<(?:([^<>:\s]+):)?([^\W\d]\w*)>")
"""A parameter of Django's ``path()``: converter or None, name."""

STARLETTE_PARAM_PATTERN: Final = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-zA-Z_][a-zA-Z0-9_]*))?\}")
"""A parameter of Starlette: name, converter or None."""

_ATOM: Final = r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()\\\[]"
_GROUP: Final = rf"\((?:{_ATOM})*\)"
_NESTED_GROUP: Final = rf"\((?:{_ATOM}|{_GROUP})*\)"

REGEX_PARAM_PATTERN: Final = re.compile(rf"\(\?P<([^\W\d]\w*)>((?:{_ATOM}|{_NESTED_GROUP})*)\)", re.DOTALL)
"""A named group of a regular expression, with groups in it up to two deep: name, expression."""

_PARAMETER: Final = re.compile(
    "|".join(part.pattern for part in (REGEX_PARAM_PATTERN, DJANGO_PARAM_PATTERN, STARLETTE_PARAM_PATTERN)), re.DOTALL
)
_FIRST_ANCHOR: Final = re.compile(r"\A(?:\^|\\A)")
_LAST_ANCHOR: Final = re.compile(r"(?<!\\)((?:\\\\)*)(?:\$|\\[zZ])\Z")
_ESCAPED: Final = re.compile(r"\\([^a-zA-Z0-9])")


def get_pattern_string_and_params(route: Any) -> tuple[str, dict[str, str] | None]:
    """The pattern of a route as text, without a regular expression's anchors at its ends, and its parameters.

    ``route`` is a route of Django's (``.pattern``) or Starlette's (``.path``), or the text itself.
    """
    source = getattr(route, "pattern", None)
    text = str(getattr(route, "path", route) if source is None else source)
    text = _LAST_ANCHOR.sub(r"\1", _FIRST_ANCHOR.sub("", text))
    return text, extract_path_parameters(text)


def extract_path_parameters(pattern: str) -> dict[str, str] | None:
    r"""The parameters in order, each with its converter (``"str"`` where none is named) or its expression (``r"\d+"``).

    None if there are none.
    """
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(pattern):
        regex_name, regex, django_converter, django_name, name, converter = match.groups()
        if regex_name:
            found[regex_name] = regex
        else:
            found[django_name or name] = django_converter or converter or DEFAULT_CONVERTER
    return found or None


def plain_path(pattern: str) -> str:
    r"""The pattern with each parameter as ``{name}``, and without the escapes of regular expressions."""
    parts: list[str] = []
    end = 0
    for match in _PARAMETER.finditer(pattern):
        regex_name, _, _, django_name, name, _ = match.groups()
        parts += [_ESCAPED.sub(r"\1", pattern[end : match.start()]), f"{{{regex_name or django_name or name}}}"]
        end = match.end()
    return "".join([*parts, _ESCAPED.sub(r"\1", pattern[end:])])
