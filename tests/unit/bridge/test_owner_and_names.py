"""Who a job belongs to and what it is called: what is accepted, and what the errors say."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.names import is_job_id, job_group, new_job_id, validated_job_id
from chanx.bridge.owner import owner_of, owner_or_none
from chanx.errors import ConfigurationError, InvalidNameError
from chanx.layers import valid_group_name


def test_a_user_is_named_by_primary_key() -> None:
    assert owner_of(SimpleNamespace(pk=42)) == "user:42"
    assert owner_of(SimpleNamespace(id="abc")) == "user:abc"
    assert owner_of("project:7") == "project:7"


@pytest.mark.parametrize("nobody", ["42", "User:1", "user:", "user:a b", SimpleNamespace(pk=None), object()])
def test_what_cannot_own_a_job_is_refused_with_the_fix(nobody: object) -> None:
    with pytest.raises(ConfigurationError, match=r"owner|own a job"):
        owner_of(nobody)


def test_an_anonymous_visitor_owns_nothing() -> None:
    anonymous = SimpleNamespace(is_anonymous=True, pk=None)

    assert owner_or_none(anonymous) is None
    assert owner_or_none(None) is None
    with pytest.raises(ConfigurationError):
        owner_of(anonymous)


def test_a_new_id_is_no_option_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["-a", "--b", "c-d"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda size: next(drawn))
    assert new_job_id() == "c-d"


def test_new_ids_are_valid_everywhere() -> None:
    for _ in range(100):
        job_id = new_job_id()
        assert validated_job_id(job_id) == job_id
        assert valid_group_name(job_group(job_id)) == job_group(job_id)


@given(st.text())
def test_whatever_a_client_sends_as_an_id_is_either_safe_or_refused(text: str) -> None:
    if is_job_id(text):
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    else:
        with pytest.raises(InvalidNameError):
            validated_job_id(text)


def test_a_context_survives_its_header() -> None:
    context = JobContext("j", "user:1", "t", parent_job="p")

    assert JobContext.from_headers({HEADER: context.to_header(), "other": 1}) == context


@pytest.mark.parametrize("headers", [None, {}, {HEADER: None}, {HEADER: "x"}, {HEADER: {"job_id": "j"}}, {HEADER: 3}])
def test_headers_without_a_readable_context_have_none(headers: dict[str, object] | None) -> None:
    assert JobContext.from_headers(headers) is None
