"""What is wrong with a set-up, and the table of all that can be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from chanx.errors import ConfigurationError

Level: TypeAlias = Literal["error", "warning", "info"]

_LEVELS: Final[Mapping[str, Level]] = {"E": "error", "W": "warning", "I": "info"}

TITLES: Final[Mapping[str, str]] = {
    "chanx.W001": "no channel layer is configured",
    "chanx.W002": "the channel layer is in memory, and there are separate workers",
    "chanx.W003": "the core layer, and a socket_timeout that ends its receive()",
    "chanx.W004": "the core layer on Redis Cluster",
    "chanx.W005": "the core layer with several hosts",
    "chanx.W006": "the bridge publishes to another channel layer than consumers listen on, by the settings",
    "chanx.E007": "a channel layer does not deliver",
    "chanx.E008": "what this process publishes for jobs reaches no channel layer of its consumers",
    "chanx.E101": "DjangoJobStore is used, but its application is not installed",
    "chanx.E102": "the database of DjangoJobStore does not exist, or cannot be used",
    "chanx.W103": "the SQLite file of the jobs holds other tables too",
    "chanx.W104": "tables of the job store are missing",
    "chanx.W105": "the clock of the jobs' database differs from this host's",
    "chanx.E201": "the job store does not answer",
    "chanx.E202": "the job store is in memory, and there are separate workers",
    "chanx.E203": "the job store's server is too old",
    "chanx.E204": "the job store's server is a replica, which takes no writes",
    "chanx.E205": "the job store's server evicts keys",
    "chanx.W206": "the job store's server has room for a few full jobs only",
    "chanx.I207": "the job store's server writes nothing to disk",
    "chanx.W208": "the clock of the job store's server differs from this host's",
    "chanx.E301": "the broker does not answer",
    "chanx.E302": "no worker answers",
    "chanx.W303": "a worker has no bridge",
    "chanx.E304": "a worker keeps its jobs in another store",
    "chanx.E305": "what a worker publishes reaches no channel layer of the consumers",
    "chanx.W306": "a worker publishes to another channel layer than this process",
    "chanx.W307": "the clock of a worker differs from this host's",
    "chanx.E308": "no relay serves a worker on the event bus",
    "chanx.I309": "a result that cannot be stored at once fails its task",
    "chanx.W401": "a package of a version that chanx does not support",
    "chanx.W402": "a channel layer's package of a version that its publisher was not tested with",
    "chanx.W403": "a worker with another version of chanx",
    "chanx.W501": "uvicorn without a WebSocket library",
}
"""Every finding there is, by its id: E for an error, W for a warning, I for information."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``text`` names what is wrong and where, without secrets; ``fix`` says what to change."""

    id: str
    text: str
    fix: str

    def __post_init__(self) -> None:
        if self.id not in TITLES:
            raise ConfigurationError(f"There is no finding {self.id!r}: add it to chanx.doctor.finding.TITLES.")

    @property
    def level(self) -> Level:
        """How bad it is, by the letter of its id."""
        return _LEVELS[self.id.removeprefix("chanx.")[0]]
