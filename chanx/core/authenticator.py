"""Deciding who may connect."""

import inspect
from abc import ABC, abstractmethod
from inspect import Parameter
from typing import Any, ClassVar, Final

from chanx.type_defs import SendMessageFn
from chanx.utils.scope import header, query_params

POSITIONAL: Final = {Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL}


class BaseAuthenticator(ABC):
    """Runs once per connection, right after it is accepted and before anything else.

    ``send_message`` sends a message to the client, ``scope`` is the connection's ASGI scope. A subclass may set
    ``user``, which becomes the consumer's.
    """

    scope: dict[str, Any]

    _takes_scope: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        positional = [
            each for each in inspect.signature(cls.authenticate).parameters.values() if each.kind in POSITIONAL
        ]
        cls._takes_scope = len(positional) > 1

    def __init__(self, send_message: SendMessageFn) -> None:
        self.send_message = send_message

    @abstractmethod
    async def authenticate(self, *args: Any, **kwargs: Any) -> bool:
        """Whether the connection may stay; defined as ``authenticate(self)`` or ``authenticate(self, scope)``.

        False closes the connection, and so does an exception (which is logged; the client gets general words).
        """

    async def run(self, scope: dict[str, Any]) -> bool:
        """Authenticate a connection; called by its consumer."""
        self.scope = scope
        return await (self.authenticate(scope) if self._takes_scope else self.authenticate())

    def get_query_param(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        return query_params(self.scope).get(name, [default])[0]

    def get_header(self, name: str, default: str | None = None) -> str | None:
        """The first header of that name, in any case."""
        value = header(self.scope, name)
        return default if value is None else value
