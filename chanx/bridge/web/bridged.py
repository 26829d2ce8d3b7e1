"""What the topics of jobs have in common: the bridge whose jobs they show, and who a connection is to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from celery import current_app

from chanx.bridge.access import Scope
from chanx.bridge.installed import Bridge, bridge_of
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.tokens import JobAction
from chanx.bridge.web.access import may, names_of
from chanx.bridge.web.light_task import LightTask
from chanx.core.failures import log_failure
from chanx.core.topic import Topic, TopicRefused


class BridgedTopic(Topic, ABC):
    """The jobs are those of the current Celery app's bridge, or of ``bridge`` where a subclass sets one.

    While somebody is subscribed, a task of its own (:meth:`_run`) sends what is to be sent. Whether the connection may
    go on is asked again at intervals (``reauthorize_seconds``).
    """

    bridge: ClassVar[Bridge | None] = None
    reauthorize_seconds: ClassVar[float | None] = 60.0

    token: str | None = None
    """The signed token that the client has sent, if any."""

    _pump: LightTask | None = None

    @abstractmethod
    async def _run(self) -> None:
        """Sends until it is cancelled, or there is nothing more to send."""

    async def _stop(self) -> None:
        pump, self._pump = self._pump, None
        if pump is not None:
            await pump.stop()

    async def on_subscribe(self) -> None:
        self._pump = LightTask(self._run(), name=f"chanx-{self.topic}")

    async def on_resubscribe(self) -> None:
        await self.on_subscribe()

    async def on_unsubscribe(self) -> None:
        await self._stop()

    def can_miss(self, message: Mapping[str, Any]) -> bool:
        """What tells of jobs may: the store has it. An ordinary event of a subclass may not."""
        return "event_data" not in message

    @classmethod
    def get_bridge(cls) -> Bridge:
        """The bridge whose jobs this topic shows."""
        return cls.bridge or bridge_of(current_app)

    @property
    def access_scope(self) -> Scope:
        """The connection's scope, with the user that it has now."""
        return {**self.scope, "user": self.user}

    async def watches_as(self) -> Collection[str]:
        """The owner strings that this connection watches as: that of its user, and what ``install()`` was told."""
        return await names_of(self.get_bridge().access, self.access_scope)

    async def allows(self, job: JobSnapshot, action: JobAction) -> bool:
        """Whether this connection may do that with the job: by the rules of ``install()``, or by its token.

        HTTP endpoints do not know topics: what holds for both belongs into ``install(authorize=...)``.
        """
        access = self.get_bridge().access
        return await may(action, job, self.access_scope, access=access, names=self.watches_as, token=self.token)

    async def is_allowed(self, job: JobSnapshot, action: JobAction) -> bool:
        """As :meth:`allows`; where that fails, it is logged, and nothing is allowed."""
        try:
            return bool(await self.allows(job, action))
        except (TopicRefused, StoreUnavailableError):
            raise
        except Exception as error:
            log_failure("job_access_failed", error, job_id=job.job_id, action=action)
            return False

    async def reauthorize(self) -> bool:
        """A store that is away is no reason to end what was allowed: it is asked again at the next time."""
        try:
            return await super().reauthorize()
        except StoreUnavailableError:
            return True


def token_in(payload: Any) -> str | None:
    """The token in the payload of a client's ``subscribe``, if there is one."""
    token = payload.get("token") if isinstance(payload, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- any JSON
    return token if isinstance(token, str) else None
