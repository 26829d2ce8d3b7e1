"""Topic patterns such as ``room:{id}``, and finding the parameters in a topic's name."""

import re
from dataclasses import dataclass, field
from typing import Final

from chanx.errors import ConfigurationError

MAX_TOPIC_LENGTH: Final = 255

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """A pattern; each ``{name}`` in it stands for one or more characters other than ``:``."""

    text: str
    parameters: tuple[str, ...]
    regex: re.Pattern[str] = field(repr=False)

    def match(self, topic: str) -> dict[str, str] | None:
        """The parameters of a topic, or None if it is not of this pattern or is over 255 characters."""
        found = self.regex.fullmatch(topic) if len(topic) <= MAX_TOPIC_LENGTH else None
        return found.groupdict() if found else None


def topic_pattern(text: str) -> TopicPattern:
    """Read a pattern; raises ``ConfigurationError`` for an empty one, stray braces, or a parameter named twice."""
    parameters = tuple(_PARAMETER.findall(text))
    literals = _PARAMETER.sub("", text)
    if not text or "{" in literals or "}" in literals or len(set(parameters)) != len(parameters):
        raise ConfigurationError(f"{text!r} is no topic pattern: write it like 'room:{{id}}', each parameter once.")
    parts = _PARAMETER.split(text)  # literal, name, literal, name, ..., literal
    regex = "".join(f"(?P<{part}>[^:]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return TopicPattern(text, parameters, re.compile(regex))
