"""What ``chanx.fast_channels`` hands on, and that a consumer does not pay for it."""

import subprocess
import sys

import pytest

from chanx import fast_channels
from chanx.fast_channels import views


def test_the_views_are_handed_on() -> None:
    for name in ("asyncapi_docs", "asyncapi_spec_json", "asyncapi_spec_yaml"):
        assert getattr(fast_channels, name) is getattr(views, name)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fast_channels.nothing  # type: ignore[attr-defined]


def test_a_consumer_loads_none_of_it() -> None:
    program = (
        "import sys, chanx.fast_channels.websocket\n"
        "print(*[name for name in sys.modules if name.startswith('chanx.asyncapi')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
