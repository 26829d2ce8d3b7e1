"""BaseAuthenticator: its two forms, and what it reads of a handshake."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from chanx.core.authenticator import BaseAuthenticator

SCOPE = {"query_string": b"token=a%20b&token=c&empty=", "headers": [(b"x-token", b"1"), (b"x-token", b"2")]}


async def no_message(message: Any) -> None:
    raise AssertionError("nothing is sent by itself")


def traced(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return await method(*args, **kwargs)

    return call


class Bare(BaseAuthenticator):
    async def authenticate(self) -> bool:
        return self.scope is SCOPE


class OfScope(BaseAuthenticator):
    async def authenticate(self, scope: dict[str, Any]) -> bool:
        return scope is SCOPE and self.scope is SCOPE


class WithOption(BaseAuthenticator):
    async def authenticate(self, *, strict: bool = True) -> bool:
        return strict


class WithMore(BaseAuthenticator):
    async def authenticate(self, *args: Any, **kwargs: Any) -> bool:
        return args == (SCOPE,)


class Decorated(BaseAuthenticator):
    @traced
    async def authenticate(self) -> bool:
        return True


class Inherited(OfScope):
    pass


class Changed(OfScope):
    async def authenticate(self) -> bool:  # type: ignore[override] # the form of the specification
        return await super().authenticate(self.scope)


@pytest.mark.parametrize("form", [Bare, OfScope, WithOption, WithMore, Decorated, Inherited, Changed])
async def test_authenticate_is_called_in_the_form_it_is_defined_in(form: type[BaseAuthenticator]) -> None:
    assert await form(no_message).run(SCOPE) is True


async def test_query_parameters_and_headers_are_read_in_their_first_value() -> None:
    authenticator = Bare(no_message)
    await authenticator.run(SCOPE)
    assert [authenticator.get_query_param(name) for name in ("token", "empty", "none")] == ["a b", "", None]
    assert authenticator.get_query_param("none", "else") == "else"
    assert [authenticator.get_header(name) for name in ("x-token", "X-TOKEN", "none")] == ["1", "1", None]
    assert authenticator.get_header("none", "else") == "else"


def test_authenticate_has_to_be_defined() -> None:
    with pytest.raises(TypeError, match=r"abstract method '?authenticate"):
        BaseAuthenticator(no_message)  # type: ignore[abstract] # that is the test
