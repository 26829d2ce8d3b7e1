"""Writing the field that tells a message's type apart under another key, as a consumer's discriminator asks for."""

import json
from typing import Any

from pydantic_core import from_json, to_json


def decoded(text: str) -> Any:
    """JSON that Pydantic wrote, decoded. It writes 255 levels, of which ``from_json`` reads only 200."""
    try:
        return from_json(text)
    except ValueError:
        return json.loads(text)


def rekeyed(content: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    """``content`` with the value of ``source`` under ``target``, first; as it is if it has no ``source``."""
    if source == target or source not in content:
        return content
    rest = {key: value for key, value in content.items() if key not in (source, target)}
    return {target: content[source], **rest}


def rekeyed_text(text: str, source: str, target: str) -> str:
    """The same for an object in JSON as Pydantic writes it."""
    if source == target:
        return text
    start = f'{{"{source}":'
    # Nearly always the key is the first; what follows it cannot repeat it, as an object of Pydantic's has no key twice.
    if text.startswith(start) and f'"{target}":' not in text:
        return f'{{"{target}":{text[len(start) :]}'
    return to_json(rekeyed(decoded(text), source, target)).decode()
