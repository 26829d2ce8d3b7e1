"""Strings that look like what they stand for, and are what their schema asks for."""

import re
from collections.abc import Iterator
from typing import Final

from chanx.asyncapi.page.pattern_examples import matching
from chanx.asyncapi.type_defs import SchemaObject

_FORMATS: Final = {
    "date-time": "2026-01-31T09:30:00Z",
    "date": "2026-01-31",
    "time": "09:30:00Z",
    "duration": "PT1H30M",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa{}",
    "uuid1": "5e8f3a4c-2d1b-11ef-8f5a-0242ac12000{}",
    "uuid3": "6fa459ea-ee8a-3ca4-894e-db77e160355{}",
    "uuid4": "3fa85f64-5717-4562-b3fc-2c963f66afa{}",
    "uuid5": "886313e1-3b8a-5372-9b90-0c9aee199e5{}",
    "email": "ada{}@example.com",
    "idn-email": "ada{}@example.com",
    "name-email": "Ada <ada{}@example.com>",
    "hostname": "example{}.com",
    "uri": "https://example.com/{}",
    "url": "https://example.com/{}",
    "uri-reference": "/path/{}",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::{}",
    "ipvanyaddress": "192.0.2.1",
    "ipv4network": "192.0.2.0/24",
    "ipv6network": "2001:db8::/32",
    "ipvanynetwork": "192.0.2.0/24",
    "ipv4interface": "192.0.2.1/24",
    "ipv6interface": "2001:db8::1/32",
    "ipvanyinterface": "192.0.2.1/24",
    "byte": "aGVsbG8=",
    "base64": "aGVsbG8=",
    "base64url": "aGVsbG8=",
    "binary": "text",
    "regex": "^[a-z]+$",
    "json-pointer": "/key",
    "json-string": "{{}}",
    "color": "#3f5bd8",
    "path": "/path/{}",
    "file-path": "/path/{}",
    "directory-path": "/path/{}",
}
_NUMBERED: Final = ("1", "2", "3", "4", "5", "6", "7", "8", "9")
_WORDS: Final = ("text", "1", "12.5", "a", "abc", "ABC", "2026-01-31", "ada@example.com", "3fa85f64", "/path", "")


def string_example(schema: SchemaObject, number: int = 0) -> str:
    """A string for the schema; another ``number`` gives another one where there are others."""
    if (form := _FORMATS.get(schema.get("format", ""))) is not None:
        return form.format(_NUMBERED[number % len(_NUMBERED)])
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    pattern = schema.get("pattern")
    fitting = (text for text in _candidates(pattern, number) if _fits(text, least, most, pattern))
    found = next(fitting, None)
    if found is not None:
        return found
    text = f"text {number + 1}" if number else "text"
    return (text if most is None else text[: int(most)]).ljust(least, "x")


def _candidates(pattern: str | None, number: int) -> Iterator[str]:
    if pattern is not None:
        yield from _WORDS[number:]
        yield from matching(pattern)
    else:
        yield f"text {number + 1}" if number else "text"
        yield str(number)
        yield chr(ord("a") + number % 26)


def _fits(text: str, least: int, most: int | None, pattern: str | None) -> bool:
    if len(text) < least or (most is not None and len(text) > most):
        return False
    try:
        return pattern is None or re.search(pattern, text) is not None
    except re.error:  # a pattern in JavaScript's dialect, or another's
        return True
