"""Topic patterns such as ``room:{id}``: finding the parameters in a topic's name, and making a name of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chanx.errors import ConfigurationError

MAX_TOPIC_LENGTH: Final = 255

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class TopicPattern:
    """A pattern; each ``{name}`` in it stands for one or more characters other than ``:``.

    Where more than one reading is possible, each parameter but the last is as short as can be.
    """

    text: str
    parameters: tuple[str, ...]
    regex: re.Pattern[str] = field(repr=False)

    def match(self, topic: str) -> dict[str, str] | None:
        """The parameters of a topic, or None if it is not of this pattern or is over 255 characters."""
        found = self.regex.fullmatch(topic) if len(topic) <= MAX_TOPIC_LENGTH else None
        return found.groupdict() if found else None

    def fill(self, params: Mapping[str, object]) -> str:
        """The name that has these parameters, others are ignored. Raises ``KeyError`` if one is missing."""
        return _PARAMETER.sub(lambda found: str(params[found[1]]), self.text)


def topic_pattern(text: str) -> TopicPattern:
    """Read a pattern; raises ``ConfigurationError`` for an empty one, stray braces, or parameters that cannot be told
    apart: two of one name, or one right after the other.
    """
    parts = _PARAMETER.split(text)  # literal, name, literal, name, ..., literal
    literals, names = parts[::2], parts[1::2]
    stray = any("{" in literal or "}" in literal for literal in literals)
    if not text or stray or "" in literals[1:-1] or len(set(names)) != len(names):
        raise ConfigurationError(
            f"{text!r} is no topic pattern: write it like 'room:{{id}}', each parameter once, and text between two."
        )
    return TopicPattern(text, tuple(names), re.compile(_regex(literals, names)))


def _regex(literals: list[str], names: list[str]) -> str:
    # Names come from clients: atomic groups keep the time linear, and lose no match, as the next parameter takes
    # whatever the shortest reading leaves.
    regex = re.escape(literals[0])
    for name, literal in zip(names[:-1], literals[1:-1], strict=True):
        regex += f"(?>(?P<{name}>[^:]+?){re.escape(literal)})"
    return regex + f"(?P<{names[-1]}>[^:]+){re.escape(literals[-1])}" if names else regex
