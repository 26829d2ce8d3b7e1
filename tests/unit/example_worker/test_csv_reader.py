"""The CSV reader on files as people have them: every record is a row or a fault with its line, never a crash."""

from __future__ import annotations

import codecs
import csv
import io
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_worker import csv_lines
from example_worker.csv_lines import MAX_RECORD_CHARS
from example_worker.csv_reader import CsvReader, EmptyFileError, Fault, HeaderError, unique_names

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: str | bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


def read(path: Path) -> tuple[tuple[str, ...], list[list[str]], list[Fault]]:
    with CsvReader(path) as reader:
        records = list(reader)
        assert reader.position == reader.size
    rows = [record for record in records if not isinstance(record, Fault)]
    return reader.columns, rows, [record for record in records if isinstance(record, Fault)]


class TestRows:
    def test_quotes_commas_and_newlines_in_fields(self, write: Write) -> None:
        # Given fields with the delimiter, doubled quotes and line ends inside
        path = write('id,text\r\n1,"a, b"\r\n2,"she said ""no"""\r\n3,"two\r\nlines"\r\n')
        # When it is read
        columns, rows, faults = read(path)
        # Then each field is what was meant
        assert columns == ("id", "text")
        assert rows == [["1", "a, b"], ["2", 'she said "no"'], ["3", "two\r\nlines"]]
        assert faults == []

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_any_line_end_and_no_last_one(self, write: Write, newline: str) -> None:
        assert read(write(newline.join(["a,b", "1,2", "3,4"])))[1] == [["1", "2"], ["3", "4"]]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiter_is_found(self, write: Write, delimiter: str) -> None:
        # Given a file whose texts also contain other delimiters
        path = write("\n".join(delimiter.join(row) for row in [["a", "b", "c"], ["1.5", "x y", "z"], ["2", "", "u'v"]]))
        with CsvReader(path) as reader:
            assert reader.dialect.delimiter == delimiter
            assert len(list(reader)) == 2

    def test_decimal_commas_do_not_hide_semicolons(self, write: Write) -> None:
        assert read(write("a;b;c\n1,5;2,5;3\n1,5;2,5;4\n"))[1] == [["1,5", "2,5", "3"], ["1,5", "2,5", "4"]]

    def test_separator_line_of_excel(self, write: Write) -> None:
        columns, rows, faults = read(write("sep=;\r\na,x;b\r\n1;2\r\n"))
        assert (columns, rows, faults) == (("a,x", "b"), [["1", "2"]], [])

    def test_single_column(self, write: Write) -> None:
        assert read(write("name\nAnn\nBob\n"))[:2] == (("name",), [["Ann"], ["Bob"]])

    def test_blank_after_the_delimiter(self, write: Write) -> None:
        assert read(write('a, b\n1, "x, y"\n'))[:2] == (("a", "b"), [["1", "x, y"]])

    def test_blank_lines_are_skipped(self, write: Write) -> None:
        assert read(write("\n\na,b\n\n1,2\n   \n\n3,4\n\n"))[:2] == (("a", "b"), [["1", "2"], ["3", "4"]])

    def test_header_only(self, write: Write) -> None:
        assert read(write("a,b\n")) == (("a", "b"), [], [])


class TestHeader:
    def test_names_are_made_unique(self) -> None:
        assert unique_names(["a", "", " a ", "a_2", ""]) == ("a", "column_2", "a_2", "a_2_2", "column_5")

    @pytest.mark.parametrize("content", [b"", b"\n \r\n", codecs.BOM_UTF8, b",,\n", codecs.BOM_UTF16_LE])
    def test_nothing_in_the_file(self, write: Write, content: bytes) -> None:
        with pytest.raises(EmptyFileError):
            CsvReader(write(content))

    def test_unreadable_header(self, write: Write) -> None:
        with pytest.raises(HeaderError, match=r"line 2\) cannot be read: a quote is opened and never closed"):
            CsvReader(write('\n"a,b\n1,2\n'))

    def test_too_many_columns(self, write: Write) -> None:
        with pytest.raises(HeaderError, match="301 columns"):
            CsvReader(write("," * 300 + "x\n"), max_columns=300)


