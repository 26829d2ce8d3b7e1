"""Hands the messages of a hub to its connections, in one task until a connection has to wait for something.

A connection that need not wait costs no task and no turn of the event loop. Otherwise the task is that connection's
from there on, with all that comes for it meanwhile, and the pump goes on in a new one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextvars import Context
from typing import Any, Final

from chanx.core.failures import log_failure
from chanx.core.hub.fan_out import FanOut, fan_out
from chanx.core.hub.mailbox import Mailbox
from chanx.core.hub.shared_message import SharedMessage
from chanx.core.own_context import in_own_context
from chanx.core.stray_cancellation import as_failure

PORTION: Final = 64
"""To how many connections is sent in a row before everything else gets a turn; to be dispatched counts as four."""

DISPATCHED: Final = 4


class Pump:
    """``put`` takes messages in the order they came; each reaches every connection before the next one is looked at.

    A message that cannot be decoded is logged and left out.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._arrived: deque[tuple[Collection[Mailbox], Any, Callable[[Any], dict[str, Any]]]] = deque()
        self._forget()

    def _forget(self) -> None:
        self._message = SharedMessage({}, members=0)
        self._fan_out: FanOut | None = None
        self._members: Collection[Mailbox] = ()
        self._left: Iterator[Mailbox] = iter(())
        self._served: Mailbox | None = None

    def put(self, members: Collection[Mailbox], item: Any, decode: Callable[[Any], dict[str, Any]]) -> None:
        """Hand what ``decode`` makes of ``item`` to all who are ``members`` when its turn comes."""
        self._arrived.append((members, item, decode))
        if self._task is None:
            self._start()

    def release(self, mailbox: Mailbox) -> None:
        """The connection can take messages from now on, those first that wait."""
        if mailbox.waiting and not mailbox.is_over:
            self._loop.create_task(self._work_off(mailbox), name="chanx-mailbox", context=Context())
        else:
            mailbox.waiting = None
            mailbox.is_busy = mailbox.has_ended

    def _start(self) -> None:
        # In no context of whoever has sent the message; not by the task factory, see receive_loop.
        self._task = asyncio.Task(self._run(), loop=self._loop, name="chanx-pump", context=Context())

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await self._pump(task)
        except asyncio.CancelledError:
            if self._task is not task:
                raise
            self._start()  # somebody cancelled the task of a handler that ended in this one long ago
        except BaseException as error:  # of a consumer's property, say
            if not isinstance(error, Exception) and as_failure("A consumer", error) is None:
                raise
            log_failure("channel_message_failed", error)
            if self._task is task:
                self._start()

    async def _pump(self, task: asyncio.Task[Any]) -> None:
        done = 0
        while True:
            for mailbox in self._left:
                if mailbox not in self._members:  # it has left meanwhile
                    continue
                try:
                    done += await self._serve(mailbox)
                except BaseException:
                    if self._task is not task:
                        self.release(mailbox)
                    raise
                if self._task is not task:
                    await self._work_off(mailbox)
                    return
                if task.cancelling():  # by the handler itself, and that is no reason to stop
                    self._start()
                    return
                if done >= PORTION:
                    done = 0
                    await asyncio.sleep(0)
            self._tell_end()
            if not self._arrived:
                self._task = None
                self._forget()  # it may be long until the next message, and a connection may be gone by then
                return
            self._next()

    def _next(self) -> None:
        self._members, item, decode = self._arrived.popleft()
        try:
            self._message = SharedMessage(decode(item), members=len(self._members))
            self._fan_out = fan_out()
        except Exception as error:
            log_failure("channel_message_not_decoded", error)
            return
        self._left = iter(tuple(self._members))

    def _tell_end(self) -> None:
        if self._fan_out is not None:
            fan_out, self._fan_out = self._fan_out, None
            fan_out.end(self._message, self._message.members)

    async def _serve(self, mailbox: Mailbox) -> int:
        receiver, message = mailbox.receiver, self._message
        if receiver.is_closed:
            return 1
        if mailbox.is_busy:
            mailbox.hold(message)
            return 1
        self._served = mailbox
        run = mailbox.context.run
        sending = run(receiver.send_direct, message)
        if sending is None:
            await self._dispatch(mailbox, message.for_one(receiver), self._hand_on)
            return DISPATCHED
        try:
            awaited = run(sending.send, None)
        except StopIteration:
            return 1
        except OSError:  # with which ASGI servers say that the client has gone; the disconnect is on its way
            receiver.is_closed = True
            return 1
        except Exception as error:
            log_failure("channel_message_failed", error, consumer=type(receiver).__name__, type=message.get("type"))
            return 1
        self._hand_on()
        await in_own_context(receiver.finish_send(sending, awaited), _nothing, mailbox.context)
        return 1

    async def _dispatch(self, mailbox: Mailbox, content: dict[str, Any], on_wait: Callable[[], None]) -> None:
        try:
            await in_own_context(mailbox.receiver.dispatch(content), on_wait, mailbox.context.copy())
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            mailbox.end_with(error)

    def _hand_on(self) -> None:
        """The current task is that of the connection served; another one goes on."""
        if self._task is asyncio.current_task():
            assert self._served is not None
            self._served.is_busy = True
            self._start()

    async def _work_off(self, mailbox: Mailbox) -> None:
        """Hand over what waits, one after the other; then the connection is busy no longer."""
        task, done = asyncio.current_task(), 0
        try:
            while mailbox.waiting and not mailbox.is_over:
                if task is None or task.cancelling():  # by a handler itself: the next one gets a task of its own
                    break
                await self._dispatch(mailbox, mailbox.waiting.popleft().for_one(mailbox.receiver), _nothing)
                done += DISPATCHED
                if done >= PORTION:
                    done = 0
                    await asyncio.sleep(0)
        finally:
            self.release(mailbox)


def _nothing() -> None:
    pass
