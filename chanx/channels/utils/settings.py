"""Other values in Django's ``CHANX`` setting, for the time of a test or of a block."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test.utils import override_settings


class override_chanx_settings(override_settings):
    """``@override_chanx_settings(SEND_COMPLETION=True)`` on a function, coroutine function or Django test class.

    Also a context manager. Changes these keys of ``CHANX`` and leaves the others; what was there is back afterwards,
    after an exception too. They nest. Unknown keys have no effect.
    """

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self._changes = changes

    def enable(self) -> None:
        """Put the changes over what ``CHANX`` holds at this moment."""
        self.options = {"CHANX": self._over(getattr(settings, "CHANX", {}))}
        super().enable()

    def save_options(self, test_func: Any) -> None:
        """Put the changes over what the test class overrides already."""
        overridden = dict(test_func._overridden_settings or {})
        overridden["CHANX"] = self._over(overridden.get("CHANX", getattr(settings, "CHANX", {})))
        test_func._overridden_settings = overridden

    def _over(self, present: Mapping[str, Any]) -> dict[str, Any]:
        return {**present, **self._changes}


@contextmanager
def settings_context(**changes: Any) -> Generator[None]:
    """The same for a ``with`` block."""
    with override_chanx_settings(**changes):
        yield
