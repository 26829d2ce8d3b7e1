"""Calling a project's function, coroutine function or not, from an event loop that must not be blocked."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async

from chanx.utils.framework import django_has_settings

P = ParamSpec("P")
T = TypeVar("T")


async def called(function: Callable[P, T | Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``function`` returns. A plain one runs in a thread, with Django in that of its database connections."""
    call = partial(function, *args, **kwargs)
    if iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__):
        result: Any = call()
    elif django_has_settings():
        result = await sync_to_async(call, thread_sensitive=True)()
    else:
        result = await asyncio.to_thread(call)
    answer: T = await result if isawaitable(result) else result
    return answer
