"""JSON Schemas of types as they are on the wire: under the names that frames have, in one direction.

type ─> Pydantic's core schema ─> WireSchemaGenerator ─> WireSchema: a schema, and those of the classes it refers to
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Any, Final, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import CoreModeRef, DefsRef, GenerateJsonSchema, JsonSchemaMode, JsonSchemaWarningKind
from pydantic_core import core_schema

from chanx.core.camelize_plan import renamed
from chanx.core.camelize_schema import plan_of
from chanx.core.field_names import Direction, Schema, alias_paths, computed_fields, documented_names, named_fields
from chanx.utils.json_schema import IS_USER_DATA

LOCAL: Final = "#/$defs/"
"""What a reference to a class of the same ``WireSchema`` begins with."""

_FIELD: Final = "chanx_field"
_USER_DATA_SUFFIX: Final = "#user-data"


@dataclass(frozen=True, slots=True)
class WireSchema:
    """``root`` refers by ``#/$defs/<key>`` to ``definitions``, and these to each other."""

    root: dict[str, Any]
    definitions: Mapping[str, dict[str, Any]]


class NoSchemaError(Exception):
    """A type has no JSON Schema: ``path`` leads to the field, ``reason`` is Pydantic's text."""

    def __init__(self, path: list[str], reason: str) -> None:
        super().__init__(".".join(path), reason)
        self.path = path
        self.reason = reason


def wire_schema(type_: object, direction: Direction, *, camelize: bool = False) -> WireSchema:
    """The schema of what is sent (``out``) or taken (``in``) for a type. Raises ``NoSchemaError``."""
    generator = WireSchemaGenerator(direction, camelize=camelize)
    try:
        # As the items of a list: a class there is always a reference.
        root = generator.generate_inner(_core_schema_of_list(type_))["items"]
    except PydanticInvalidForJsonSchema as error:
        raise NoSchemaError(generator.path, error.message) from error
    definitions = {str(key): generator.sort(schema) for key, schema in generator.definitions.items()}
    if generator.reason is not None:  # of a class that refers to itself Pydantic only leaves out what has none
        raise NoSchemaError(generator.path, generator.reason)
    return WireSchema(generator.sort(root), definitions)


def _core_schema_of_list(items: Any) -> Any:
    of_items: Any = list
    return TypeAdapter(of_items[items]).core_schema


def class_of(key: str) -> str:
    """Which class a key of definitions stands for, the same in every ``WireSchema``."""
    return key.partition("#")[0]


