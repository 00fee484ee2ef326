"""Errors of the sign-in service in words: the code, what to do, and no secret."""

from __future__ import annotations

import re
import secrets as random

import pytest

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.net.identity.remedies import REMEDIES, explain, refusal


@pytest.mark.parametrize("code", sorted(REMEDIES))
def test_a_sign_in_error_in_words(code: str) -> None:
    text = f"{code}: Some words\r\nof the service. Trace ID: 1-2-3 Correlation ID: 4 Timestamp: now"
    said = explain(text)
    assert said == f"Signing in failed. {code}: Some words of the service. {REMEDIES[code]}"
    assert re.search(r"[a-z][^.]*\.$", REMEDIES[code].replace("bulkexo login", "it"))


def test_every_code_that_is_known_has_a_remedy() -> None:
    """protocol.md, Errors: Sign-in."""
    known = (65001, 7000215, 700027, 700016, 50076, 50079, 53003, 700082, 90002, 900023, 50034, 50126)
    assert {f"AADSTS{number}" for number in known} <= set(REMEDIES)


def test_a_longer_code_is_not_taken_for_a_shorter_one() -> None:
    assert explain("AADSTS700016: No such app.").endswith(REMEDIES["AADSTS700016"])
    assert explain("AADSTS70001: Something else.") == "Signing in failed. AADSTS70001: Something else."


def test_the_secrets_at_hand_are_not_repeated() -> None:
    said = explain("AADSTS7000215: Invalid client secret 'Sesam-1' (Sesam-1x).", "Sesam-1", "Sesam-1x", "")
    assert "Sesam" not in said
    assert "AADSTS7000215" in said


@pytest.mark.parametrize("length", [20, 90, 700])
def test_nothing_that_looks_like_a_token_is_repeated(length: int) -> None:
    """An assertion, an access token, a refresh token: whoever it is that quotes them."""
    parts = [random.token_urlsafe(length) for _ in range(3)]
    jwt = "eyJ" + ".".join(parts)
    for text in (f"AADSTS50027: JWT {jwt} is malformed.", f"token='{jwt}'", f"{parts[0] * 4} is unknown"):
        said = explain(text)
        assert not any(part in said for part in parts), said


@pytest.mark.parametrize(
    "words",
    [
        "AADSTS700016: Application with identifier 'b01cec0d-5a9d-4b0c-8e10-7e57000000c5' was not found in "
        "the directory 'contoso.onmicrosoft.com'.",
        "AADSTS700027: The certificate with thumbprint 3F2504E04F8911D39A0C0305E82C3301A1B2C3D4 is not it.",
        "AADSTS500011: The resource https://ps.compliance.protection.office365.us was not found.",
    ],
)
def test_names_and_numbers_are_kept(words: str) -> None:
    assert words in explain(words)


@pytest.mark.parametrize(
    ("result", "kind", "words"),
    [
        (
            {"error": "invalid_client", "error_description": "AADSTS7000222: It expired."},
            SignInError,
            "expired",
        ),
        ({"error": "authorization_declined"}, SignInError, "declined"),
        ({"error": "strange"}, SignInError, "strange"),
        ({}, SignInError, "no token"),
        ({"error": "x", "error_description": "AADSTS90033: Unavailable."}, SignInUnreachableError, "90033"),
        ({"error": "temporarily_unavailable"}, SignInUnreachableError, "temporarily"),
    ],
)
def test_an_answer_without_a_token(result: dict[str, str], kind: type[SignInError], words: str) -> None:
    error = refusal(result)
    assert type(error) is kind
    assert words in str(error)
