"""Programs for the README that use this very client: they run, and type checkers have nothing to say."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Sequence
from typing import Final

from chanx.client_generator.declarations import ObjectDeclaration, ReferenceTo
from chanx.client_generator.layout import Group, Node, flat, laid_out
from chanx.client_generator.python.building import JOB_STREAM
from chanx.client_generator.python.imports import Imports
from chanx.client_generator.python.package import ClientClass, Method, Module, Package, TopicMethod
from chanx.client_generator.python.samples import NoSampleError, Samples
from chanx.client_generator.python.text import LINE_LENGTH, literal

_INSIDE: Final = 2
_INDENT: Final = " " * 4
_NAMES: Final = ("main", "client", "topic", "reply", "answer", "message", "job", "event", "jobs")


class Usage:
    """Programs that use a package. ``name`` is what they import it as."""

    def __init__(self, package: Package, name: str) -> None:
        self._package = package
        self.name = name if name.isidentifier() and not keyword.iskeyword(name) else "client"

    def of_connection(self, module: Module, client: ClientClass) -> str | None:
        """Connects, sends a message, and takes what comes; None where there are topics alone."""
        imports, samples = self._start(module)
        lines = self._first_call("client", client.methods, samples)
        lines += self._loop("client", _pushed(client.received, client.methods), samples)
        if client.topics and not lines:
            return None
        return self._program(client, lines or ["print(client.url)"], imports)

    def of_topic(self, client: ClientClass, topic: TopicMethod) -> str:
        """Uses a topic, a job, or a list of jobs."""
        if topic.module is None or topic.module.topic is None:
            imports = Imports()
            lines = [f"async for jobs in client.{topic.name}():", f"{_INDENT}print([job.job_id for job in jobs])"]
            return self._program(client, lines, imports)
        imports, samples = self._start(topic.module)
        if topic.topic.protocol == JOB_STREAM:
            lines = [
                f'job = client.{topic.name}("the job\'s id")',
                "async for event in job:",
                f"{_INDENT}print(event)",
                "print(await job.result())",
            ]
            return self._program(client, lines, imports)
        arguments = [] if client.connection.is_dedicated else [f'{name}="1"' for name in topic.parameters.values()]
        class_ = topic.module.topic
        pushed = _pushed(class_.received, class_.methods)
        inner = [*self._first_call("topic", class_.methods, samples), *self._loop("topic", pushed, samples)] or [
            "print(topic.is_subscribed)"
        ]
        handle = Group(f"client.{topic.name}(", tuple(arguments), ")")
        try:
            payload = None if class_.subscribe is None else samples.of(class_.subscribe)
        except NoSampleError:
            payload = None
        if payload is None:
            lines = [*_fitted("async with ", handle, " as topic:", _INSIDE), *_indented(inner)]
        else:
            asked = _fitted("answer = await ", Group("topic.subscribe(", (payload,), ")"), "", _INSIDE)
            lines = [*_fitted("topic = ", handle, "", _INSIDE), *asked, "print(answer)", *inner]
        return self._program(client, lines, imports)

    def _start(self, module: Module) -> tuple[Imports, Samples]:
        imports = Imports(_NAMES)
        types = {*module.own, *module.shared}
        return imports, Samples(imports, f"{self.name}.{module.name}", types, self._package.declarations)

    def _program(self, client: ClientClass, lines: Sequence[str], imports: Imports) -> str:
        run, class_ = imports.add("asyncio", "run"), imports.add(self.name, client.name)
        protocol = self._package.protocol
        host = protocol.host or "localhost:8000"
        arguments: list[Node] = [literal(f"wss://{host}" if protocol.protocol == "wss" else host)]
        if client.connection.parameters:
            parameters = [f'{literal(name)}: "1"' for name in client.connection.parameters]
            arguments.append(f"path_params={{{', '.join(parameters)}}}")
        opened = _fitted("async with ", Group(f"{class_}(", tuple(arguments), ")"), " as client:", 1)
        body = [*opened, *_indented(lines)]
        return f"{imports}\nasync def main() -> None:\n" + "\n".join(_indented(body)) + f"\n\n\n{run}(main())"

    def _first_call(self, variable: str, methods: Iterable[Method], samples: Samples) -> list[str]:
        """A call of the first method that there is a sample for; what it returns is shown."""
        for method in methods:
            try:
                message = [] if method.is_empty else [samples.of(ReferenceTo(method.messages[0]))]
            except NoSampleError:
                continue
            call = Group(f"{variable}.{method.name}(", tuple(message), ")")
            if not method.replies:
                return _fitted("await ", call, "", _INSIDE)
            if variable == "client":
                sent = message or [f"{samples.type(method.messages[0])}()"]
                call = Group("client.ask(", (*sent, *map(samples.type, method.replies)), ")")
            return [*_fitted("reply = await ", call, "", _INSIDE + (variable == "topic")), "print(reply)"]
        return []

    def _loop(self, variable: str, received: Sequence[str], samples: Samples) -> list[str]:
        """Takes what comes, and something from inside of one type."""
        if not received:
            return []
        declaration = self._package.declarations[received[0]]
        keys = [one.wire_name for one in declaration.properties] if isinstance(declaration, ObjectDeclaration) else []
        lines = [f"async for message in {variable}:"]
        if "payload" in keys:
            lines.append(f"{_INDENT}if isinstance(message, {samples.type(received[0])}):")
            lines.append(f"{_INDENT * 2}print(message.payload)")
        else:
            lines.append(f"{_INDENT}print(message)")
        return lines


def _pushed(received: Iterable[str], methods: Iterable[Method]) -> list[str]:
    """What comes without being asked for."""
    replies = {reply for method in methods for reply in method.replies}
    return [name for name in received if name not in replies]


def _fitted(start: str, call: Group, end: str, level: int) -> list[str]:
    """A statement on one line if it has room, else on several; ``level`` is how deep it stands."""
    line = f"{start}{flat(call)}{end}"
    if len(_INDENT * level + line) <= LINE_LENGTH:
        return [line]
    first, *rest = laid_out(call, level).split("\n")
    return [start + first, *(line.removeprefix(_INDENT * level) for line in rest[:-1]), rest[-1].strip() + end]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" for line in lines]
