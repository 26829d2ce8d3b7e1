"""The README's code: how to connect, send, listen, and watch jobs with this very client."""

from __future__ import annotations

from collections.abc import Callable

from chanx.client_generator.declarations import Declaration
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
        lines = _listeners(connection.actions)
        call = _first_call("client", connection.methods, self._argument)
        return lines if call is None else [*lines, f"{call};"]

    def _topic(self, connection: ConnectionView, topic: TopicView, variable: str) -> list[str]:
        arguments = "" if connection.is_dedicated else _params(topic.parameters, "", "")
        lines = [f"const {variable} = client.{topic.method}({arguments});"]
        lines += [line.replace("client.", f"{variable}.", 1) for line in _listeners(topic.actions)]
        call = _first_call(variable, topic.methods, self._argument)
        if call is not None:
            asks = any(method.returns != "void" for method in topic.methods if f".{method.name}(" in call)
            lines.append(f"console.log(await {call});" if asks else f"{call};")
        return lines

    def _argument(self, method: MethodView) -> str | None:
        """The argument of a method; None where there is no good one."""
        if method.message is None:
            return ""
        try:
            found = self._samples.message(method.message, without=method.fills_in)
        except NoSample:
            return None
        return "" if found == "{}" else found


def _listeners(actions: tuple[str, ...]) -> list[str]:
    return [f"client.on({literal(action)}, (message) => {_LOG});" for action in actions[:2]]


def _first_call(
    variable: str, methods: tuple[MethodView, ...], argument: Callable[[MethodView], str | None]
) -> str | None:
    for method in methods:
        found = argument(method)
        if found is not None:
            return f"{variable}.{method.name}({found})"
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
