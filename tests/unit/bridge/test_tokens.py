"""Signed tokens of jobs: what they allow, and everything that is none."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.bridge.tokens import AUDIENCE, MAX_TOKEN_LENGTH, _keys, granted_actions, issued_token, secrets_of
from chanx.errors import ConfigurationError, InvalidNameError

SECRETS = ("a secret of the tests, long enough",)
CLAIMS = {"aud": AUDIENCE, "job": "j", "actions": ["subscribe"], "exp": 2**40}


def issued(job_id: str = "j", actions: Any = ("subscribe",), *, expires_in: float = 60, secrets: Any = SECRETS) -> str:
    return issued_token(job_id, actions, expires_in=expires_in, secrets=secrets)


def granted(token: object, job_id: str = "j", *, secrets: Any = SECRETS) -> set[str]:
    return set(granted_actions(token, job_id, secrets=secrets))


def signed(claims: dict[str, Any], *, secrets: Any = SECRETS, **options: Any) -> str:
    return jwt.encode(claims, _keys(secrets)[0], **{"algorithm": "HS256", **options})


def part(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_token_allows_what_it_says_with_its_job() -> None:
    assert granted(issued()) == {"subscribe"}
    assert granted(issued(actions={"cancel", "subscribe"})) == {"cancel", "subscribe"}
    assert granted(issued(actions=("cancel",))) == {"cancel"}
    assert granted(issued(), "other") == set()


def test_a_token_expires() -> None:
    assert granted(signed({**CLAIMS, "exp": int(time.time()) + 30})) == {"subscribe"}
    assert granted(signed({**CLAIMS, "exp": int(time.time()) - 1})) == set()


def test_a_secret_can_be_rotated() -> None:
    # Given a token of the old secret
    old, new = "the old secret of the tests", "the new secret of the tests"
    token = issued(secrets=(old,))

    # Then it is good while the old one is still accepted, and new ones are signed with the new one
    assert granted(token, secrets=(new, old)) == {"subscribe"}
    assert granted(token, secrets=(new,)) == set()
    assert granted(issued(secrets=(new, old)), secrets=(new,)) == {"subscribe"}


@pytest.mark.parametrize(
    "claims",
    [
        {**CLAIMS, "aud": "somebody.else"},
        {**CLAIMS, "aud": None},
        {name: value for name, value in CLAIMS.items() if name != "aud"},
        {name: value for name, value in CLAIMS.items() if name != "exp"},
        {name: value for name, value in CLAIMS.items() if name != "job"},
        {name: value for name, value in CLAIMS.items() if name != "actions"},
        {**CLAIMS, "exp": "soon"},
        {**CLAIMS, "nbf": 2**40},
        {**CLAIMS, "job": ["j"]},
        {**CLAIMS, "actions": "subscribe"},
        {**CLAIMS, "actions": {"subscribe": 1}},
        {**CLAIMS, "actions": [["subscribe"], "delete"]},
    ],
    ids=str,
)
def test_claims_of_another_form_allow_nothing(claims: dict[str, Any]) -> None:
    assert granted(signed(claims)) == set()


@pytest.mark.parametrize(
    "token",
    [
        None,
        5,
        b"bytes",
        "",
        "x" * 1_000_000,
        "a.b.c",
        "é.é.é",
        "\ud800",
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(CLAIMS)}.",
        f"{part({'alg': 'NONE'})}.{part(CLAIMS)}.{part('x')}",
        f"{part({'alg': 'RS256'})}.{part(CLAIMS)}.{part('x')}",
        f"{part('[' * 1400)}.{part(CLAIMS)}.{part('x')}",
        f"{part('null')}.{part(CLAIMS)}.{part('x')}",
        jwt.encode(CLAIMS, SECRETS[0].encode(), algorithm="HS256"),
        jwt.encode(CLAIMS, b"another secret that is long enough", algorithm="HS256"),
        f"{part({'alg': 'HS512'})}.{part(CLAIMS)}.{part('x')}",
        signed(CLAIMS, headers={"crit": ["exp"]}),
    ],
    ids=lambda token: str(token)[:20].encode("ascii", "replace").decode(),
)
def test_what_is_no_token_of_ours_allows_nothing(token: object) -> None:
    assert granted(token) == set()


@given(st.text(max_size=MAX_TOKEN_LENGTH + 10) | st.from_regex(r"[A-Za-z0-9_-]{0,60}(\.[A-Za-z0-9_-]{0,60}){2}"))
@settings(deadline=None)
def test_whatever_a_client_sends_allows_nothing_and_raises_nothing(token: str) -> None:
    assert granted(token) == set()


@given(st.data())
@settings(deadline=None)
def test_a_changed_token_allows_nothing(data: st.DataObject) -> None:
    token = issued()
    at = data.draw(st.integers(0, len(token) - 2))  # the last character of base64 has bits that count for nothing
    other = data.draw(st.sampled_from("abcXYZ019_-").filter(lambda character: character != token[at]))
    assert granted(token[:at] + other + token[at + 1 :]) == set()


def test_djangos_key_and_those_before_it_sign_by_default(settings: Any) -> None:
    # Given tokens of Django's key
    settings.SECRET_KEY = "the first key of the site"
    token = issued(secrets=())
    assert granted(token, secrets=()) == {"subscribe"}

    # When it is replaced, they stay good while it is a fallback
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the second key", ["the first key of the site"]
    assert granted(token, secrets=()) == {"subscribe"}
    settings.SECRET_KEY_FALLBACKS = []
    assert granted(token, secrets=()) == set()


def test_without_any_secret_nothing_is_signed_or_accepted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = issued(secrets=())
    monkeypatch.setattr("chanx.bridge.tokens.django_has_settings", lambda: False)

    with pytest.raises(ConfigurationError, match=r"install\(\.\.\., secret="):
        issued(secrets=())
    assert granted(token, secrets=()) == set()
    assert "job_token_not_checked" in caplog.text


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="actions="):
        issued(actions=("delete",))
    with pytest.raises(ConfigurationError, match="actions="):
        issued(actions=())
    for seconds in (0, -1, float("inf"), float("nan")):
        with pytest.raises(ConfigurationError, match="expires_in="):
            issued(expires_in=seconds)
    with pytest.raises(InvalidNameError):
        issued("a/b")
    with pytest.raises(ConfigurationError, match="16 characters"):
        secrets_of("short")
    assert secrets_of(None) == ()
    assert secrets_of(["x" * 16, "y" * 16]) == ("x" * 16, "y" * 16)
