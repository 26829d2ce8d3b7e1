"""A project under examination, and what is said of it, by ``chanx doctor`` and by ``manage.py chanx_doctor``."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from chanx.doctor.finding import Finding, Level
from chanx.doctor.secrets import without
from chanx.utils.extras import need

LEVELS: Final[Sequence[Level]] = ("error", "warning", "info")
NO_BRIDGE: Final = "The project has no Celery app with a bridge, so nothing was said of jobs."

Style: TypeAlias = Callable[[str, Level | None], str]
"""Makes a text stand out in a terminal, in the manner of a level or of none."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project as it is configured: its bridge, its consumers' layers, what its settings tell, what not to print."""

    bridge: Any
    layers: Mapping[str, Any]
    findings: Sequence[Finding]
    secrets: frozenset[str]

    def diagnosis(self, *, seconds: float) -> Diagnosis:
        """Asks everything there is to ask, each for so many seconds at most. Nothing is changed by it."""
        with _quiet():
            examined = need("chanx.doctor.examination", extra="bridge").examine(
                self.bridge, self.layers, seconds=seconds
            )
        # By the settings two names may be two servers; what was heard is certain.
        known = [found for found in self.findings if not (examined.listened and found.id == "chanx.W006")]
        findings = [self._shown(found) for found in (*known, *examined.findings)]
        findings.sort(key=lambda found: (LEVELS.index(found.level), found.id))
        looked_at = ("settings", "packages", *examined.looked_at)
        return Diagnosis(findings, looked_at, tuple(examined.workers), has_bridge=self.bridge is not None)

    def _shown(self, found: Finding) -> Finding:
        return Finding(found.id, without(self.secrets, found.text), without(self.secrets, found.fix))


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings, the worst first, and what they are of."""

    findings: Sequence[Finding]
    looked_at: Sequence[str]
    workers: Sequence[str]
    has_bridge: bool

    @property
    def has_errors(self) -> bool:
        return any(found.level == "error" for found in self.findings)

    @property
    def json(self) -> str:
        """``{"findings": [{"id", "level", "text", "fix"}, …], "looked_at": [words], "workers": [names]}``."""
        listed = [
            {"id": found.id, "level": found.level, "text": found.text, "fix": found.fix} for found in self.findings
        ]
        content = {"findings": listed, "looked_at": list(self.looked_at), "workers": list(self.workers)}
        return json.dumps(content, indent=2, ensure_ascii=False)

    def text(self, style: Style) -> str:
        lines = [line for found in self.findings for line in _lines(found, style)]
        lines.append(f"Looked at: {', '.join(self.looked_at)}.")
        if not self.has_bridge:
            lines.append(NO_BRIDGE)
        elif self.workers:
            lines.append(f"Workers that answered: {', '.join(self.workers)}.")
        errors, warnings = (sum(found.level == level for found in self.findings) for level in LEVELS[:2])
        lines.append(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}.")
        return "\n".join(lines)


def configuration(bridge: Any) -> Iterator[object]:
    """Where a bridge's secrets may be."""
    if bridge is not None:
        yield bridge.app.conf.table(censored=False)
        yield getattr(bridge.store, "url", None)


def _lines(found: Finding, style: Style) -> Iterator[str]:
    yield f"{style(f'{found.level:<7}', found.level)}  {style(found.id, None)}  {found.text}"
    yield f"         {found.fix}"
    yield ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@contextmanager
def _quiet() -> Generator[None]:
    """What libraries log of a server that is away is a finding already, and may hold what is not to be printed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
