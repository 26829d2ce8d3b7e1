"""``chanx diff``: what changed between two documents, and what of it breaks clients."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, NoReturn

import click

from chanx.asyncapi.changes import Change, Severity
from chanx.asyncapi.comparing import changes_between
from chanx.client_generator.loader import SchemaLoader
from chanx.errors import ChanxError

_BREAKING_EXIT: Final = 1
_MOST_PLACES: Final = 5

_COLOURS: Final[Mapping[Severity, str]] = {"breaking": "red", "compatible": "green"}


class _CannotCompare(click.ClickException):
    exit_code = 2


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to tell it.",
)
def diff(old: str, new: str, format_: str) -> None:
    """Name what changed from the AsyncAPI document OLD to NEW (files or URLs, JSON or YAML).

    A version in git: chanx diff <(git show main:asyncapi.json) asyncapi.json

    Exit code 0: clients written for OLD work with NEW. 1: some may not. 2: the documents cannot be compared.
    """
    documents = {source: _loaded(source) for source in (old, new)}
    for source, document in documents.items():
        try:
            changes_between(document, document)  # so that it is clear which of the two is broken
        except ChanxError as error:
            _fail(source, error)
    changes = changes_between(documents[old], documents[new])
    click.echo(as_json(changes) if format_ == "json" else as_text(changes))
    if any(change.severity == "breaking" for change in changes):
        raise SystemExit(_BREAKING_EXIT)


def as_text(changes: Sequence[Change]) -> str:
    """The changes by channel, breaking ones first, and how many there are. Coloured; click drops that elsewhere.

    Of one that a message has in very many places, because its types share a type, the first places are shown.
    """
    if not changes:
        return "No changes."
    lines: list[str] = []
    for channel in dict.fromkeys(change.channel for change in changes):
        lines += [click.style(channel, bold=True)]
        of_channel = [change for change in changes if change.channel == channel]
        lines += _lines(sorted(of_channel, key=lambda change: change.severity))
        lines += [""]
    breaking = sum(change.severity == "breaking" for change in changes)
    return "\n".join([*lines, f"{_count(breaking, 'breaking')}, {_count(len(changes) - breaking, 'compatible')}."])


def as_json(changes: Sequence[Change]) -> str:
    """The changes as a JSON object: ``{"breaking": 1, "compatible": 0, "changes": [...]}``."""
    content: dict[str, Any] = {
        severity: sum(change.severity == severity for change in changes) for severity in ("breaking", "compatible")
    }
    return json.dumps({**content, "changes": [asdict(change) for change in changes]}, indent=2, ensure_ascii=False)


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    alike: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        message, _, path = change.where.partition(", ")
        alike.setdefault((change.severity, message, path.rpartition(".")[2], change.text), []).append(change)
    for places in alike.values():
        yield from map(_line, places[:_MOST_PLACES])
        if (more := len(places) - _MOST_PLACES) > 0:
            yield f"              and the same in {more} more place{'' if more == 1 else 's'}: --format json has them"


def _line(change: Change) -> str:
    severity = click.style(f"{change.severity:<10}", fg=_COLOURS[change.severity])
    return f"  {severity}  {change.where or 'the channel'}: {change.text}"


def _count(number: int, severity: Severity) -> str:
    return f"{number} {severity} change{'' if number == 1 else 's'}"


def _loaded(source: str) -> dict[str, Any]:
    try:
        return SchemaLoader.load(source)
    except ChanxError as error:
        _fail(source, error)


def _fail(source: str, error: ChanxError) -> NoReturn:
    text = str(error)
    raise _CannotCompare(text if source in text else f"{source}: {text}") from error
