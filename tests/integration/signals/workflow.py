"""Workflows whose executions are known beforehand: what each signature runs, it notes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from celery import chain, chord, group
from celery.canvas import Signature

from tests.integration.signals import app


class Workflow:
    """Makes the signatures of one workflow. ``labels`` are its executions, and how often each happens."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.labels: Counter[str] = Counter()

    def step(self, label: str, task: Any = app.step) -> Signature[Any]:
        self.labels[label] += 1
        return task.s(key=self.key, label=label)

    def retrying(self, label: str) -> Signature[Any]:
        self.labels.update(f"{label}{attempt}" for attempt in range(3))
        return app.retrying_step.s(key=self.key, label=label)

    def nesting(self, label: str, *inner: str, task: Any = app.nesting_step) -> Signature[Any]:
        self.labels.update([label, *inner])
        return task.s(key=self.key, label=label, inner=list(inner))

    def caring(self, label: str) -> Signature[Any]:
        self.labels.update([label, f"{label}-failing", f"{label}-errback"])
        return app.caring_step.s(key=self.key, label=label)

    def replaced(self, label: str, by: Signature[Any]) -> Signature[Any]:
        self.labels[label] += 1
        return app.replaced_step.s(key=self.key, label=label, by=by)

    def linked(self, label: str, *callbacks: Signature[Any]) -> Signature[Any]:
        signature = self.step(label, app.plain_step)
        for callback in callbacks:
            signature.link(callback)
        return signature


def everything(key: str) -> tuple[Workflow, Signature[Any]]:
    """A workflow of 39 executions in which tasks come to be in every way that Celery has; its last step is "end"."""
    flow = Workflow(key)
    canvas = chain(
        flow.step("begin"),
        flow.nesting("nesting", "nested 1", "nested 2", "nested 3"),
        group(flow.step(f"group {member}") for member in range(4)),
        flow.step("after the group"),
        chord(
            [
                flow.step("header 1"),
                flow.step("header 2"),
                flow.retrying("retrying"),
                flow.nesting("header 3", "n", "m"),
            ],
            flow.step("body"),
        ),
        flow.replaced("replaced by a chain", chain(flow.step("chain 1"), flow.step("chain 2"))),
        flow.replaced("replaced by a chord", chord([flow.step("chord 1"), flow.step("chord 2")], flow.step("chord 3"))),
        flow.linked("linked", flow.step("callback"), flow.nesting("nesting callback", "nested by a callback")),
        flow.caring("caring"),
        group(chain(flow.step("a1"), flow.step("a2")), chain(flow.step("b1"), flow.step("b2"))),
        flow.step("after the chains"),
        flow.step("end"),
    )
    return flow, canvas
