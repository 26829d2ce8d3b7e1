"""The incremental profile of a table against a naive computation over all of its rows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_worker.kinds import Kind, join, kind_of
from example_worker.profile import DISTINCT_LIMIT, Column, ColumnProfile, Profile


def profile_of(values: list[str]) -> ColumnProfile:
    column = Column("x")
    for value in values:
        column.add(value)
    return column.snapshot()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("0", "integer"), ("-12", "integer"), ("+7", "integer"), ("1" * 18, "integer"),
        ("1" * 19, "text"), ("007", "text"), ("1_000", "text"), ("٣", "text"), ("-", "text"),
        ("1.5", "number"), (".5", "number"), ("5.", "number"), ("1e3", "number"), ("-2.5E-3", "number"),
        ("1e999", "text"), ("00.5", "text"), ("nan", "text"), ("inf", "text"), ("1,5", "text"), ("1.2.3", "text"),
        ("2025-02-28", "date"), ("2025-02-30", "text"), ("28.02.2025", "text"), ("20250228", "integer"),
        ("2025-02-28T10:00", "datetime"), ("2025-02-28 10:00:01.5", "datetime"), ("2025-02-28T10:00:00Z", "datetime"),
        ("2025-02-28T10:00:00+02:00", "datetime"), ("2025-02-28T25:00", "text"),
        ("true", "boolean"), ("No", "boolean"), ("y", "text"), ("x" * 10_000, "text"), ("1" * 10_000, "text"),
    ],
)  # fmt: skip
def test_kind_of_a_value(value: str, kind: Kind) -> None:
    assert kind_of(value)[0] == kind


kinds = st.sampled_from(["empty", "integer", "number", "date", "datetime", "boolean", "text"])


@given(kinds, kinds, kinds)
def test_the_order_of_values_does_not_matter(one: Kind, two: Kind, three: Kind) -> None:
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))


def test_type_firms_up_from_integer_to_number_to_text() -> None:
    column = Column("x")
    seen = [column.snapshot()]
    for value in ["1", "", "2.5", "n/a", "3"]:
        column.add(value)
        seen.append(column.snapshot())
    assert [profile.type for profile in seen] == ["empty", "integer", "integer", "number", "text", "text"]
    assert [(profile.min, profile.max, profile.mean) for profile in seen[3:5]] == [(1, 2.5, 1.75), (None, None, None)]


def test_distinct_is_exact_up_to_the_limit() -> None:
    # Given as many distinct values as are counted, then one that was seen, then a new one
    values = [f"v{n}" for n in range(DISTINCT_LIMIT)]
    assert profile_of([*values, "v0"]).distinct == DISTINCT_LIMIT
    more = profile_of([*values, "new"])
    assert (more.distinct, more.distinct_more, more.examples) == (None, True, ["v0", "v1", "v2"])


def test_long_values_are_told_apart_and_shown_short() -> None:
    profile = profile_of(["x" * 100_000 + end for end in "abba"])
    assert profile.distinct == 2
    assert profile.examples == ["x" * 39 + "…"] * 2


def test_dates_have_an_earliest_and_a_latest() -> None:
    profile = profile_of(["2024-02-29", "", "1999-12-31", "2025-01-01"])
    assert (profile.type, profile.min, profile.max, profile.mean) == ("date", "1999-12-31", "2025-01-01", None)


def test_times_are_compared_across_their_offsets_and_shown_as_written() -> None:
    # Given noon in Vienna, which is before noon UTC, and a date, which is its midnight
    profile = profile_of(["2025-06-01T12:00+02:00", "2025-06-01T12:00Z", "2025-06-01T11:00", "2025-06-01"])
    assert (profile.type, profile.min, profile.max) == ("datetime", "2025-06-01", "2025-06-01T12:00Z")
    # And at the ends of the calendar
    profile = profile_of(["9999-12-31T23:59-12:00", "0001-01-01T00:00+12:00"])
    assert (profile.min, profile.max) == ("0001-01-01T00:00+12:00", "9999-12-31T23:59-12:00")


def test_a_column_that_turns_out_to_be_text_has_no_dates() -> None:
    profile = profile_of(["2025-01-01", "soon"])
    assert (profile.type, profile.min, profile.max) == ("text", None, None)
    profile = profile_of(["2025-01-01", "7"])
    assert (profile.type, profile.min, profile.max, profile.mean) == ("text", None, None, None)


def test_a_sum_too_large_for_a_float_gives_no_mean() -> None:
    profile = profile_of(["1e308", "1e308"])
    assert (profile.max, profile.mean) == (1e308, None)


values = st.one_of(
    st.sampled_from(["", "  ", "yes", "2025-01-31", "2025-01-31 10:00", "x"]),
    st.integers(-(10**12), 10**12).map(str),
    st.floats(-1e9, 1e9).map(repr),
    st.text(max_size=8),
)
dates = st.dates().map(str) | st.datetimes().map(lambda time: time.isoformat(" ", "seconds"))
columns = (
    st.lists(values, max_size=40)
    | st.lists(dates, max_size=40)
    | st.lists(st.integers(-(10**17), 10**17).map(str), max_size=40)
)


@settings(max_examples=200)
@given(columns)
def test_equals_the_naive_computation(column: list[str]) -> None:
    # Given any values
    filled = [value.strip() for value in column if value.strip()]
    seen = {kind_of(value)[0] for value in filled}
    numbers = [number for value in filled if isinstance(number := kind_of(value)[1], int | float)]
    # When they are profiled one by one
    profile = profile_of(column)
    # Then every figure is the one over the whole list
    assert (profile.count, profile.empty) == (len(filled), len(column) - len(filled))
    assert profile.distinct == len(set(filled))
    assert len(profile.examples) == min(3, len(set(filled)))
    if not seen:
        assert profile.type == "empty"
    elif seen <= {"integer", "number"}:
        assert profile.type == ("number" if "number" in seen else "integer")
        assert (profile.min, profile.max) == (min(numbers), max(numbers))
        assert profile.mean is not None
        tolerance = 1e-9 * (1 + sum(map(abs, numbers)))
        assert math.isclose(profile.mean, math.fsum(numbers) / len(numbers), abs_tol=tolerance)
    elif seen <= {"date", "datetime"}:
        assert profile.type == ("datetime" if "datetime" in seen else "date")
        # Of this strategy's, the texts are in the order of the times.
        assert (profile.min, profile.max, profile.mean) == (min(filled), max(filled), None)
    else:
        assert (profile.min, profile.max, profile.mean) == (None, None, None)
        if len(seen) > 1:
            assert profile.type == "text"


def test_a_table_counts_its_rows_and_names_its_columns() -> None:
    profile = Profile(["a", "b"])
    for row in [["1", "x"], ["2", ""]]:
        profile.add(row)
    table = profile.snapshot()
    assert (table.rows, [column.name for column in table.columns]) == (2, ["a", "b"])
    assert [column.empty for column in table.columns] == [0, 1]
