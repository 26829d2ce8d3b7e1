"""The classes of a package as text: clients, topics, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from chanx.client_generator.annotations import Annotations
from chanx.client_generator.declarations import Declaration, Type
from chanx.client_generator.layout import flat
from chanx.client_generator.names import pascal_case
from chanx.client_generator.python.building import JOB_LIST, JOB_STREAM
from chanx.client_generator.python.imports import Imports
from chanx.client_generator.python.package import ClientClass, Method, TopicClass, TopicMethod
from chanx.client_generator.python.text import LINE_LENGTH, docstring, laid_out, literal

BASE: Final = "..base"

_LONGEST_UNION: Final = 60


@dataclass(frozen=True, slots=True)
class MethodText:
    """A method, ready for the template of its class."""

    signature: str
    docstring: str
    body: str


@dataclass(frozen=True, slots=True)
class ClassText:
    """A class, ready for its template. All is indented but for the first lines."""

    name: str
    base: str
    docstring: str
    attributes: tuple[str, ...] = ()
    methods: tuple[MethodText, ...] = ()


@dataclass(slots=True)
class ModuleText:
    """What a module is written from: its imports, aliases of types, and classes. Making a class adds to the others."""

    imports: Imports
    places: Mapping[str, str]
    """The module of each type."""

    declarations: Mapping[str, Declaration]

    aliases: list[str] = field(default_factory=list[str])
    names: list[str] = field(default_factory=list[str])
    """What the module defines."""

    def type(self, name: str) -> str:
        return self.imports.add(self.places[name], name)

    def types(self, names: Iterable[str]) -> list[str]:
        return [self.type(name) for name in names]

    def define(self, name: str) -> str:
        self.names.append(name)
        return name

    def alias(self, name: str, options: Sequence[str]) -> str:
        """Defines a name for any of the types."""
        self.define(name)
        options = options or [self.imports.add("typing", "Never")]
        union = " | ".join(options)
        start = f"{name}: {self.imports.add('typing', 'TypeAlias')} = "
        if len(start + union) > LINE_LENGTH:
            lines = "".join(f"    {'| ' if number else ''}{option}\n" for number, option in enumerate(options))
            union = f"(\n{lines})"
        self.aliases.append(start + union)
        return name

    def union(self, options: Sequence[str], name: str) -> str:
        """Any of the types; where these are many, as an alias ``name``."""
        written = " | ".join(options)
        return written if len(written) <= _LONGEST_UNION else self.alias(name, options)

    def annotation(self, type_: Type | None) -> str:
        """A type as an annotation; Any where the document has none."""
        if type_ is None:
            return self.imports.add("typing", "Any")
        return flat(Annotations(self.imports, self.type, self.declarations, lambda _, key: key).of(type_))


def client_class(client: ClientClass, text: ModuleText) -> ClassText:
    """The client of a connection."""
    connection = client.connection
    received = text.types(client.received)
    base = text.imports.add(BASE, "BaseTopicConnection" if client.topics else "BaseClient")
    attributes = [f"path = {literal('/' + connection.address.lstrip('/'))}"]
    if connection.own and connection.own.discriminator != "action":
        attributes.append(f"discriminator = {literal(connection.own.discriminator)}")
    if connection.is_dedicated:
        attributes.append("is_dedicated = True")
    return ClassText(
        name=text.define(client.name),
        base=f"{base}[{text.alias(client.received_name, received)}]",
        docstring=docstring(
            connection.description or f"Connects to {connection.address}.", _parameters(client), indent=1
        ),
        attributes=(*attributes, *_received(received)),
        methods=(
            *(_plain_request(method, client.name, text) for method in client.methods),
            *(_topic_method(topic, is_dedicated=connection.is_dedicated, text=text) for topic in client.topics),
        ),
    )


def topic_class(topic: TopicClass, text: ModuleText) -> ClassText:
    """The handle of a topic, or the class of jobs of a stream."""
    channel, received = topic.topic.channel, text.types(topic.received)
    name = text.alias(topic.received_name, received)
    attributes = [f"pattern = {literal(topic.topic.pattern)}", *_received(received)]
    if topic.topic.protocol == JOB_STREAM:
        base = f"{text.imports.add(BASE, 'BaseJob')}[{name}]"
    else:
        subscribe, subscribed = text.annotation(topic.subscribe), text.annotation(topic.subscribed)
        base = f"{text.imports.add(BASE, 'BaseTopicHandle')}[{name}, {subscribe}, {subscribed}]"
        if topic.subscribed is not None:
            attributes.append(f"subscribed_type = {subscribed}")
    return ClassText(
        name=text.define(topic.name),
        base=base,
        docstring=docstring(channel.description or f"The topic {topic.topic.pattern}.", indent=1),
        attributes=tuple(attributes),
        methods=tuple(_topic_request(method, topic.name, text) for method in topic.methods),
    )


def _received(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [laid_out("received = (", names, ",)" if len(names) == 1 else ")", indent=1)]


def _plain_request(method: Method, owner: str, text: ModuleText) -> MethodText:
    argument, value = _message(method, owner, text)
    replies = text.types(method.replies)
    answers = f"``await client.ask(message, {', '.join(replies)})`` sends it and returns what comes of it."
    return MethodText(
        signature=laid_out(f"async def {method.name}(", ["self", argument], ") -> None:", indent=1),
        docstring=_explained(method, answers if replies else None),
        body=f"await self.send_message({value})",
    )


def _topic_request(method: Method, owner: str, text: ModuleText) -> MethodText:
    argument, value = _message(method, owner, text)
    replies = text.types(method.replies)
    if not replies:
        return MethodText(
            signature=laid_out(f"async def {method.name}(", ["self", argument], ") -> None:", indent=1),
            docstring=_explained(method),
            body=f"await self.send_message({value})",
        )
    types = replies[0] if len(replies) == 1 else f"({', '.join(replies)})"
    arguments = ["self", argument, "*", "timeout: float | None = None"]
    returned = text.union(replies, f"{owner}{pascal_case(method.name)}Reply")
    return MethodText(
        signature=laid_out(f"async def {method.name}(", arguments, f") -> {returned}:", indent=1),
        docstring=_explained(method),
        body=laid_out("return await self.request(", [value, types, "timeout=timeout"], ")", indent=2),
    )


def _message(method: Method, owner: str, text: ModuleText) -> tuple[str, str]:
    """The parameter for the message, and the message as an expression."""
    messages = text.types(method.messages)
    if method.is_empty:
        return f"message: {messages[0]} | None = None", f"{messages[0]}() if message is None else message"
    return f"message: {text.union(messages, f'{owner}{pascal_case(method.name)}Message')}", "message"


def _explained(method: Method, *more: str | None) -> str:
    request = method.request
    return docstring(request.summary or f"Sends {_any_of(method.messages)}.", request.description, *more, indent=2)


def _topic_method(method: TopicMethod, *, is_dedicated: bool, text: ModuleText) -> MethodText:
    if method.topic.protocol == JOB_LIST:
        return _job_list_method(method, text)
    assert method.module is not None
    assert method.module.topic is not None
    topic = method.module.topic.name
    if not is_dedicated:  # then it stands in the same module
        topic = text.imports.add(f"..{method.module.name}.client", topic)
    if method.topic.protocol == JOB_STREAM:
        return _job_method(method, topic, text)
    about = docstring(f"The topic {method.topic.pattern}: use it with `async with`.", indent=2)
    if is_dedicated:
        return MethodText(
            f"def {method.name}(self) -> {topic}:", about, f"return self._topic({topic}, self.path_params)"
        )
    parameters = [f"{name}: str" for name in method.parameters.values()]
    values = ", ".join(f"{literal(wire)}: {name}" for wire, name in method.parameters.items())
    return MethodText(
        signature=laid_out(
            f"def {method.name}(", ["self", *(["*"] if parameters else []), *parameters], f") -> {topic}:", indent=1
        ),
        docstring=about,
        body=laid_out("return self._topic(", [topic, f"{{{values}}}"], ")", indent=2),
    )


def _job_method(method: TopicMethod, job: str, text: ModuleText) -> MethodText:
    reference, token, position = (text.imports.add(BASE, name) for name in ("JobReference", "Token", "JobPosition"))
    arguments = ["self", f"ref: {reference}", "*", f"token: {token} = None", f"position: {position} | None = None"]
    return MethodText(
        signature=laid_out(f"def {method.name}(", arguments, f") -> {job}:", indent=1),
        docstring=docstring(
            "The job with that id, or of what its start was answered with.",
            "It is read from ``position`` on, by default from its beginning.",
            indent=2,
        ),
        body=laid_out("return self._job(", [job, "ref", "token=token", "position=position"], ")", indent=2),
    )


def _job_list_method(method: TopicMethod, text: ModuleText) -> MethodText:
    job_list = text.imports.add(BASE, "JobList")
    (owner,) = list(method.parameters.values())[:1] or ["owner"]
    return MethodText(
        signature=laid_out(f"def {method.name}(", ["self", f'{owner}: str = "me"'], f") -> {job_list}:", indent=1),
        docstring=docstring("The jobs of an owner, by default of whoever is signed in; newest first.", indent=2),
        body=f"return self._job_list({literal(method.topic.pattern)}, {owner})",
    )


def _parameters(client: ClientClass) -> str | None:
    """What ``path_params`` have to be."""
    parameters = client.connection.parameters
    if not parameters:
        return None
    lines = [f"- ``{name}``" + (f": {about}" if about else "") for name, about in parameters.items()]
    return "\n".join(["``path_params`` needs:", "", *lines])


def _any_of(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
