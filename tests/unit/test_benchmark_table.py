"""The table of ``make bench``: what a benchmark tells, what is made of it, and what a failure looks like."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks import __main__ as runner
from tests.benchmarks.headlines import FILE_VARIABLE, Headline, headline, headlines
from tests.benchmarks.table import COLUMNS, Outcome, figure, table

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
_VALUES = st.floats(allow_nan=False, allow_infinity=False)
_HEADLINES = st.builds(
    Headline, _TEXTS, _VALUES, _TEXTS, _TEXTS, st.none() | _VALUES, st.none() | _VALUES, st.just("") | _TEXTS
)
_OUTCOMES = st.builds(Outcome, _TEXTS, st.lists(_HEADLINES, max_size=3), st.just("") | _TEXTS)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the runner would have a benchmark write."""
    file = tmp_path / "headlines"
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    return file


class TestWhatABenchmarkTells:
    def test_a_figure_alone(self, file: Path) -> None:
        headline("lost", 0, "events", target="0")
        assert [*headlines(file)] == [Headline("lost", 0.0, "events", target="0")]

    def test_the_ratio_is_what_the_figures_make_it(self, file: Path) -> None:
        headline("one event", 30, "µs", against=("bare", 20), target=2)
        headline("one event", 30, "µs", against=("bare", 0))
        headline("one event", 30, "µs", against=("bare", 20), ratio=1.4)
        headline("one event", 30, "µs", against="a guess", ratio=1.4)
        lines = [*headlines(file)]
        assert [line.ratio for line in lines] == [1.5, None, 1.4, 1.4]
        assert [line.target for line in lines] == ["ratio <= 2", "", "", ""]
        assert lines[3].compared_with == "a guess"

    def test_a_target_of_a_third_is_short(self, file: Path) -> None:
        headline("one event", 30, "µs", against=("bare", 90), target=1 / 3)
        assert [line.target for line in headlines(file)] == ["ratio <= 0.333"]

    def test_nothing_alone(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(FILE_VARIABLE)
        headline("one event", 30, "µs")
        assert not file.exists()

    @given(given=st.lists(_HEADLINES))
    def test_all_of_it_arrives_in_order(self, given: list[Headline], tmp_path_factory: pytest.TempPathFactory) -> None:
        file = tmp_path_factory.mktemp("given") / "headlines"
        file.touch()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(FILE_VARIABLE, str(file))
            for line in given:
                against = line.compared_with if line.other_value is None else (line.compared_with, line.other_value)
                headline(line.what, line.value, line.unit, against=against, ratio=line.ratio, target=line.target)
        found = [*headlines(file)]
        assert [(line.what, line.value, line.unit, line.compared_with, line.other_value) for line in found] == [
            (line.what, line.value, line.unit, line.compared_with, line.other_value) for line in given
        ]
        for told, read in zip(given, found, strict=True):
            if told.ratio is not None:
                assert read.ratio == told.ratio


class TestFigures:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (7, "7"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.1234, "0.12"),
            (0.01234, "0.012"),
            (123.4, "123"),
            (1234567.8, "1,234,568"),
            (-3.21, "-3.21"),
            (math.nan, "nan"),
        ],
    )
    def test_digits_that_count(self, value: float, text: str) -> None:
        assert figure(value) == text

    def test_with_a_unit(self) -> None:
        assert figure(12.34, "ms") == "12.3 ms"

    @given(value=st.floats(min_value=0.001, max_value=1e9))
    def test_near_what_was_measured(self, value: float) -> None:
        assert float(figure(value).replace(",", "")) == pytest.approx(value, rel=0.051)


