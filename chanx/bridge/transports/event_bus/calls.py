"""What goes over the event bus: calls of a job store's methods, as JSON, and their answers.

call:    {"v": 1, "op": "append", "arguments": {"entry": {…}}, "ticket": "…", "reply_to": "…", "after": 41}
answer:  {"ticket": "…", "value": …}  or  {"ticket": "…", "error": "TooManyJobsError", "text": "…"}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import isfunction, signature
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints
from zlib import crc32

from pydantic import BaseModel, ConfigDict, PlainSerializer, TypeAdapter, ValidationError, create_model
from pydantic_core import from_json, to_json

from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import JobStore
from chanx.bridge.transports.event_bus.bus import ANSWERS
from chanx.errors import CallRefusedError, ChanxError, ConfigurationError, TooManyJobsError

PARTITIONS: Final = 8
"""Queues that jobs are spread over. Workers and relays have to agree on it, so it is no setting."""

VERSION: Final = 1

TELL: Final = "tell"
"""The operation that is none of a store's: a message for the channel layer."""

TICK: Final = "tick"
MARK: Final = "mark"
PASSED: Final = "passed"
"""What relays tell each other: see :mod:`chanx.bridge.relay.judge`."""

_FullSnapshot: Any = Annotated[JobSnapshot, PlainSerializer(dict)]  # with the fields that clients do not get
_ANSWERS: Final[Mapping[str, Any]] = {
    "snapshot": _FullSnapshot | None,
    "jobs_of": list[_FullSnapshot],
    "all_jobs": list[_FullSnapshot],
}
_NOT_CALLED: Final = frozenset({"announcing_append", "close"})
_ERRORS: Final[Mapping[str, type[ChanxError]]] = {
    error.__name__: error for error in (ConfigurationError, TooManyJobsError)
}


class Operation:
    """A method of a job store, as it is called over the bus. ``names`` are those of its arguments."""

    def __init__(self, name: str, arguments: Mapping[str, Any], answer: Any) -> None:
        self.name = name
        self.names = frozenset(arguments)
        fields: dict[str, Any] = {field: (_as_sent(hint), ...) for field, hint in arguments.items()}
        self._arguments: type[BaseModel] = create_model(
            name, __config__=ConfigDict(extra="forbid", ser_json_inf_nan="constants"), **fields
        )
        self._answer: TypeAdapter[Any] = TypeAdapter(_ANSWERS.get(name, answer))

    def call(self, arguments: Mapping[str, Any], *, ticket: str = "", reply_to: str = "", after: int = 0) -> bytes:
        """The text of a call; without a ``reply_to`` nobody waits for an answer."""
        head = to_json({"v": VERSION, "op": self.name, "ticket": ticket, "reply_to": reply_to, "after": after})
        return b'%b,"arguments":%b}' % (
            head[:-1],
            self._arguments.model_construct(**arguments).model_dump_json().encode(),
        )

    def read_arguments(self, arguments: object) -> dict[str, Any]:
        """Raises ``CallRefusedError``."""
        try:
            return dict(self._arguments.model_validate(arguments))
        except ValidationError as error:
            raise CallRefusedError(f"Not the arguments of {self.name}: {error.errors(include_input=False)}") from error

    def answer(self, ticket: str, value: Any) -> bytes:
        """The text of an answer."""
        return b'{"ticket":%b,"value":%b}' % (to_json(ticket), self._answer.dump_json(value))

    def read_answer(self, value: object) -> Any:
        """Raises ``CallRefusedError``."""
        try:
            return self._answer.validate_python(value)
        except ValidationError as error:
            raise CallRefusedError(f"Not an answer to {self.name}: {error.errors(include_input=False)}") from error


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it comes out of a queue; ``arguments`` are those of its operation.

    ``after``: which event of its run was told before the one that it appends; 0 where that is not known.
    """

    op: str
    arguments: Mapping[str, Any]
    ticket: str = ""
    reply_to: str = ""
    after: int = 0


def read_call(body: bytes) -> Call:
    """Raises ``CallRefusedError`` for what is no call of this version."""
    try:
        read: dict[str, Any] = from_json(body)
        op, arguments = read["op"], read["arguments"]
        if read["v"] != VERSION:
            raise CallRefusedError(f"A call of version {read['v']}: this relay reads {VERSION}. Upgrade it first.")
        if op not in {TELL, TICK, MARK, PASSED}:
            arguments = operations()[op].read_arguments(arguments)
        ticket, reply_to, after = str(read.get("ticket", "")), str(read.get("reply_to", "")), int(read.get("after", 0))
        if reply_to and not reply_to.startswith(ANSWERS):  # a relay writes into no queue that others read
            raise CallRefusedError(f"An answer to {reply_to[:100]!r}, which is no line's address.")
        return Call(op, arguments, ticket, reply_to, after)
    except (ValueError, KeyError, TypeError) as error:
        raise CallRefusedError(f"Not a call: {error!r}") from error


def plain_call(op: str, arguments: Mapping[str, Any]) -> bytes:
    """The text of a call of an operation that is none of a store's."""
    return to_json({"v": VERSION, "op": op, "arguments": arguments})


def error_answer(ticket: str, error: Exception) -> bytes:
    """The text of an answer that raises there what was raised here, as far as a caller knows it."""
    return to_json({"ticket": ticket, "error": type(error).__name__, "text": str(error)})


def error_of(answer: Mapping[str, Any]) -> ChanxError | None:
    """What an answer raises."""
    name = answer.get("error")
    return None if name is None else _ERRORS.get(name, CallRefusedError)(answer.get("text", ""))


def partition_of(job_id: str) -> int:
    """Where everything that is told of a job goes, in order."""
    return crc32(job_id.encode()) % PARTITIONS


def partition_queue(name: str, partition: int) -> str:
    return f"{name}.bus.{partition}"


def control_queue(name: str) -> str:
    """Where all goes that is of no job."""
    return f"{name}.bus.control"


def queues(name: str) -> list[str]:
    """All queues of the bus of that name."""
    return [*(partition_queue(name, partition) for partition in range(PARTITIONS)), control_queue(name)]


@cache
def operations() -> Mapping[str, Operation]:
    """All that can be called, by name. Made when it is first needed: most workers never do."""
    found: dict[str, Operation] = {}
    for name in sorted(JobStore.__abstractmethods__ - _NOT_CALLED):
        method: Any = getattr(JobStore, name)
        if isfunction(method):
            hints = get_type_hints(method)
            found[name] = Operation(
                name, {each: hints[each] for each in list(signature(method).parameters)[1:]}, hints["return"]
            )
    return found


def _as_sent(hint: Any) -> Any:
    return list[get_args(hint)] if get_origin(hint) is Collection else hint  # type: ignore[misc] # made of a hint