class WireSchemaGenerator(GenerateJsonSchema):
    """Pydantic's generator with other names of properties. ``path`` leads to what has no schema."""

    def __init__(self, direction: Direction, *, camelize: bool) -> None:
        super().__init__(by_alias=True, ref_template=LOCAL + "{model}")
        self._direction: Direction = direction
        self._camelizes = camelize
        self._model_config: Schema = {}
        self._title_names: Mapping[str, str] = {}
        self._is_in_user_data = False
        self.path: list[str] = []
        self.reason: str | None = None

    @property
    def mode(self) -> JsonSchemaMode:
        return "validation" if self._direction == "in" else "serialization"

    def get_defs_ref(self, core_mode_ref: CoreModeRef) -> DefsRef:
        return DefsRef(core_mode_ref[0] + (_USER_DATA_SUFFIX if self._is_in_user_data else ""))

    def generate_inner(self, schema: Any) -> dict[str, Any]:
        if self._camelizes and schema.get("metadata", {}).get(IS_USER_DATA):
            return self._user_data(schema)
        return super().generate_inner(schema)

    def model_schema(self, schema: core_schema.ModelSchema) -> dict[str, Any]:
        with self._configured(schema):
            return super().model_schema(schema)

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> dict[str, Any]:
        with self._configured(schema):
            return super().dataclass_schema(schema)

    def model_fields_schema(self, schema: core_schema.ModelFieldsSchema) -> dict[str, Any]:
        return self._named(schema, super().model_fields_schema)

    def dataclass_args_schema(self, schema: core_schema.DataclassArgsSchema) -> dict[str, Any]:
        return self._named(schema, super().dataclass_args_schema)

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> dict[str, Any]:
        return self._named(schema, super().typed_dict_schema)

    def model_field_schema(self, schema: core_schema.ModelField) -> dict[str, Any]:
        return self._field(schema, super().model_field_schema)

    def dataclass_field_schema(self, schema: core_schema.DataclassField) -> dict[str, Any]:
        return self._field(schema, super().dataclass_field_schema)

    def typed_dict_field_schema(self, schema: core_schema.TypedDictField) -> dict[str, Any]:
        return self._field(schema, super().typed_dict_field_schema)

    def computed_field_schema(self, schema: core_schema.ComputedField) -> dict[str, Any]:
        return self._field(schema, super().computed_field_schema)

    def field_is_required(self, field: Any, total: bool) -> bool:
        """As for validation, whatever is sent: a property with a default is one that need not be given."""
        if field["type"] == "typed-dict-field":
            required = bool(field.get("required", total))
        else:
            required = field["schema"]["type"] != "default"
        return required and not (self._direction == "out" and field.get("serialization_exclude_if"))

    def get_title_from_name(self, name: str) -> str:
        return super().get_title_from_name(self._title_names.get(name, name))

    def emit_warning(self, kind: JsonSchemaWarningKind, detail: str) -> None:
        """A member of a union that has no schema would be missing: a document that is not true."""
        if kind == "skipped-choice":
            raise PydanticInvalidForJsonSchema(detail)

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, list | tuple):
            return [self.encode_default(item) for item in cast("list[Any]", dft)]
        if isinstance(dft, dict):
            items = cast("dict[object, Any]", dft).items()
            return {self._default_key(key): self.encode_default(item) for key, item in items}
        if isinstance(dft, BaseModel) or is_dataclass(dft):
            content = TypeAdapter(type(dft)).dump_python(cast(Any, dft), mode="json")
            plan = plan_of(cast(Any, type(dft)), "out") if self._camelizes else None
            return content if plan is None else renamed(plan, content)
        return super().encode_default(dft)

    def _default_key(self, key: object) -> Any:
        return next(iter(super().encode_default({key: None})))  # as in JSON: a UUID or a date is a string there

    @contextmanager
    def _configured(self, schema: Any) -> Generator[None]:
        outer, self._model_config = self._model_config, schema.get("config", {})
        try:
            yield
        finally:
            self._model_config = outer

    def _named(self, schema: Any, generate: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        names = documented_names(schema, self._model_config, self._direction, camelize=self._camelizes)
        told = {name: self._without_default(field) for name, field in named_fields(schema).items()}
        fields = [_renamed(name, field, names[name]) for name, field in told.items()]
        computed = [{**field, "alias": names.get(name)} for name, field in computed_fields(schema).items()]
        by_name = {field["metadata"][_FIELD]: field for field in fields}
        plain = documented_names(schema, self._model_config, self._direction, camelize=False)
        outer, self._title_names = self._title_names, {wire: plain[name] or "" for name, wire in names.items() if wire}
        try:
            has_list = isinstance(schema["fields"], list)
            return generate({**schema, "fields": fields if has_list else by_name, "computed_fields": computed})
        finally:
            self._title_names = outer

    def _without_default(self, field: Schema) -> Schema:
        """What the server may leave out has none: with one it would be always there."""
        inner = field["schema"]
        if self._direction == "out" and field.get("serialization_exclude_if") and inner["type"] == "default":
            return {**field, "schema": inner["schema"]}
        return field

    def _field(self, schema: Any, generate: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        try:
            return generate(schema)
        except PydanticInvalidForJsonSchema as error:
            self.path.insert(0, schema.get("metadata", {}).get(_FIELD) or schema.get("property_name"))
            self.reason = error.message
            raise

    def _user_data(self, schema: Any) -> dict[str, Any]:
        """The schema of data that nobody renames, in a message whose own names are camelCase."""
        outer = self.core_to_defs_refs, self.core_to_json_refs
        self.core_to_defs_refs, self.core_to_json_refs = {}, {}
        self._camelizes, self._is_in_user_data = False, True
        try:
            return super().generate_inner(schema)
        finally:
            self.core_to_defs_refs, self.core_to_json_refs = outer
            self._camelizes, self._is_in_user_data = True, False


def _renamed(name: str, field: Schema, wire: str | None) -> Schema:
    """The field under the name that the document has; what is read from inside of a key is anything under that key."""
    metadata = {**field.get("metadata", {}), _FIELD: name}
    if wire is None:
        key = alias_paths(field["validation_alias"])[0][0]
        anything = core_schema.with_default_schema(core_schema.any_schema(), default_factory=dict)
        return {**field, "schema": anything, "validation_alias": key, "metadata": metadata}
    return {**field, "validation_alias": wire, "serialization_alias": wire, "metadata": metadata}
