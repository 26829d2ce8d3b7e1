"""The main job on the real stack, in a real browser; and the specification of consumers, claim by claim."""

import pytest

pytest.register_assert_rewrite("tests.acceptance.specification_claims", "tests.acceptance.specification_sending")
