"""Faults at random times in a job of 5,000 events with 20 watching clients, on the real stack: what was lost.

python -m tests.benchmarks.bench_faults [--events 5000] [--clients 20] [--rounds 1] [fault …]
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.headlines import headline
from tests.faults.fault_run import Report, run_with_fault
from tests.faults.faults import FAULTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", default=list(FAULTS))
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--per-second", type=float, default=300.0)
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    columns = [name for name in Report.__dataclass_fields__ if name != "fault"]
    print("fault".ljust(14), *(name.rjust(max(len(name), 7)) for name in columns))
    reports: list[Report] = []
    for fault in chosen.faults * chosen.rounds:
        with tempfile.TemporaryDirectory() as directory:
            report = asyncio.run(
                run_with_fault(
                    fault,
                    Path(directory),
                    events=chosen.events,
                    clients=chosen.clients,
                    per_second=chosen.per_second,
                    seed=random.randrange(10**6),
                    within=120,
                )
            )
        reports.append(report)
        values = asdict(report)
        print(fault.ljust(14), *(_cell(values[name]).rjust(max(len(name), 7)) for name in columns), flush=True)
    tell(reports)


def tell(reports: Sequence[Report]) -> None:
    """The figures of the table: of all faults together."""
    acknowledged = sum(report.acknowledged for report in reports)
    seen = f"of {acknowledged:,} that the log acknowledged"
    headline(
        f"lost to a client, {len(reports)} faults", sum(r.lost for r in reports), "events", against=seen, target="0"
    )
    for what, count in (
        ("twice in a client's view", sum(report.duplicated for report in reports)),
        ("out of order in a client's view", sum(report.out_of_order for report in reports)),
        ("neither in the log nor in a job_gap", sum(report.unreported for report in reports)),
    ):
        headline(what, count, "events", target="0")
    headline("from the fault to the end of the job, the longest", max(report.to_terminal for report in reports), "s")


def _cell(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
