"""Versions outside of what chanx supports by its own metadata, or was tested with: W401, W402, W403, and W501."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from chanx.doctor.finding import Finding
from chanx.errors import MissingExtraError
from chanx.layers.choice import TESTED
from chanx.utils.extras import need


def supported() -> dict[str, str]:
    """What chanx's extras ask for, by package: ``{"celery": ">=5.4", ...}``; empty where that cannot be known."""
    try:
        requirement, utils = need("packaging.requirements", extra="bridge"), need("packaging.utils", extra="bridge")
        lines = requires("chanx") or []
    except (MissingExtraError, PackageNotFoundError):
        return {}
    found: dict[str, str] = {}
    for wanted in map(requirement.Requirement, lines):
        # `extra` is all that chanx's markers ask for.
        found[utils.canonicalize_name(wanted.name)] = str(wanted.specifier)
    return found


def installed(packages: Mapping[str, str]) -> dict[str, str]:
    """The versions of those that this process has."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def unsupported(versions: Mapping[str, str], bounds: Mapping[str, str], *, where: str = "") -> Iterator[Finding]:
    """W401 and W402 for ``versions`` by package. ``where`` follows the text: `` on the worker celery@a``."""
    for package, number in sorted(versions.items()):
        bound = bounds.get(package)
        if bound and not need("packaging.specifiers", extra="bridge").SpecifierSet(bound).contains(
            number, prereleases=True
        ):
            yield Finding(
                "chanx.W401",
                f"{package} {number}{where} is not supported: chanx needs {package}{bound}.",
                f'pip install "{package}{bound}"',
            )
            continue
        tested = TESTED.get(package.replace("-", "_"))
        if tested and number.partition(".")[0] != tested:
            yield Finding(
                "chanx.W402",
                f"{package} {number}{where}: its channel layers were tested with version {tested} only, so they are "
                "published to through the layer itself, which is slower.",
                f'pip install "{package}=={tested}.*", or upgrade chanx.',
            )


def other_chanx(theirs: str | None, ours: str | None, *, worker: str) -> Iterator[Finding]:
    """W403 for a worker whose version is not that of this process."""
    if theirs and ours and theirs != ours:
        yield Finding(
            "chanx.W403",
            f"The worker {worker} runs chanx {theirs}, this process {ours}.",
            "Install the same version on all hosts, and restart what runs the older one.",
        )


def server_hints() -> Iterator[Finding]:
    """W501: what certainly cannot serve a WebSocket."""
    if any(find_spec(name) for name in ("daphne", "hypercorn", "granian", "websockets", "wsproto")):
        return
    if find_spec("uvicorn"):
        yield Finding(
            "chanx.W501",
            "uvicorn is installed, and neither websockets nor wsproto is: it refuses every WebSocket.",
            "pip install websockets",
        )
