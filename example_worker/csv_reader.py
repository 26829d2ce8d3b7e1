"""Reads a CSV file as people upload them, record by record in constant memory, and never stops at a bad row.

bytes ─> csv_encoding ─> text ─> csv_lines ─> csv.reader ─> a row, or a Fault with its line number
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self

from example_worker.csv_dialect import Dialect, detect_dialect, separator_line
from example_worker.csv_encoding import Encoding, detect_encoding
from example_worker.csv_lines import MAX_RECORD_CHARS, Lines, RecordError
from example_worker.text import shorten

SAMPLE_LINES = 200
MAX_NAME = 60
MAX_TEXT = 200


class EmptyFileError(Exception):
    """The file has no line with anything in it."""


class HeaderError(Exception):
    """The first row cannot serve as column names; the text is the reason, for people."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that is left out: the physical line it begins at (from 1), why, and its shortened text."""

    line: int
    reason: str
    text: str


class CsvReader:
    """Iterates over the records below the header: ``list[str]`` as long as ``columns``, or a :class:`Fault`.

    Blank lines are skipped. After a record that is no CSV (an open quote, say) reading goes on at the next physical
    line. ``position`` and ``size`` are bytes: the total is known from the start, so a bar and an estimate are honest
    without reading the file twice to count its rows; ``position`` runs ahead of the rows by less than 16 KiB.

    Raises EmptyFileError and HeaderError when it is opened.
    """

    def __init__(self, path: Path, *, max_columns: int = 200) -> None:
        self.size = path.stat().st_size
        self.encoding: Encoding = detect_encoding(path)
        self._bytes = path.open("rb")
        self._file = TextIOWrapper(self._bytes, encoding=self.encoding.name, errors="replace", newline="")
        try:
            self.dialect: Dialect = detect_dialect(self._sample())
            self._lines = Lines(self._file, clean=self.encoding.clean)
            self._parser = csv.reader(
                self._lines, delimiter=self.dialect.delimiter, skipinitialspace=self.dialect.skip_space, strict=True
            )
            self.columns = self._header(max_columns)
        except BaseException:
            self._file.close()
            raise

    @property
    def position(self) -> int:
        """How many bytes have been read."""
        return self._bytes.tell()

    def __iter__(self) -> Iterator[list[str] | Fault]:
        width = len(self.columns)
        while (record := self._next()) is not None:
            if isinstance(record, Fault) or len(record) == width:
                yield record
            elif len(record) > 1 or record[0].strip():
                yield self._fault(f"expected {width} fields, found {len(record)}")

    def _next(self) -> list[str] | Fault | None:
        """The next record that is not blank; None at the end."""
        while True:
            self._lines.begin_record()
            try:
                fields = next(self._parser)
            except StopIteration:
                return None
            except RecordError as error:
                return self._reject(str(error))
            except csv.Error as error:
                return self._reject(_reason(error, lines=self._lines.taken))
            if self._lines.fault:
                return self._fault(self._lines.fault)
            if fields:
                return fields

    def _reject(self, reason: str) -> Fault:
        fault = self._fault(reason)
        self._lines.rewind()
        return fault

    def _fault(self, reason: str) -> Fault:
        return Fault(self._lines.first_number, reason, shorten(self._lines.first, MAX_TEXT))

    def _header(self, max_columns: int) -> tuple[str, ...]:
        header = self._next()
        while isinstance(header, list) and (not any(map(str.strip, header)) or separator_line(self._lines.first)):
            header = self._next()
        if header is None:
            raise EmptyFileError
        if isinstance(header, Fault):
            raise HeaderError(f"The header row (line {header.line}) cannot be read: {header.reason}.")
        if len(header) > max_columns:
            raise HeaderError(f"The file has {len(header):,} columns; at most {max_columns:,} are allowed.")
        return unique_names(header)

    def _sample(self) -> list[str]:
        lines: list[str] = []
        chars = 0
        while (
            len(lines) < SAMPLE_LINES and chars < MAX_RECORD_CHARS and (line := self._file.readline(MAX_RECORD_CHARS))
        ):
            lines.append(line)
            chars += len(line)
        self._file.seek(0)
        return lines

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def unique_names(header: list[str]) -> tuple[str, ...]:
    """Column names that tell the columns apart: an empty one becomes ``column_3``, a repeated one ``name_2``."""
    taken: set[str] = set()
    names: list[str] = []
    for number, field in enumerate(header, start=1):
        base = shorten(field.strip(), MAX_NAME) or f"column_{number}"
        name, repeat = base, 1
        while name in taken:
            repeat += 1
            name = f"{base}_{repeat}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _reason(error: csv.Error, *, lines: int) -> str:
    """What the csv module means, for people."""
    text = str(error)
    too_long = text.startswith("field larger")
    if text.startswith("unexpected end") or (too_long and lines > 1):
        return "a quote is opened and never closed"
    if too_long:
        return f"a field is longer than {csv.field_size_limit():,} characters"
    if "expected after" in text:
        return "a quoted field has text after its closing quote"
    return text
