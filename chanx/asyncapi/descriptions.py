"""What the author of a class, a method or a message says about it, for readers who do not see the code."""

import inspect
from textwrap import dedent

from chanx.core.handlers import CHANNEL_ATTRIBUTE, ChannelInfo, Handler
from chanx.messages.base import BaseMessage


def channel_info(cls: type) -> ChannelInfo | None:
    """What ``@channel`` says of exactly this class."""
    info = vars(cls).get(CHANNEL_ATTRIBUTE)
    return info if isinstance(info, ChannelInfo) else None


def channel_description(cls: type) -> str | None:
    """``@channel(description=)``, else the docstring as it is but for its indentation; else what a base was given."""
    info = channel_info(cls)
    if info is not None and info.description is not None:
        return info.description
    if cls.__doc__:
        first, newline, rest = cls.__doc__.partition("\n")
        return first.lstrip() + newline + dedent(rest)
    given = (info.description for base in cls.__mro__ if (info := channel_info(base)) is not None)
    return next((description for description in given if description is not None), None)


def channel_tags(cls: type) -> tuple[str, ...]:
    """The tags of the nearest class that has any."""
    return next((info.tags for base in cls.__mro__ if (info := channel_info(base)) is not None and info.tags), ())


def handler_description(cls: type, handler: Handler) -> str:
    """``description=`` of the decorator, else the method's docstring, else that of the method it overrides."""
    if handler.info.description is not None:
        return handler.info.description
    found = (vars(base).get(handler.name) for base in cls.__mro__)
    docs = (value.__doc__ for value in found if callable(value))  # not None, which has a docstring since Python 3.13
    return inspect.cleandoc(next((doc for doc in docs if doc), ""))


def message_description(message: type[BaseMessage]) -> str:
    """The first paragraph of its docstring, in one line."""
    return " ".join(inspect.cleandoc(message.__doc__ or "").partition("\n\n")[0].split())
