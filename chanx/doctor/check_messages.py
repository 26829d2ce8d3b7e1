"""Findings as messages of Django's system checks, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.core.checks import ERROR, INFO, WARNING, CheckMessage

from chanx.doctor.finding import TITLES, Finding, Level

_LEVELS: Final[Mapping[Level, int]] = {"error": ERROR, "warning": WARNING, "info": INFO}


def messages_of(findings: Iterable[Finding]) -> list[CheckMessage]:
    """For ``manage.py check``."""
    return [CheckMessage(_LEVELS[finding.level], finding.text, hint=finding.fix, id=finding.id) for finding in findings]


def findings_of(messages: Iterable[CheckMessage]) -> list[Finding]:
    """Those of chanx's own checks."""
    return [
        Finding(message.id, str(message.msg), str(message.hint or ""))
        for message in messages
        if message.id is not None and message.id in TITLES
    ]
