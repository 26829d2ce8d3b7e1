"""Tasks that take and return Pydantic models: what passes unchanged, and what is refused."""

import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st
from kombu import serialization
from kombu.exceptions import ContentDisallowed, DecodeError, EncodeError
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, RootModel, SecretStr, field_validator

from chanx.bridge import serializer
from chanx.bridge.serializer import CONTENT_TYPE, RefusedArguments, SealedModel, install, register
from chanx.errors import ConfigurationError, ModelRefusedError


class Colour(Enum):
    RED = "red"


class Box(BaseModel):
    model_config = ConfigDict(strict=True)

    width: float
    made_on: date | None = None
    colour: Colour = Colour.RED


class Upload(BaseModel):
    name: str = Field(alias="fileName")
    size: int
    at: datetime
    boxes: list[Box] = []
    extra: dict[str, Any] = {}
    content: bytes = b""


class Names(RootModel[tuple[str, ...]]):
    pass


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with Cleared():
        register(Upload, Box, Names)
        yield


class Cleared:
    """The process's list of models, empty for a while."""

    def __enter__(self) -> None:
        self.before = dict(serializer._models), dict(serializer._names)
        serializer._models.clear()
        serializer._names.clear()

    def __exit__(self, *_: object) -> None:
        serializer._models.clear()
        serializer._names.clear()
        serializer._models.update(self.before[0])
        serializer._names.update(self.before[1])


def upload(**fields: Any) -> Upload:
    return Upload.model_validate({"fileName": "a.csv", "size": 3, "at": datetime(2026, 1, 2, tzinfo=UTC)} | fields)


def sent(value: Any) -> Any:
    content_type, encoding, data = serialization.dumps(value, serializer="chanx")
    assert (content_type, encoding) == (CONTENT_TYPE, "utf-8")
    return serialization.loads(data, content_type, encoding, accept={CONTENT_TYPE})


boxes = st.builds(
    Box,
    width=st.floats(allow_nan=False, allow_infinity=False),
    made_on=st.none() | st.dates(),
    colour=st.just(Colour.RED),
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(["__chanx__", "~__chanx__", "~~__chanx__", "json"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3) | st.just("__chanx__"), inner, max_size=3)
    ),
    max_leaves=6,
)
uploads = st.builds(
    upload,
    fileName=st.text(st.characters(codec="utf-8")),
    size=st.integers(-(2**63), 2**63 - 1),
    at=st.datetimes(timezones=st.just(UTC)),
    boxes=st.lists(boxes, max_size=3),
    extra=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), plain_json, max_size=3),
    content=st.text(st.characters(codec="utf-8")).map(str.encode),
)
names = st.lists(st.text(st.characters(codec="utf-8"))).map(lambda texts: Names(tuple(texts)))


@given(value=json_values)
def test_all_that_json_passes_passes_as_with_json(value: Any) -> None:
    assert sent(value) == json.loads(json.dumps(value))


@given(
    value=st.recursive(
        boxes | uploads | names | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(max_size=3) | st.sampled_from(["__chanx__", "~__chanx__", "json"]), inner, max_size=4
            )
        ),
        max_leaves=10,
    )
)
def test_models_come_back_equal_wherever_they_are(value: Any) -> None:
    received = sent(value)

    assert received == value
    assert type(received) is type(value)


def test_celery_s_own_types_pass_too() -> None:
    value = [datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), Decimal("1.50"), UUID(int=7), b"bytes", upload()]

    assert sent(value) == value


def test_what_looks_like_a_mark_is_just_data() -> None:
    value = {"__chanx__": "Upload", "json": "{}", "inner": [{"__chanx__": 1, "~__chanx__": 2}, upload()]}

    assert sent(value) == value
    assert sent(["__chanx__", 'a"__chanx__"']) == ["__chanx__", 'a"__chanx__"']


def test_a_model_that_is_not_registered_is_refused_before_it_is_sent() -> None:
    class Other(BaseModel):
        x: int

    with pytest.raises(EncodeError, match=r"Other is not registered.*add: chanx.bridge.serializer.register\(Other\)"):
        sent({"a": [Other(x=1)]})


class Secret(BaseModel):
    password: SecretStr


class Private(BaseModel):
    _cache: int = PrivateAttr(0)


class Holder(BaseModel):
    base: Box


class Painted(Box):
    paint: str = "oil"


class Ratio(BaseModel):
    value: float


class Asymmetric(BaseModel):
    x: int = Field(validation_alias="in", serialization_alias="out")


def private() -> Private:
    model = Private()
    model._cache = 7
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: Secret(password=SecretStr("hunter2")),
        private,
        lambda: Holder(base=Painted(width=1)),
        lambda: Ratio(value=math.nan),
        lambda: Box.model_construct(width="wide"),
        lambda: Asymmetric.model_validate({"in": 1}),
    ],
    ids=["secret", "private attribute", "subclass", "NaN", "wrong type", "aliases"],
)
def test_a_model_that_would_be_changed_on_its_way_is_refused_before_it_is_sent(make: Callable[[], BaseModel]) -> None:
    register(Secret, Private, Holder, Painted, Ratio, Asymmetric)

    with pytest.raises(EncodeError, match=r"would be changed on its way|cannot be read back") as refused:
        sent(make())
    assert "hunter2" not in str(refused.value)


