"""Decides how a file's bytes become text, from all of its bytes and in constant memory.

A late byte that is no UTF-8 is common in exports that were joined from several sources, so a sample is not enough: one
pass over the whole file decides (about 1 GB/s for plain UTF-8), and only a file that fails it is counted line by line.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20
LINE = 1 << 16

# UTF-32 first: its little-endian mark begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNDEFINED_IN_CP1252 = b"\x81\x8d\x8f\x90\x9d"


@dataclass(frozen=True, slots=True)
class Encoding:
    """``name`` is a codec; with ``clean`` every byte of the file decodes, else decode with ``errors="replace"``."""

    name: str
    clean: bool


def detect_encoding(path: Path) -> Encoding:
    """A byte order mark decides; else UTF-8 if it is, or mostly is; else cp1252, or latin-1 where cp1252 has gaps.

    "Mostly" means that more of its non-ASCII lines are valid UTF-8 than not: then the others are damaged lines of a
    UTF-8 file, while in a cp1252 file hardly any non-ASCII line happens to be valid UTF-8.
    """
    with path.open("rb") as file:
        start = file.read(4)
    for mark, name in _MARKS:
        if start.startswith(mark):
            return Encoding(name, clean=_decodes(path, name))
    if _decodes(path, "utf-8"):
        return Encoding("utf-8", clean=True)
    valid, invalid, cp1252 = _count_lines(path)
    if valid > invalid:
        return Encoding("utf-8", clean=False)
    return Encoding("cp1252" if cp1252 else "latin-1", clean=True)


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _count_lines(path: Path) -> tuple[int, int, bool]:
    """Non-ASCII lines that are UTF-8, those that are not, and whether every byte means something in cp1252."""
    valid = invalid = 0
    cp1252 = True
    with path.open("rb") as file:
        while line := file.readline(LINE):
            if line.isascii():
                continue
            try:
                line.decode("utf-8")
                valid += 1
            except UnicodeDecodeError:
                invalid += 1
            cp1252 = cp1252 and not any(byte in line for byte in _UNDEFINED_IN_CP1252)
    return valid, invalid, cp1252
