"""An AsyncAPI 3.0 document as chanx writes and reads it: the parts of it that say something about WebSockets.

Reading takes any document with these parts, and keeps what else it has. https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

SchemaObject: TypeAlias = dict[str, Any]
"""A JSON Schema."""


class _Object(BaseModel):
    model_config = ConfigDict(extra="allow", populate_by_name=True)


class ReferenceObject(_Object):
    """``{"$ref": "#/…"}``."""

    ref: str = Field(alias="$ref")


class TagObject(_Object):
    name: str


class InfoObject(_Object):
    title: str
    version: str
    description: str | None = None


class ServerObject(_Object):
    host: str
    protocol: str


class ParameterObject(_Object):
    description: str | None = None


class TopicObject(_Object):
    """``x-topic`` of a channel that is a topic: its frames have ``version``, ``topic``, ``ref`` and ``seq`` too.

    ``protocol``: a protocol that clients know the topic by, ``job-stream`` or ``job-list``.
    """

    name: str
    pattern: str
    parameters: list[str] = Field(default_factory=list)
    protocol: str | None = None


class ChannelObject(_Object):
    """``discriminator``: the key that tells messages apart, where that is not ``action``."""

    address: str
    title: str | None = None
    description: str | None = None
    parameters: dict[str, ParameterObject] = Field(default_factory=dict)
    topic: TopicObject | None = Field(None, alias="x-topic")
    discriminator: str | None = Field(None, alias="x-discriminator")
    messages: dict[str, ReferenceObject] = Field(default_factory=dict)
    tags: list[TagObject] = Field(default_factory=list)


class ReplyObject(_Object):
    channel: ReferenceObject | None = None
    messages: list[ReferenceObject] = Field(default_factory=list)


class OperationObject(_Object):
    """``receive``: the server takes ``messages`` from the client; ``send``: it sends them."""

    action: Literal["send", "receive"]
    channel: ReferenceObject
    description: str | None = None
    summary: str | None = None
    tags: list[TagObject] = Field(default_factory=list)
    messages: list[ReferenceObject] = Field(default_factory=list)
    reply: ReplyObject | None = None


class MessageObject(_Object):
    payload: SchemaObject


class ComponentsObject(_Object):
    messages: dict[str, MessageObject] = Field(default_factory=dict)
    schemas: dict[str, SchemaObject] = Field(default_factory=dict)


class AsyncAPIDocument(_Object):
    asyncapi: str
    info: InfoObject
    servers: dict[str, ServerObject] = Field(default_factory=dict)
    channels: dict[str, ChannelObject] = Field(default_factory=dict)
    operations: dict[str, OperationObject] = Field(default_factory=dict)
    components: ComponentsObject = Field(default_factory=ComponentsObject)
