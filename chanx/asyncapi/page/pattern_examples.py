"""Strings for a regular expression: the shortest and somewhat longer ones of the constructs that schemas use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_CLASSES: Final = {"d": "1", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a"}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}
_NOTHING: Final = {"b", "B", "A", "Z", "z"}
_COUNT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}")
_LENGTHS: Final = (0, 1, 2, 4, 8, 12, 16, 24, 32, 64)


def matching(pattern: str) -> Iterator[str]:
    """Strings that are likely to match, in several lengths; who asks has to check. None for an odd pattern."""
    for more in _LENGTHS:
        try:
            yield _Reader(pattern, more).alternatives()
        except (IndexError, ValueError):
            return


class _Reader:
    """Reads a pattern once, and writes what it asks for: ``more`` repetitions than it has to where it may."""

    def __init__(self, pattern: str, more: int) -> None:
        self._pattern = pattern
        self._at = 0
        self._more = more

    def alternatives(self) -> str:
        """The first alternative that is not empty, up to the end of the group."""
        texts = [self._sequence()]
        while self._at < len(self._pattern) and self._pattern[self._at] == "|":
            self._at += 1
            texts.append(self._sequence())
        return next((text for text in texts if text), "")

    def _sequence(self) -> str:
        text = ""
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            text += self._repeated(self._atom())
        return text

    def _atom(self) -> str:
        character = self._next()
        if character in "^$":
            return ""
        if character == "(":
            return self._group()
        if character == "[":
            return self._one_of()
        if character == ".":
            return "a"
        return self._escaped() if character == "\\" else character

    def _group(self) -> str:
        is_lookaround = re.compile(r"\?<?[=!]").match(self._pattern, self._at)
        prefix = re.compile(r"\?(?:P?<\w+>|<?[=!]|[a-z]*:)").match(self._pattern, self._at)
        if prefix:
            self._at = prefix.end()
        text = self.alternatives()
        self._at += 1
        return "" if is_lookaround else text

    def _escaped(self) -> str:
        character = self._next()
        if character in _NOTHING:
            return ""
        return _CLASSES.get(character) or _ESCAPES.get(character, character)

    def _one_of(self) -> str:
        is_not = self._pattern[self._at] == "^"
        self._at += is_not
        members = ""
        while True:
            character = self._next()
            if character == "]" and members:
                break
            members += self._escaped() if character == "\\" else character
        if not is_not:
            return members[0]
        return next(candidate for candidate in "a1-_ xyzA" if candidate not in members)

    def _repeated(self, text: str) -> str:
        sign = self._pattern[self._at] if self._at < len(self._pattern) else ""
        count = _COUNT.match(self._pattern, self._at)
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(sign, (1, 1))
        if count:
            least = int(count[1])
            most = (int(count[3]) if count[3] else None) if count[2] else least
            self._at = count.end()
        elif sign and sign in "*+?":
            self._at += 1
        else:
            return text
        if self._at < len(self._pattern) and self._pattern[self._at] in "?+":
            self._at += 1
        times = least + self._more
        return text * (times if most is None else min(times, most))

    def _next(self) -> str:
        character = self._pattern[self._at]
        self._at += 1
        return character