class TestTheTable:
    def test_as_people_read_it(self) -> None:
        outcomes = [
            Outcome(
                "publish",
                [
                    Headline("one event", 18.24, "µs", "bare", 12.0, 1.52, "ratio <= 2"),
                    Headline("a batch", 5.0, "µs"),
                ],
            ),
            Outcome("faults", [Headline("lost", 0.0, "events")], "exit code 1"),
        ]
        assert table(outcomes).splitlines() == [
            "benchmark  what                    chanx  compared with  ratio  target",
            "---------  -------------------  --------  -------------  -----  ----------",
            "publish    one event             18.2 µs  12 µs, bare     1.52  ratio <= 2",
            "           a batch                  5 µs",
            "faults     lost                 0 events",
            "           FAILED: exit code 1",
        ]

    @pytest.mark.parametrize(("ratio", "text"), [(0.01234, "0.012"), (0.5, "0.50"), (1.0, "1.00"), (56.66, "56.66")])
    def test_a_ratio(self, ratio: float, text: str) -> None:
        line = table([Outcome("publish", [Headline("one event", 1.0, "µs", "bare", ratio=ratio)])]).splitlines()[2]
        assert line.split()[-1] == text

    def test_of_nothing(self) -> None:
        assert table([]).split() == [*" ".join(COLUMNS).split(), *("-" * len(name) for name in COLUMNS)]

    @given(outcomes=st.lists(_OUTCOMES, max_size=4))
    def test_columns_start_in_the_same_place_on_every_line(self, outcomes: list[Outcome]) -> None:
        _, dashes, *lines = table(outcomes).split("\n")
        assert len(lines) == sum(len(outcome.figures) + bool(outcome.failure) for outcome in outcomes)
        gaps = [place for place, character in enumerate(dashes) if character == " "]
        assert len(gaps) == 2 * (len(COLUMNS) - 1)
        for line in lines:
            assert {line[place : place + 1] for place in gaps} <= {" ", ""}

    @given(outcomes=st.lists(_OUTCOMES, max_size=4))
    def test_every_failure_is_in_it(self, outcomes: list[Outcome]) -> None:
        text = table(outcomes)
        assert text.count("FAILED: ") >= sum(bool(outcome.failure) for outcome in outcomes)


def _program(source: str) -> Sequence[str]:
    return [sys.executable, "-c", source]


_TELLS = "from tests.benchmarks.headlines import headline; print('at length'); headline('one event', 3, 'µs'); "


class TestTheRunner:
    def test_one_that_works(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert runner.run({"good": _program(_TELLS)}) == 0
        printed = capfd.readouterr()
        assert printed.out.splitlines()[2].split() == ["good", "one", "event", "3", "µs"]
        assert "at length" in printed.err
        assert "at length" not in printed.out

    def test_one_that_fails_is_a_row_and_the_rest_goes_on(self, capfd: pytest.CaptureFixture[str]) -> None:
        commands = {"bad": _program(_TELLS + "raise SystemExit(3)"), "good": _program(_TELLS)}
        assert runner.run(commands) == 1
        rows = capfd.readouterr().out.splitlines()[2:]
        assert [row.split()[:2] for row in rows] == [["bad", "one"], ["FAILED:", "exit"], ["good", "one"]]
        assert "exit code 3" in rows[1]

    def test_one_that_tells_nothing_has_failed(self, capfd: pytest.CaptureFixture[str]) -> None:
        assert runner.run({"silent": _program("")}) == 1
        assert "FAILED: it has given no figures" in capfd.readouterr().out

    def test_an_interruption_shows_what_there_is(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(name: str, command: Sequence[str]) -> Outcome:
            if name == "second":
                raise KeyboardInterrupt
            return Outcome(name, [Headline("one event", 3.0, "µs")])

        monkeypatch.setattr(runner, "outcome", interrupted)
        assert runner.run({"first": [], "second": [], "third": []}) == 1
        rows = capfd.readouterr().out.splitlines()[2:]
        assert [row.split()[:2] for row in rows] == [["first", "one"], ["second", "FAILED:"], ["third", "FAILED:"]]

    def test_names_with_and_without_the_prefix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ran: list[dict[str, Sequence[str]]] = []

        def run(commands: dict[str, Sequence[str]]) -> int:
            ran.append(commands)
            return 0

        monkeypatch.setattr(runner, "run", run)
        assert runner.main(["bench_publish", "replay", "--quick"]) == 0
        assert [[*command][2:] for command in ran[0].values()] == [
            ["tests.benchmarks.bench_publish"],
            ["tests.benchmarks.bench_replay", *runner.QUICK["replay"]],
        ]

    def test_a_name_that_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            runner.main(["nothing"])
        assert ended.value.code == 2
        assert "no such benchmark: nothing" in capsys.readouterr().err

    def test_the_readme_has_a_paragraph_on_each(self) -> None:
        text = Path(runner.__file__).with_name("README.md").read_text(encoding="utf-8")
        assert [name for name in runner.benchmarks() if f"\n**{name}** (" not in text] == []

    def test_short_runs_are_of_benchmarks_that_are_there(self) -> None:
        assert {*runner.QUICK} <= {*runner.benchmarks()}
