"""What consumers take and send has the types that a TypeScript client says: random messages and the compiler."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.client_generator.reading import protocol_of
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.routing.discovery import RouteInfo
from tests.typescript_tools import compiler_errors
from tests.unit.client_generator.strategies import messages
from tests.unit.client_generator.typescript_example import write


class Case(NamedTuple):
    """A message class, and frames of it as a client sends them."""

    type: type[BaseMessage]
    frames: list[dict[str, Any]]


@st.composite
def cases(draw: st.DrawFn, number: int) -> Case:
    form = draw(messages(f"case_{number}", depth=2))
    return Case(form.type, draw(st.lists(form.frames, min_size=1, max_size=3)))


MANY = st.tuples(*(cases(number) for number in range(25)))


def consumer_of(number: int, message_type: type[BaseMessage]) -> type[Any]:
    """A consumer that takes the message, and sends it back."""

    async def echo(self: Any, message: BaseMessage) -> BaseMessage:
        return message

    echo.__annotations__ = {"message": message_type, "return": message_type}
    return type(f"Case{number}Consumer", (AsyncJsonWebsocketConsumer,), {"echo": ws_handler(echo)})


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each try is a run of the compiler
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
)
@given(MANY)
def test_frames_have_the_types_of_the_client(all_cases: tuple[Case, ...]) -> None:
    """Given random message classes, when a client is generated from their document, then the compiler takes every
    frame that a client may send, and every frame that the server answers, as a value of the client's types."""
    routes = [
        RouteInfo(f"/ws/{number}/", None, "ws://localhost:8000", consumer_of(number, case.type))
        for number, case in enumerate(all_cases)
    ]
    protocol = protocol_of(AsyncAPIGenerator(routes, title="Random", version="1").generate())

    lines: list[str] = ['import type * as all from "./index.js";']
    for number, case in enumerate(all_cases):
        module = f"all.case{number}Messages.Case{number}"
        for frame in case.frames:
            sent = case.type.model_validate(frame).model_dump(mode="json")
            lines.append(f"export const sent{len(lines)}: {module}Sent = {to_json(frame).decode()};")
            lines.append(f"export const received{len(lines)}: {module}Received = {to_json(sent).decode()};")

    with TemporaryDirectory() as directory:
        write(Path(directory), protocol)
        Path(directory, "frames.ts").write_text("\n".join(lines))
        errors = compiler_errors(Path(directory), "frames.ts", "index.ts")
        assert not errors, explained(errors, lines, Path(directory))


def explained(errors: str, lines: list[str], directory: Path) -> str:
    """The first errors, with the lines they are about."""
    found = [line for line in errors.splitlines() if line.startswith("frames.ts(")][:3]
    numbers = [int(line.partition("(")[2].partition(",")[0]) for line in found]
    texts = [lines[number - 1] for number in numbers]
    names = {text.partition("case")[2].partition("Messages")[0] for text in texts}
    types = [directory.joinpath(f"case{name}", "messages.ts").read_text() for name in names]
    return "\n".join([errors[:3000], *texts, *types])
