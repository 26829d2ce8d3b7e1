"""What an error about a missing extra says."""

import sys
from pathlib import Path

import pytest

from chanx.errors import MissingExtraError
from chanx.utils.extras import need


class TestWhatIsMissing:
    def test_it_is_named(self) -> None:
        with pytest.raises(MissingExtraError, match=r'^no_such_library is not installed: pip install "chanx\[cli\]"$'):
            need("no_such_library", extra="cli")

    def test_it_is_what_the_module_imports_and_not_the_module(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Given a module that is there, and imports a library that is not, then the library is named."""
        (tmp_path / "part_that_is_there.py").write_text("import no_such_library.part\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(MissingExtraError, match=r'^no_such_library is not installed: pip install "chanx\[cli\]"$'):
            need("part_that_is_there", extra="cli")

    def test_the_innermost_error_has_the_extra(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Given a module that itself needs an extra, then that extra's line is shown."""
        source = "from chanx.utils.extras import need\nneed('no_such_library', extra='core')\n"
        (tmp_path / "part_that_needs_more.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(MissingExtraError, match=r'^no_such_library is not installed: pip install "chanx\[core\]"$'):
            need("part_that_needs_more", extra="cli")
        assert "part_that_needs_more" not in sys.modules

    def test_a_version_that_does_not_fit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Given a library without a name that is wanted of it, then the error does not say that it is missing."""
        (tmp_path / "part_of_another_version.py").write_text("from json import no_such_name\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        with pytest.raises(MissingExtraError, match=r"cannot import name 'no_such_name'.*: pip install --upgrade "):
            need("part_of_another_version", extra="cli")
