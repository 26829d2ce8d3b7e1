"""JSON Schemas that say more than a field's own type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class SchemaOf:
    """``Annotated[dict[str, Any], SchemaOf(Job)]``: taken and sent like the first, described like the second."""

    type: Any

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(TypeAdapter(self.type).core_schema)
