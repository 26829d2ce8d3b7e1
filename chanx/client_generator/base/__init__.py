"""The runtime of generated clients: copied into every generated package as ``base``, with nothing but pydantic and
``websockets`` below it.

client ─> ReconnectingSocket ─> Subscriptions ─> topic handles, jobs, lists of jobs

What a generated package is made of::

    class ChatMessage(ProtocolMessage):                      # a message; everything nested: ProtocolModel
        action: Literal["chat"] = "chat"
        payload: ChatPayload

    ChatReceived: TypeAlias = "ChatReply | PongMessage"      # what comes on the channel; Never where nothing does

    class ChatClient(BaseClient[ChatReceived]):              # one per connection (address)
        path = "/ws/chat/{room}/"                            # the channel's address; its {parameters} are path_params
        discriminator = "action"                             # only where it is another
        received = (ChatReply, PongMessage)                  # the same types as values

        async def chat(self, message: ChatMessage) -> None:  # per request: frames that name no topic have no replies
            await self.send_message(message)

A connection with topics is a ``BaseTopicConnection`` (``is_dedicated = True`` where the address is a topic's own)::

    class RoomTopic(BaseTopicHandle[RoomReceived, RoomSubscribe, RoomSubscribed]):  # Any where the document has no type
        pattern = "room:{id}"
        received = (RoomEvent, RoomReply)
        subscribed_type = RoomSubscribed                     # type of the payload of `subscribed`; left out for Any

        async def say(self, message: Say, *, timeout: float | None = None) -> RoomReply | Other:  # replies
            return await self.request(message, (RoomReply, Other), timeout=timeout)               # or one type

        async def wave(self, message: Wave) -> None:         # no replies
            await self.send_message(message)

    class SiteClient(BaseTopicConnection[SiteReceived]):
        def room(self, *, id: str) -> RoomTopic:
            return self._topic(RoomTopic, {"id": id})        # on a dedicated connection: no arguments, self.path_params

``protocol: job-stream`` and ``job-list`` topics have classes of their own; ``subscribe``, ``ack`` and ``cancel`` are
not generated, a job topic's further requests are, as above::

    class SiteJob(BaseJob[SiteJobReceived]):
        pattern = "job:{job_id}"
        received = (JobQueued, JobStarted, ..., RowRejected)

    class SiteClient(...):
        def job(self, ref: JobReference, *, token: Token = None, position: JobPosition | None = None) -> SiteJob:
            return self._job(SiteJob, ref, token=token, position=position)

        def jobs(self, owner: str = "me") -> JobList:
            return self._job_list("jobs:{owner}", owner)

Fields that a sender may leave out and that have no default in the document are ``name: T | None = None``: those that
were not set are left out of the frame. Python names differ from the keys on the wire by
``Field(validation_alias=…, serialization_alias=…)``, as with ``alias`` type checkers refuse the name.
A generated method or field must not have one of the names in ``RESERVED_NAMES``.
"""

from __future__ import annotations

from .channel import Token
from .client import BaseClient
from .errors import (
    AccessDeniedError,
    AnswerTimeoutError,
    ClientError,
    JobCancelledError,
    JobClosedError,
    JobError,
    JobFailedError,
    JobRefusedError,
    NotConnectedError,
    RequestRefusedError,
    UnexpectedAnswerError,
)
from .job_list import JobList
from .job_models import JobPosition, JobReference, JobReset, JobSnapshot, ListedJob
from .jobs import BaseJob
from .messages import (
    AuthenticationMessage,
    ErrorMessage,
    ProtocolMessage,
    ProtocolModel,
    UnknownMessage,
)
from .topic_client import BaseTopicConnection, BaseTopicHandle

RESERVED_NAMES = frozenset(
    name for base in (BaseTopicConnection, BaseTopicHandle, BaseJob, ProtocolMessage) for name in dir(base)
)
"""What the bases use themselves."""

__all__ = [
    "RESERVED_NAMES",
    "AccessDeniedError",
    "AnswerTimeoutError",
    "AuthenticationMessage",
    "BaseClient",
    "BaseJob",
    "BaseTopicConnection",
    "BaseTopicHandle",
    "ClientError",
    "ErrorMessage",
    "JobCancelledError",
    "JobClosedError",
    "JobError",
    "JobFailedError",
    "JobList",
    "JobPosition",
    "JobReference",
    "JobRefusedError",
    "JobReset",
    "JobSnapshot",
    "ListedJob",
    "NotConnectedError",
    "ProtocolMessage",
    "ProtocolModel",
    "RequestRefusedError",
    "Token",
    "UnexpectedAnswerError",
    "UnknownMessage",
]