class TestFaults:
    def test_wrong_number_of_fields(self, write: Write) -> None:
        _, rows, faults = read(write('a,b\n1,"x\ny"\n2\n3,4,5\n6,7\n'))
        assert rows == [["1", "x\ny"], ["6", "7"]]
        assert faults == [
            Fault(4, "expected 2 fields, found 1", "2"),
            Fault(5, "expected 2 fields, found 3", "3,4,5"),
        ]

    def test_open_quote_costs_one_line_only(self, write: Write) -> None:
        # Given a quote that is never closed, far from the end
        path = write('a,b\n1,"open\n' + "".join(f"{n},x\n" for n in range(50_000)))
        # When it is read
        _, rows, faults = read(path)
        # Then all the other rows are there
        assert len(rows) == 50_000
        assert faults == [Fault(2, "a quote is opened and never closed, or the row is far too long", '1,"open')]

    def test_open_quote_at_the_end(self, write: Write) -> None:
        _, rows, faults = read(write('a,b\n1,"open\n2,x\n3,y'))
        assert rows == [["2", "x"], ["3", "y"]]
        assert faults == [Fault(2, "a quote is opened and never closed", '1,"open')]

    def test_open_quote_closed_by_a_later_field(self, write: Write) -> None:
        _, rows, faults = read(write('a,b\n1,"open\n2,x\n3,"y, z"\n'))
        assert rows == [["2", "x"], ["3", "y, z"]]
        assert [(fault.line, fault.text) for fault in faults] == [(2, '1,"open')]

    def test_text_after_the_closing_quote(self, write: Write) -> None:
        assert read(write('a,b\n1,"x"y\n'))[2] == [
            Fault(2, "a quoted field has text after its closing quote", '1,"x"y'),
        ]

    def test_nul(self, write: Write) -> None:
        _, rows, faults = read(write("a,b\n1,\0x\n2,y\n"))
        assert rows == [["2", "y"]]
        assert faults == [Fault(2, "it contains a NUL character", "1,\ufffdx")]

    def test_huge_field(self, write: Write) -> None:
        _, rows, faults = read(write(f"a,b\n1,{'x' * 200_000}\n2,y\n"))
        assert rows == [["2", "y"]]
        assert faults[0].reason == "a field is longer than 131,072 characters"
        assert len(faults[0].text) == 200

    def test_huge_line(self, write: Write) -> None:
        _, rows, faults = read(write(f"a,b\n1,{'x' * 3 * MAX_RECORD_CHARS}\n2,y\n3,{'x,' * MAX_RECORD_CHARS}"))
        assert rows == [["2", "y"]]
        assert [(fault.line, fault.reason) for fault in faults] == [
            (2, "the line is longer than 262,144 characters"),
            (4, "the line is longer than 262,144 characters"),
        ]

    def test_quotes_that_never_balance_need_no_memory(self, write: Write) -> None:
        # Given 4 MB in which every line closes a quote and opens another
        path = write("a,b\n" + 'x","y\n' * 700_000)
        with CsvReader(path) as reader:
            # When the first hundred records are read
            tracemalloc.start()
            faults = [record for record, _ in zip(reader, range(100), strict=False)]
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        # Then they are faults one after another, without holding the file
        assert [fault.line for fault in faults if isinstance(fault, Fault)] == list(range(2, 102))
        assert peak < 2_000_000


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "latin-1"])
    def test_is_found(self, write: Write, encoding: str) -> None:
        path = write("name,city\nJürgen,Köln\nZoë,Malmö\n".encode(encoding))
        columns, rows, faults = read(path)
        assert (columns, rows, faults) == (("name", "city"), [["Jürgen", "Köln"], ["Zoë", "Malmö"]], [])

    def test_utf_16_big_endian(self, write: Write) -> None:
        assert read(write(codecs.BOM_UTF16_BE + "a,b\né,ü\n".encode("utf-16-be")))[1] == [["é", "ü"]]

    def test_bytes_without_a_meaning_in_cp1252(self, write: Write) -> None:
        with CsvReader(write(b"a,b\n\x81,\xe9\n")) as reader:
            assert reader.encoding.name == "latin-1"
            assert list(reader) == [["\x81", "é"]]

    def test_late_bad_byte_in_a_large_utf_8_file(self, write: Write) -> None:
        # Given 3 MB of UTF-8 with one line of cp1252 at its end
        path = write(b"name,n\n" + "Jürgen Müller Straße,1\n".encode() * 120_000 + b"Z\xfcrich,2\nx,3\n")
        # When it is read
        _, rows, faults = read(path)
        # Then it stays UTF-8 and that line is a fault
        assert (len(rows), rows[0], rows[-1]) == (120_001, ["Jürgen Müller Straße", "1"], ["x", "3"])
        assert faults == [
            Fault(120_002, "it contains bytes that are not valid in the file's encoding", "Z\ufffdrich,2")
        ]

    def test_late_accent_in_an_ascii_file_is_cp1252(self, write: Write) -> None:
        _, rows, faults = read(write(b"name,n\n" + b"Ann,1\n" * 400_000 + b"Z\xfcrich,2\n"))
        assert (rows[-1], faults) == (["Zürich", "2"], [])

    def test_truncated_utf_16(self, write: Write) -> None:
        _, rows, faults = read(write("a,b\n1,2\n3,4".encode("utf-16") + b"\x31"))
        assert rows == [["1", "2"]]
        assert len(faults) == 1


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
tables = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(texts, min_size=width, max_size=width), min_size=1))


@given(rows=tables, delimiter=st.sampled_from(",;\t|"), newline=st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_writes_is_read_back(
    rows: list[list[str]], delimiter: str, newline: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Given any rows, as Python's own writer quotes them
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator=newline)
    writer.writerow([f"c{n}" for n in range(len(rows[0]))])
    writer.writerows(rows)
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(file.getvalue().encode())
    # Then the reader gives them back
    assert read(path)[1:] == (rows, [])


noise = st.text(st.sampled_from('ab",;\n\r\0é\ufffd'), max_size=80).map(str.encode) | st.binary(max_size=80)


@settings(max_examples=300)
@given(content=noise)
def test_any_bytes_are_read_to_the_end(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    # Given any bytes, and limits small enough to be met
    path = tmp_path_factory.getbasetemp() / "noise.csv"
    path.write_bytes(content)
    with patch.multiple(csv_lines, MAX_RECORD_CHARS=20, MAX_RECORD_LINES=3):
        try:
            columns, rows, faults = read(path)
        except (EmptyFileError, HeaderError):
            return
    # Then rows fit the header, and faults go forward through the file
    assert all(len(row) == len(columns) for row in rows)
    lines = [fault.line for fault in faults]
    assert lines == sorted(set(lines))
    assert all(len(fault.text) <= 200 and fault.text.isprintable() for fault in faults)
