"""The README of a package: what can be asked of each connection, and programs that do it."""

from __future__ import annotations

from typing import Any

from chanx.client_generator.python.package import ClientClass, Method, Module, Package
from chanx.client_generator.python.text import one_line, plain
from chanx.client_generator.python.usage import Usage


def readme_text(package: Package, directory: str, templates: Any) -> str:
    """The README of a package that is in a directory of that name."""
    usage = Usage(package, directory)
    connections = [_connection(module, module.client, usage) for module in package.modules if module.client]
    text: str = templates.get_template("README.md.jinja").render(
        title=_escaped(one_line(package.protocol.title)),
        version=_escaped(one_line(package.protocol.version)),
        about=_quoted(package.protocol.description),
        name=usage.name,
        connections=connections,
    )
    return text


def _connection(module: Module, client: ClientClass, usage: Usage) -> dict[str, Any]:
    connection = client.connection
    topics = [
        {
            "name": method.name,
            "protocol": method.topic.protocol,
            "pattern": one_line(method.topic.pattern),
            "about": _quoted(method.topic.channel.description),
            "methods": [
                _row(one) for one in (method.module.topic.methods if method.module and method.module.topic else ())
            ],
            "program": usage.of_topic(client, method),
        }
        for method in client.topics
    ]
    return {
        "name": client.name,
        "address": one_line(connection.address),
        "about": _quoted(connection.description),
        "parameters": {name: _escaped(one_line(about or "")) for name, about in connection.parameters.items()},
        "methods": [_row(method) for method in client.methods],
        "has_answers": any(method.replies for method in client.methods),
        "program": usage.of_connection(module, client),
        "topics": topics,
    }


def _row(method: Method) -> dict[str, str]:
    """A line of a table."""
    request = method.request
    about = one_line(request.summary or plain(request.description or "").split("\n\n")[0])
    return {
        "name": method.name,
        "about": _escaped(about).replace("|", "\\|"),
        "messages": ", ".join(f"`{name}`" for name in method.messages),
        "replies": ", ".join(f"`{name}`" for name in method.replies),
    }


def _quoted(text: str | None) -> str:
    """A description as a quotation: no heading or list in it can be taken for one of the README's."""
    return "\n".join(f"> {_escaped(line)}".rstrip() for line in plain(text).split("\n")) if text and plain(text) else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
