"""The figures of the guide on sizing and of the comparisons: the README's, each with a benchmark that there is."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import DOCS, ROOT

PAGES = {name: (DOCS / name).read_text() for name in ("guides/sizing.md", "comparisons.md")}
BENCHMARKS = {path.stem for path in (ROOT / "tests" / "benchmarks").glob("bench_*.py")}
NUMBER = re.compile(r"\d[\d,.]*\d|\d")


def named(text: str) -> set[str]:
    return set(re.findall(r"\bbench_\w+", text))


@pytest.mark.parametrize("page", PAGES)
def test_the_benchmarks_are_there(page: str) -> None:
    assert named(PAGES[page]) <= BENCHMARKS


def test_every_benchmark_has_its_place() -> None:
    assert named("".join(PAGES.values())) == BENCHMARKS


def test_the_figures_for_sizing_are_those_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    measured = set(NUMBER.findall(readme[readme.index("\n## How fast\n") : readme.index("\n### Which server")]))
    rows = re.findall(r"^\| (.+?) \| (.+?) \| `bench_", PAGES["guides/sizing.md"], re.MULTILINE)

    assert len(rows) > 10
    for what, figure in rows:
        assert set(NUMBER.findall(f"{what} {figure}")) <= measured, f"the README has other figures for: {what}"
