"""What a test does that needs a program the machine does not have."""

import pytest

from tests import requirements
from tests.requirements import require


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("CHANX_TEST_REQUIRE", raising=False)
    monkeypatch.setattr(requirements.shutil, "which", lambda program: None)
    return monkeypatch


def test_gives_the_path_of_what_is_there(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(requirements.shutil, "which", lambda program: f"/usr/bin/{program}")
    assert require("chromium") == "/usr/bin/chromium"


def test_skips_and_says_how_to_get_what_is_not(machine: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.skip.Exception, match="needs chromium: apt install chromium"):
        require("chromium")


def test_fails_where_everything_is_promised(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("CHANX_TEST_REQUIRE", "all")
    with pytest.raises(pytest.fail.Exception, match="needs rabbitmq: apt install rabbitmq-server"):
        require("rabbitmq")
