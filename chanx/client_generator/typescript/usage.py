"""The README's code: how to connect, send, listen, and watch jobs with this very client."""

from __future__ import annotations

from collections.abc import Callable

from chanx.client_generator.declarations import Declaration
from chanx.client_generator.typescript.methods import asked_for
from chanx.client_generator.typescript.samples import NoSample, Samples
from chanx.client_generator.typescript.text import key, literal
from chanx.client_generator.typescript.views import ConnectionView, MethodView, TopicView

_LOG = "console.log(message)"


class Usage:
    """Lines of TypeScript for each connection; they compile."""

    def __init__(self, declarations: dict[str, Declaration]) -> None:
        self._samples = Samples(declarations)

    def code(self, connection: ConnectionView) -> str:
        """A module that uses the connection's client."""
        arguments = _params(connection.parameters, "{ params: ", " }")
        lines = [
            f'import {{ {connection.class_name} }} from "./index.js";',
            "",
            f"const client = new {connection.class_name}({arguments});",
            *self._own(connection),
        ]
        for number, topic in enumerate(connection.topics, 1):
            variable = "topic" if len(connection.topics) == 1 else f"topic{number}"
            lines += ["", *self._topic(connection, topic, variable)]
        if connection.has_jobs:
            lines += ["", *_JOBS]
        if connection.has_job_list:
            lines += ["", 'client.jobs().on("change", (jobs) => console.log(jobs.length));']
        return "\n".join(lines)

    def _own(self, connection: ConnectionView) -> list[str]:
        found = _first_call("client", connection.methods, self._argument)
        if found is None:
            return _listeners(connection.actions)
        method, call = found
        lines = _listeners(tuple(one for one in connection.actions if one not in method.answers))
        return [*lines, *(self._question(method) or [f"{call};"])]

    def _question(self, method: MethodView) -> list[str]:
        """The message of a method as one whose answer is waited for; nothing where it has none."""
        if not method.answers:
            return []
        try:
            message = self._samples.message(method.sends)
        except NoSample:
            return []
        return [f"const answer = await client.ask({message}, {asked_for(method.answers)});", "console.log(answer);"]

    def _topic(self, connection: ConnectionView, topic: TopicView, variable: str) -> list[str]:
        arguments = "" if connection.is_dedicated else _params(topic.parameters, "", "")
        lines = [f"const {variable} = client.{topic.method}({arguments});"]
        lines += [line.replace("client.", f"{variable}.", 1) for line in _listeners(topic.actions)]
        found = _first_call(variable, topic.methods, self._argument)
        if found is not None:
            method, call = found
            lines.append(f"console.log(await {call});" if method.returns != "void" else f"{call};")
        return lines

    def _argument(self, method: MethodView) -> str | None:
        """The argument of a method; None where there is no good one."""
        if method.message is None:
            return ""
        try:
            found = self._samples.message(method.message, without=method.fills_in)
        except NoSample:
            return None
        return "" if found == "{}" and method.fills_in is not None else found


def _listeners(actions: tuple[str, ...]) -> list[str]:
    return [f"client.on({literal(action)}, (message) => {_LOG});" for action in actions[:2]]


def _first_call(
    variable: str, methods: tuple[MethodView, ...], argument: Callable[[MethodView], str | None]
) -> tuple[MethodView, str] | None:
    for method in methods:
        found = argument(method)
        if found is not None:
            return method, f"{variable}.{method.name}({found})"
    return None


def _params(names: tuple[str, ...], start: str, end: str) -> str:
    if not names:
        return ""
    values = ", ".join(f'{key(name)}: "1"' for name in names)
    return f"{start}{{ {values} }}{end}"


_JOBS = (
    'const job = client.job("the id, or what the server gave as its ref");',
    'job.on("job_progress", ({ payload }) => console.log(payload.fraction));',
    "console.log(await job.result());",
)
