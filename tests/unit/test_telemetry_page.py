"""The page about metrics has every metric, as the code has it."""

import re
from pathlib import Path

from chanx.bridge.entry import AppendStatus
from chanx.metrics import METRICS, Metric

PAGE = (Path(__file__).parents[2] / "docs/operations/metrics.md").read_text()


def row(metric: Metric) -> str:
    attributes = ", ".join(f"`{name}`" for name in metric.attributes)
    cells = [f"`{metric.name}`", metric.kind.replace("_", "-"), f"`{metric.unit}`", attributes, metric.description]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def rows(heading: str) -> list[str]:
    _, _, table = PAGE.partition(f"| {heading} |")
    body, _, _ = table.partition("\n\n")
    return body.splitlines()[2:]


def test_every_metric_is_there_as_it_is() -> None:
    assert rows("Metric") == [row(metric) for metric in METRICS]


def test_every_attribute_is_explained() -> None:
    explained = [line.split("`")[1] for line in rows("Attribute")]

    assert sorted(explained) == sorted({name for metric in METRICS for name in metric.attributes})


def test_every_status_is_named() -> None:
    (line,) = (line for line in rows("Attribute") if line.startswith("| `chanx.status` "))

    assert set(re.findall(r"`([a-z]+)`", line)) == {*AppendStatus, "error"}
