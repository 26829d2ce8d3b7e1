"""JSON Schemas that say more than a field's own type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import GetJsonSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

IS_USER_DATA: Final = "chanx_user_data"
"""In the metadata of a core schema: the names in it are the user's, and no setting renames them."""


@dataclass(frozen=True, slots=True)
class SchemaOf:
    """``Annotated[dict[str, Any], SchemaOf(Job)]``: taken and sent like the first, described like the second."""

    type: Any

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        described: dict[str, Any] = {**TypeAdapter(self.type).core_schema}
        described["metadata"] = {**described.get("metadata", {}), IS_USER_DATA: True}
        # As the items of a list: so a class is a reference, as it is in any other field.
        items: dict[str, Any] = handler(core_schema.list_schema(cast(CoreSchema, described)))["items"]
        return items
