"""From a protocol to the package that speaks it: everything gets its name and its place.

Protocol ─> package_of() ─> Package
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace
from typing import Final

from chanx.client_generator.base import RESERVED_NAMES
from chanx.client_generator.declarations import Type
from chanx.client_generator.message_shapes import MessageShapes
from chanx.client_generator.names import unique_name
from chanx.client_generator.protocol import Channel, Connection, Protocol, Request, TopicChannel
from chanx.client_generator.python.names import class_prefix, free_identifier
from chanx.client_generator.python.package import ClientClass, Method, Module, Package, TopicClass, TopicMethod
from chanx.client_generator.references import needed_by, references_in

JOB_STREAM: Final = "job-stream"
JOB_LIST: Final = "job-list"

_SUBSCRIBE: Final = "subscribe"
_OF_THE_BASE: Final[Mapping[str | None, frozenset[str]]] = {JOB_STREAM: frozenset((_SUBSCRIBE, "ack", "cancel"))}
# What the bases have, and what an instance has beside what its class has.
_RESERVED: Final = frozenset({*RESERVED_NAMES, "headers", "path_params", "topic", "url"})
_OWN_MODULES: Final[tuple[str, ...]] = ("base", "shared")


def package_of(protocol: Protocol) -> Package:
    """The package for a protocol: the same for the same protocol."""
    return _Builder(protocol).package()


class _Builder:
    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._declarations = {declaration.name: declaration for declaration in protocol.declarations}
        self._messages = MessageShapes(self._declarations)
        self._class_names = set(self._declarations)
        self._module_names: set[str] = set(_OWN_MODULES)

    def package(self) -> Package:
        modules = [module for connection in self._protocol.connections for module in self._modules(connection)]
        needed = [needed_by(_types_of(module), self._declarations) for module in modules]
        counts = Counter(name for names in needed for name in names)
        shared = {name for name, count in counts.items() if count > 1}
        placed = (
            replace(module, own=self._in_order(names - shared), shared=self._in_order(names & shared))
            for module, names in zip(modules, needed, strict=True)
        )
        messages = frozenset(name for module in modules for name in _messages_of(module))
        return Package(self._protocol, tuple(placed), self._in_order(shared), messages, self._declarations)

    def _in_order(self, names: Set[str]) -> tuple[str, ...]:
        return tuple(name for name in self._declarations if name in names)

    def _modules(self, connection: Connection) -> Iterator[Module]:
        name = self._module_name(connection.own.title if connection.own else connection.name)
        of_topics = {
            topic.channel.key: self._topic_module(topic, name if connection.is_dedicated else None)
            for topic in connection.topics
            if topic.protocol != JOB_LIST
        }
        client = self._client(connection, name, of_topics)
        if connection.is_dedicated and of_topics:
            (module,) = of_topics.values()
            yield replace(module, client=client)
        else:
            yield Module(name, connection.own.title if connection.own else connection.name, client=client)
            yield from of_topics.values()

    def _client(self, connection: Connection, module: str, of_topics: Mapping[str, Module]) -> ClientClass:
        own, prefix = connection.own, class_prefix(module)
        taken = set(_RESERVED)
        return ClientClass(
            name=self._class_name(f"{prefix}Client"),
            connection=connection,
            received=self._messages.tagged(own.received, own.discriminator) if own else (),
            received_name=self._class_name(f"{prefix}{'Client' if connection.is_dedicated else ''}Received"),
            methods=tuple(self._methods(own, own.requests, taken)) if own else (),
            topics=tuple(
                self._topic_method(topic, of_topics.get(topic.channel.key), taken) for topic in connection.topics
            ),
        )

    def _topic_method(self, topic: TopicChannel, module: Module | None, taken: set[str]) -> TopicMethod:
        name = free_identifier(topic.name, taken, otherwise="topic")
        taken.add(name)
        parameters: dict[str, str] = {}
        for parameter in topic.parameters:
            parameters[parameter] = free_identifier(parameter, {"self", *parameters.values()}, otherwise="param")
        return TopicMethod(name, topic, parameters, module)

    def _topic_module(self, topic: TopicChannel, name: str | None) -> Module:
        channel = topic.channel
        module = name or self._module_name(channel.title)
        of_the_base = [request for request in channel.requests if request.name in _base_requests(topic)]
        own = [request for request in channel.requests if request not in of_the_base]
        not_received = {reply for request in of_the_base for reply in request.replies}
        received = [name for name in channel.received if name not in not_received or _replies(name, own)]
        prefix = class_prefix(module)
        is_job = topic.protocol == JOB_STREAM
        subscribe = next((request for request in of_the_base if request.name == _SUBSCRIBE and not is_job), None)
        topic_class = TopicClass(
            name=self._class_name(prefix if is_job else f"{prefix}Topic"),
            topic=topic,
            received=self._messages.tagged(received, channel.discriminator),
            received_name=self._class_name(f"{prefix}Received"),
            methods=tuple(self._methods(channel, own, set(_RESERVED))),
            subscribe=self._payload(subscribe.messages) if subscribe else None,
            subscribed=self._payload(subscribe.replies) if subscribe else None,
        )
        return Module(module, channel.title, topic=topic_class)

    def _payload(self, messages: Iterable[str]) -> Type | None:
        return next((self._messages.payload(name) for name in messages), None)

    def _methods(self, channel: Channel, requests: Iterable[Request], taken: set[str]) -> Iterator[Method]:
        for request in requests:
            messages = self._messages.objects(request.messages)
            if not messages:
                continue  # a message that is no object has no place for what tells it apart
            name = free_identifier(request.name, taken, otherwise="send")
            taken.add(name)
            yield Method(
                name=name,
                request=request,
                messages=messages,
                replies=self._messages.tagged(request.replies, channel.discriminator),
                is_empty=len(messages) == 1 and self._messages.is_empty(messages[0]),
            )

    def _module_name(self, title: str) -> str:
        name = free_identifier(title, self._module_names, otherwise="channel")
        self._module_names.add(name)
        return name

    def _class_name(self, text: str) -> str:
        name = unique_name(text if text.isidentifier() else f"Channel{text}", self._class_names)
        self._class_names.add(name)
        return name


def _base_requests(topic: TopicChannel) -> frozenset[str]:
    return _OF_THE_BASE.get(topic.protocol, frozenset((_SUBSCRIBE,)))


def _replies(name: str, requests: Iterable[Request]) -> bool:
    return any(name in request.replies for request in requests)


def _types_of(module: Module) -> Iterator[str]:
    """What a module names, in no order."""
    yield from _messages_of(module)
    if module.topic:
        for type_ in (module.topic.subscribe, module.topic.subscribed):
            if type_ is not None:
                yield from references_in(type_)


def _messages_of(module: Module) -> Iterator[str]:
    for class_ in (module.client, module.topic):
        if class_ is not None:
            yield from class_.received
            for method in class_.methods:
                yield from (*method.messages, *method.replies)
