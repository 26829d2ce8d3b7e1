"""Checking what consumers send in tests against their AsyncAPI documents.

any consumer ─> frame ─> its channel, or its topic's ─> the message the document has there ─> Violation, or nothing
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, cast

from chanx.asyncapi.changes import Change
from chanx.asyncapi.comparing import changes_between
from chanx.core.connection import Connection
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import ContractViolationError, DocumentError
from chanx.testing.frame_checks import FrameChecks, Violation
from chanx.testing.frame_schemas import DocumentFrames
from chanx.testing.sent_frames import unwatch_sends, watch_sends
from chanx.utils.extras import need

Document: TypeAlias = Mapping[str, Any] | str | Path
"""An AsyncAPI document, or the file that has it, in JSON or YAML."""

MAX_TOLD = 20
"""How many violations a failure lists."""


class ContractChecker:
    """Checks every frame that any consumer of this process sends while it is on::

        with ContractChecker() as contract:
            ...  # connect, send, receive
        # raises ContractViolationError here if a frame was none that the document has

    Each consumer is held to the document made from its own class, or all of them to ``document``, the one that was
    published: then whatever has drifted from it is found. Frames of chanx itself (``complete``, ``error``,
    ``authentication``, …) are in no document, and are known. ``violations`` has what was found so far, each kind once.
    Raises ``DocumentError`` for a document that cannot be read, ``MissingExtraError`` without jsonschema.
    """

    def __init__(self, document: Document | None = None) -> None:
        need("jsonschema", extra="testing")
        self.violations: list[Violation] = []
        source = str(document) if isinstance(document, str | Path) else None
        self._checks = FrameChecks(None if document is None else _frames(document), source)
        self._known: set[tuple[str, str, str]] = set()

    def start(self) -> None:
        """Check frames from now on."""
        watch_sends(self._watch)

    def stop(self) -> None:
        """Check no more. Harmless where it is off."""
        unwatch_sends(self._watch)

    def check_frame(self, consumer: type[ChanxWebsocketConsumerMixin[Any]], text: str) -> Violation | None:
        """What is wrong with a frame that a consumer of this class sends, told and not kept; None if nothing is."""
        own = consumer.camelize
        return self._checks.violation(consumer, text, camelize=consumer.config.camelize if own is None else own)

    def report(self) -> str:
        """The violations in words, empty if there are none. They are forgotten, so that each is told once."""
        told, self.violations = self.violations, []
        return _told(told) if told else ""

    def assert_kept(self) -> None:
        """Raise ``ContractViolationError`` if there are violations, and forget them."""
        if report := self.report():
            raise ContractViolationError(report)

    def __enter__(self) -> ContractChecker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is None:
            self.assert_kept()
        elif report := self.report():
            error.add_note(report)

    def _watch(self, connection: Connection, message: dict[str, Any]) -> None:
        text = message.get("text")
        if message.get("type") != "websocket.send" or not isinstance(text, str):
            return
        consumer = cast("type[ChanxWebsocketConsumerMixin[Any]]", type(connection))
        violation = self._checks.violation(consumer, text, camelize=connection.should_camelize)
        if violation is not None and violation.kind not in self._known:
            self._known.add(violation.kind)
            self.violations.append(violation)


def assert_compatible(committed: Document, current: Document) -> None:
    """Fail where ``current`` breaks clients that were written for the ``committed`` document, with every such change.

    Raises ``ContractViolationError`` (an ``AssertionError``); ``DocumentError`` where one of the two cannot be read.
    """
    found = changes_between(loaded(committed), loaded(current))
    breaking = [change for change in found if change.severity == "breaking"]
    if breaking:
        lines = "\n".join(f"  {_place(change)}: {change.text}" for change in breaking)
        count = f"{len(breaking)} breaking change{'' if len(breaking) == 1 else 's'}"
        raise ContractViolationError(f"{count} since the committed document. If meant, write it anew:\n{lines}")


def loaded(document: Document) -> dict[str, Any]:
    """The document, read from its file where it is a path. Raises ``DocumentError`` if it cannot be read."""
    if isinstance(document, Mapping):
        return dict(document)
    path = Path(document)
    try:
        text = path.read_text(encoding="utf-8")
        content: Any = json.loads(text) if path.suffix.lower() == ".json" else _yaml(text)
    except (OSError, ValueError) as error:
        raise DocumentError(f"The AsyncAPI document {path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise DocumentError(f"The AsyncAPI document {path} is no object: {str(content)[:80]!r}")  # pyright: ignore[reportUnknownArgumentType] -- any JSON
    return cast("dict[str, Any]", content)


def _frames(document: Document) -> DocumentFrames:
    if isinstance(document, Mapping):
        return DocumentFrames(document)
    path = Path(document).absolute()
    try:
        status = path.stat()
    except OSError as error:
        raise DocumentError(f"The AsyncAPI document {document} cannot be read: {error}") from error
    return _frames_of_file(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _frames_of_file(path: Path, changed: int, size: int) -> DocumentFrames:
    """What a file says, as long as it stays as it is: every test of a project has the same one."""
    return DocumentFrames(loaded(path))


def _yaml(text: str) -> Any:
    yaml = need("yaml", extra="cli")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _place(change: Change) -> str:
    return f"{change.channel}, {change.where}" if change.where else change.channel


def _told(violations: list[Violation]) -> str:
    more = len(violations) - MAX_TOLD
    lines = [str(violation) for violation in violations[:MAX_TOLD]] + ([f"… and {more} more"] if more > 0 else [])
    return "Frames that the AsyncAPI document does not have:\n\n" + "\n\n".join(lines)
