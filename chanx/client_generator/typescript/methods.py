"""The methods of a client, or of a topic, that send its messages: one for each operation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chanx.client_generator.protocol import Channel, Request
from chanx.client_generator.typescript.messages import Messages
from chanx.client_generator.typescript.names import OBJECT_MEMBERS, method_name
from chanx.client_generator.typescript.text import comment, key, literal
from chanx.client_generator.typescript.variants import Direction, Variants
from chanx.client_generator.typescript.views import MethodView


def methods_of(
    channel: Channel,
    requests: Iterable[Request],
    messages: Messages,
    variants: Variants,
    taken: set[str],
    *,
    on_topic: bool = False,
) -> tuple[MethodView, ...]:
    """A method for each operation that the client begins; one of a topic that has replies is a promise of them."""
    writer = _Writer(channel, messages, variants, on_topic=on_topic)
    return tuple(writer.method(request, taken) for request in requests)


def asked_for(actions: Sequence[str]) -> str:
    """One action, or an array of them, as source."""
    written = [literal(action) for action in actions]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


class _Writer:
    def __init__(self, channel: Channel, messages: Messages, variants: Variants, *, on_topic: bool) -> None:
        self._key = channel.discriminator
        self._messages = messages
        self._variants = variants
        self._on_topic = on_topic

    def method(self, request: Request, taken: set[str]) -> MethodView:
        name = method_name(request.name, taken, suffix="Message")
        parameters, message, fills_in = self._parameters(request.messages)
        replies = self._types(request.replies, "received")
        texts = [request.summary, request.description]
        returns, body = "void", f"this.send({message});"
        answers: tuple[str, ...] = ()
        if self._on_topic and replies:
            reply = f"OnTopic<{replies}>"
            parameters = [*parameters, "options?: RequestOptions"]
            returns, body = f"Promise<{reply}>", f"return this.request<{reply}>({message}, options);"
        else:
            answers = self._answers(request)
            texts.append(self._how_to_ask(request, answers))
        return MethodView(
            name=name,
            comment=comment(*texts, indent="  "),
            parameters=", ".join(parameters),
            returns=returns,
            body=body,
            message=request.messages[0] if any(one.startswith("message:") for one in parameters) else None,
            fills_in=fills_in,
            sends=request.messages[0],
            answers=answers,
        )

    def _parameters(self, names: tuple[str, ...]) -> tuple[list[str], str, str | None]:
        """The parameters, the message made of them, and the key that is filled in: where what it says is one text."""
        whole = self._types(names, "sent")
        action = self._messages.action(names[0], self._key) if len(names) == 1 else None
        others = self._messages.others(names[0], self._key) if len(names) == 1 else None
        if action is None or others is None:
            return [f"message: {whole}"], "message", None
        tag = f"{key(self._key)}: {literal(action)}"
        if not others:
            return [], f"{{ {tag} }}", self._key
        has_default = not any(one.is_required or one.wire_name in OBJECT_MEMBERS for one in others)
        default = " = {}" if has_default else ""
        return [f"message: Omit<{whole}, {literal(self._key)}>{default}"], f"{{ {tag}, ...message }}", self._key

    def _answers(self, request: Request) -> tuple[str, ...]:
        """The actions of what answers a message where nothing says which answer is whose."""
        found = (one for name in request.replies for one in self._messages.actions(name, self._key))
        return tuple(dict.fromkeys(found))

    def _how_to_ask(self, request: Request, answers: tuple[str, ...]) -> str | None:
        if not answers:
            return None
        action = self._messages.action(request.messages[0], self._key) if len(request.messages) == 1 else None
        message = "message" if action is None else f"{{ {key(self._key)}: {literal(action)}, … }}"
        return f"To get what comes of it: `await client.ask({message}, {asked_for(answers)})`."

    def _types(self, names: Iterable[str], direction: Direction) -> str:
        return " | ".join(dict.fromkeys(f"messages.{self._variants.name_of(name, direction)}" for name in names))