def marked(name: Any, text: Any, **more: Any) -> dict[str, Any]:
    return {"__chanx__": name, "json": text, **more}


class Trap(BaseModel):
    x: int

    @field_validator("x")
    @classmethod
    def broken(cls, value: int) -> int:
        raise KeyError(value)


@pytest.mark.parametrize(
    ("tampered", "said"),
    [
        (marked("os.system", '"rm"'), "'os.system' is not registered in this process.*register"),
        (marked("Upload", '{"size": "many", "password": "hunter2"}'), "'Upload' is none: fileName: Field required"),
        (marked("Upload", "{" * 10_000), "'Upload' is none"),
        (marked("Names", "[" * 100_000), "'Names' is none"),
        (marked("Upload", "{}", more=1), "malformed"),
        (marked(["Upload"], "{}"), "malformed"),
        (marked("Upload", {"size": 1}), "malformed"),
        ({"__chanx__": "Upload"}, "malformed"),
        (marked("Trap", '{"x": 1}'), "Validating the model 'Trap' failed: KeyError"),
    ],
)
def test_what_was_tampered_with_is_refused(tampered: dict[str, Any], said: str) -> None:
    # Given
    register(Trap)
    data = json.dumps({"status": "SUCCESS", "result": [tampered]})

    # Then
    with pytest.raises(DecodeError, match=said) as refused:
        serialization.loads(data.encode(), CONTENT_TYPE, "utf-8", accept={CONTENT_TYPE})
    assert "hunter2" not in str(refused.value)


def decoded_message(args: Any, kwargs: Any, embed: Any) -> Any:
    body = json.dumps([args, kwargs, embed]).encode()
    return serialization.loads(body, CONTENT_TYPE, "utf-8", accept={CONTENT_TYPE})


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([marked("New", "{}")], {}), ([1, [marked("New", "{}")]], {}), ([], {"a": {"b": marked("New", "{}")}})],
)
def test_a_task_message_with_an_unknown_model_fails_the_task_that_is_called_with_it(args: Any, kwargs: Any) -> None:
    # Given what a worker decodes
    message = decoded_message(args, kwargs, {"chain": None})
    assert "args" not in message
    arguments, keywords, embed = message

    # When
    with pytest.raises(ModelRefusedError, match="'New' is not registered in this process"):
        dict(*arguments, **keywords)

    # Then
    assert embed == {"chain": None}
    assert arguments
    assert isinstance(arguments, RefusedArguments)
    assert "not registered" in repr(arguments)
    assert json.loads(serialization.dumps({"args": arguments}, serializer="chanx")[2]) == {"args": []}


def test_models_for_later_tasks_pass_through_a_worker_that_does_not_know_them() -> None:
    # Given a chain whose next task belongs to another worker
    new = marked("New", '{"x": 1}')
    embed = {"chain": [{"task": "other", "args": [new, upload().model_dump(mode="json")]}], "callbacks": None}

    # When
    args, _, received = decoded_message([1], {}, embed)

    # Then
    assert args == [1]
    assert isinstance(received["chain"][0]["args"][0], SealedModel)
    assert json.loads(serialization.dumps(received, serializer="chanx")[2]) == embed


def test_a_name_belongs_to_one_model() -> None:
    def another() -> type[BaseModel]:
        class Upload(BaseModel):
            pass

        return Upload

    legacy = another()
    with pytest.raises(ConfigurationError, match=r"'Upload' is that of the model .*register\(OtherUpload=Upload\)"):
        register(legacy)

    # Given another name
    register(LegacyUpload=legacy)
    register(Upload)

    assert type(sent(legacy())) is legacy
    assert type(sent(upload())) is Upload


@pytest.mark.parametrize("wrong", [dict, "Upload", json, upload])
def test_only_models_can_be_registered(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="takes Pydantic model classes"):
        register(wrong)


def test_depth_is_bounded_as_with_json() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(EncodeError):
        sent(deep)
    with pytest.raises(DecodeError):
        serialization.loads(b"[" * 1_000_000, CONTENT_TYPE, "utf-8", accept={CONTENT_TYPE})


def test_who_does_not_accept_it_does_not_decode_it() -> None:
    _, _, data = serialization.dumps(upload(), serializer="chanx")

    with pytest.raises(ContentDisallowed):
        serialization.loads(data, CONTENT_TYPE, "utf-8", accept={"application/json"})


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_any_buffer_can_be_decoded(buffer: Any) -> None:
    _, _, data = serialization.dumps(upload(), serializer="chanx")

    assert serializer.decode(buffer(str(data).encode())) == upload()


def test_an_app_uses_it_and_still_accepts_what_it_did() -> None:
    app = Celery("t", set_as_current=False)
    app.conf.update(accept_content=["json", "msgpack"], result_accept_content=["json"])

    for _ in range(2):
        install(app, Upload)

    assert (app.conf.task_serializer, app.conf.result_serializer) == ("chanx", "chanx")
    assert app.conf.accept_content == ["json", "msgpack", CONTENT_TYPE]
    assert app.conf.result_accept_content == ["json", CONTENT_TYPE]
