"""For random models: what the generated ones make of a frame is what the original ones make of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.client_generator.base.messages import frame_of
from chanx.client_generator.codegen import generate_pydantic_code
from chanx.client_generator.schema_types import declarations_of
from tests.unit.client_generator.executed import executed
from tests.unit.client_generator.strategies import messages


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)  # classes are slow
@given(data=st.data())
def test_frames_of_the_original_models_are_frames_of_the_generated_ones(mode: Any, data: st.DataObject) -> None:
    # Given
    form = data.draw(messages())
    original = form.type
    frame = data.draw(form.frames)
    if mode == "serialization":
        frame = json.loads(original.model_validate(frame).model_dump_json())
    declarations = declarations_of({original.__name__: original.model_json_schema(mode=mode)})
    code = generate_pydantic_code(declarations, messages=[original.__name__])

    # When
    with executed(code) as module:
        generated = getattr(module, original.__name__).model_validate(frame)
        written = json.loads(json.dumps(frame_of(generated)))

    # Then
    assert original.model_validate(written) == original.model_validate(frame), code
