"""Many topics on one connection: asks for each of them whenever there is a connection, until the server says no.

add(channel) ─> asking ─> open ─ frames ─> channel
                 │  ^
                 │  └── the connection was lost, the channel wants to begin elsewhere, or after a while
                 └──> refused (final), crowded (until another topic is given up), later (trouble on the server's side)
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from .backoff import Backoff
from .channel import Channel
from .errors import NotConnectedError, RequestRefusedError, reason_and_detail
from .messages import COMPLETIONS, Frame
from .socket import ReconnectingSocket
from .tasks import Tasks

logger = logging.getLogger("chanx.client")

LATER_REASONS = frozenset({"failed", "invalid_position", "not_subscribed"})
CROWDED = "too_many_topics"


Phase: TypeAlias = Literal["lost", "asking", "open", "crowded", "later", "ended"]


class _Subscription:
    """``turn`` is that of the newest question: answers to older ones count no more."""

    def __init__(self, channel: Channel, backoff: Backoff) -> None:
        self.channel = channel
        self.backoff = backoff
        self.phase: Phase = "lost"
        self.turn = 0
        self.timer: asyncio.TimerHandle | None = None
        self.waiters: list[asyncio.Future[None]] = []

    def tell(self, error: Exception | None) -> None:
        """Everybody who waits for it to be open hears that it is, or why it will not be."""
        for waiter in self.waiters:
            if not waiter.done():
                if error is None:
                    waiter.set_result(None)
                else:
                    waiter.set_exception(error)


class Subscriptions:
    """``dedicated`` is the topic of an address of its own: what is refused there is refused for good."""

    def __init__(self, socket: ReconnectingSocket, tasks: Tasks, *, discriminator: str, is_dedicated: bool) -> None:
        self.socket = socket
        self.discriminator = discriminator
        self._tasks = tasks
        self._is_dedicated = is_dedicated
        self._loop = asyncio.get_running_loop()
        self._all: dict[str, _Subscription] = {}

    def add(self, channel: Channel) -> None:
        """Subscribes to the channel's topic, for as long as it is not released or refused."""
        subscription = _Subscription(channel, Backoff(self._loop))
        self._all[channel.topic] = subscription
        if self.socket.is_open:
            self._ask(subscription)

    def subscribe(self, channel: Channel) -> None:
        """Adds the channel, or asks again for one that is there."""
        subscription = self._of(channel)
        if subscription is None:
            self.add(channel)
        elif self.socket.is_open:
            self._ask(subscription)

    def release(self, channel: Channel, released: Callable[[], None] = lambda: None) -> None:
        """The channel is not needed any more. ``released`` is called when the server knows, or need not."""
        subscription = self._of(channel)
        may_be_open = subscription is not None and subscription.phase not in {"lost", "crowded"}
        if subscription is not None:
            self._end(subscription, NotConnectedError(f"{channel.topic!r} was unsubscribed."))
        if not (may_be_open and self.socket.is_open):
            released()
            return

        def answered(_: Frame | None) -> None:
            self._ask_next()
            released()

        self.socket.request(self.frame_to(channel.topic, "unsubscribe"), answered)

    def again(self, channel: Channel) -> None:
        """Subscribes again, now, from where the channel stands."""
        if self._of(channel) is not None:
            self.subscribe(channel)

    def later(self, channel: Channel) -> None:
        """The same after a while: what comes is not what should come."""
        subscription = self._of(channel)
        if subscription is not None:
            self._ask_later(subscription)

    def is_open(self, channel: Channel) -> bool:
        subscription = self._of(channel)
        return subscription is not None and subscription.phase == "open" and self.socket.is_open

    async def until_open(self, channel: Channel) -> None:
        """Returns once it is open. Raises ``RequestRefusedError``, or ``NotConnectedError`` where it never will be."""
        subscription = self._of(channel)
        if subscription is None:
            raise NotConnectedError(f"{channel.topic!r} is not subscribed: call subscribe() first.")
        if subscription.phase == "open" and self.socket.is_open:
            return
        waiter: asyncio.Future[None] = self._loop.create_future()
        subscription.waiters.append(waiter)
        try:
            await waiter
        finally:
            subscription.waiters.remove(waiter)

    def frame_to(self, topic: str, action: str, payload: Any = None) -> Frame:
        frame: Frame = {"topic": topic, self.discriminator: action}
        return frame if payload is None else {**frame, "payload": payload}

    def send(self, channel: Channel, action: str, payload: Any) -> None:
        """Sends what needs no answer; nothing where the topic is not open."""
        if self.is_open(channel):
            self.socket.post(self.frame_to(channel.topic, action, payload))

    def request(self, channel: Channel, action: str, payload: Any, answered: Callable[[Frame | None], None]) -> None:
        self.socket.request(self.frame_to(channel.topic, action, payload), answered)

    # What the socket tells

    def opened(self) -> None:
        for subscription in list(self._all.values()):
            self._ask(subscription)

    def lost(self) -> None:
        for subscription in list(self._all.values()):
            self._turn(subscription, "lost")
            subscription.channel.lost()

    def fail(self, error: Exception) -> None:
        """There will be no connection any more."""
        for subscription in list(self._all.values()):
            self._end(subscription, error)
            subscription.channel.failed(error)

    def frame(self, frame: Frame) -> None:
        """Takes a frame of a topic that answers nothing anybody waits for."""
        subscription = self._all.get(frame["topic"])
        action, payload = frame.get(self.discriminator), frame.get("payload")
        if subscription is None or action in COMPLETIONS:
            return
        channel, is_unasked = subscription.channel, frame.get("ref") is None
        reason = reason_and_detail(payload)[0] if action == "error" else None
        if self._is_dedicated and is_unasked and reason is not None and reason not in LATER_REASONS:
            self._refuse(subscription, payload)
        elif subscription.phase != "open" and not (subscription.phase == "asking" and channel.hears_while_asking):
            return
        elif action == "subscribed":
            channel.subscribed(payload)
        elif reason is not None and (is_unasked or reason == "not_subscribed"):
            self._subscription_ended(subscription, reason)
        if action != "subscribed" and (reason is None or not is_unasked):
            channel.frame(frame)

    def _subscription_ended(self, subscription: _Subscription, reason: str) -> None:
        """The server has ended it. Whether for good is for the next answer to say: a new token may be there."""
        if reason == "failed":  # for trouble on the server's side
            self._ask_later(subscription)
        else:
            self._ask(subscription)

    # One subscription

    def _of(self, channel: Channel) -> _Subscription | None:
        subscription = self._all.get(channel.topic)
        return subscription if subscription is not None and subscription.channel is channel else None

    def _turn(self, subscription: _Subscription, phase: Phase) -> int:
        if subscription.timer is not None:
            subscription.timer.cancel()
            subscription.timer = None
        subscription.phase = phase
        subscription.turn += 1
        return subscription.turn

    def _ask(self, subscription: _Subscription) -> None:
        turn = self._turn(subscription, "asking")
        try:
            token = subscription.channel.token()
            found = token() if callable(token) else token
        except Exception:
            logger.exception("No token for %s", subscription.channel.topic)
            self._without_token(subscription, turn)
            return
        if inspect.isawaitable(found):
            self._tasks.start(self._ask_with(subscription, turn, found))
        else:
            self._subscribe(subscription, turn, found)

    async def _ask_with(self, subscription: _Subscription, turn: int, token: Awaitable[str]) -> None:
        try:
            found = await token
        except Exception:
            logger.exception("No token for %s", subscription.channel.topic)
            self._without_token(subscription, turn)
        else:
            self._subscribe(subscription, turn, found)

    def _without_token(self, subscription: _Subscription, turn: int) -> None:
        if turn == subscription.turn:
            self._ask_later(subscription)

    def _subscribe(self, subscription: _Subscription, turn: int, token: str | None) -> None:
        if turn != subscription.turn or not self.socket.is_open:
            return
        channel = subscription.channel

        def answered(frame: Frame | None) -> None:
            if frame is not None and turn == subscription.turn:
                self._answered(subscription, frame)

        self.request(channel, "subscribe", channel.payload(token), answered)

    def _answered(self, subscription: _Subscription, frame: Frame) -> None:
        payload = frame.get("payload")
        reason, _ = reason_and_detail(payload)
        if frame.get(self.discriminator) == "subscribed":
            self._turn(subscription, "open")
            subscription.backoff.worked()
            subscription.channel.subscribed(payload)
            if subscription.phase == "open":
                subscription.tell(None)
        elif reason == CROWDED:
            self._turn(subscription, "crowded")
            subscription.channel.trouble(payload)
        elif reason is None or reason in LATER_REASONS:
            subscription.channel.trouble(payload)
            self._ask_later(subscription)  # e.g. the log cannot be reached just now
        else:
            self._refuse(subscription, payload)

    def _ask_later(self, subscription: _Subscription) -> None:
        def ask() -> None:
            if self.socket.is_open:
                self._ask(subscription)

        self._turn(subscription, "later")
        subscription.timer = self._loop.call_later(subscription.backoff.next(), ask)
        subscription.channel.lost()

    def _refuse(self, subscription: _Subscription, payload: Any) -> None:
        self._end(subscription, RequestRefusedError(payload))
        subscription.channel.refused(payload)
        self._ask_next()

    def _end(self, subscription: _Subscription, error: Exception) -> None:
        self._turn(subscription, "ended")
        subscription.tell(error)
        if self._all.get(subscription.channel.topic) is subscription:
            del self._all[subscription.channel.topic]

    def _ask_next(self) -> None:
        """There may be room for one more on this connection."""
        crowded = (subscription for subscription in self._all.values() if subscription.phase == "crowded")
        following = next(crowded, None)
        if following is not None and self.socket.is_open:
            self._ask(following)
