"""Who signed in, as run.json tells it: from the token's claims, and never the token."""

from __future__ import annotations

import base64
import json

from bulkexo.signers import LONGEST, signed_in
from bulkexo.wire.token import Bearer, bearer

AT = "2026-11-24T09:30:00.000Z"
NOW = 1795512600.0


def token(claims: object) -> str:
    """A token that nobody has signed."""
    packed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{packed}.c2lnbmF0dXJl"


def test_a_person() -> None:
    claims = {
        "tid": "t-1",
        "upn": "ada@contoso.com",
        "appid": "fb78",
        "app_displayname": "Microsoft Exchange REST API Based Powershell",
        "oid": "o-1",
        "scp": "Exchange.Manage",
    }
    assert signed_in([("", bearer(token(claims)))], None, NOW) == [
        {
            "tenant_id": "t-1",
            "user": "ada@contoso.com",
            "app": "fb78",
            "app_name": "Microsoft Exchange REST API Based Powershell",
            "object_id": "o-1",
            "at": AT,
        }
    ]


def test_a_guest_without_a_upn_is_named_all_the_same() -> None:
    who = bearer(token({"tid": "t", "unique_name": "live.com#ada@outlook.com"}))
    assert (who.upn, who.user) == ("", "live.com#ada@outlook.com")


def test_an_app_is_no_person_whatever_its_token_says() -> None:
    who = bearer(token({"idtyp": "app", "appid": "a", "unique_name": "x", "upn": "y"}))
    assert (who.upn, who.user, who.app) == ("", "", "a")


def test_a_token_that_is_none_adds_nothing() -> None:
    for text in ("abc", "a.b.c", token([1]), token({}), token({"aud": "x"}), "é.é.é"):
        assert signed_in([("", bearer(text))], None, NOW) == []


def test_who_goes_on_with_a_run_comes_to_those_before() -> None:
    ada, bob = Bearer(tenant="t", user="ada"), Bearer(tenant="t", user="bob")
    first = signed_in([("contoso", ada)], None, NOW)
    assert signed_in([("contoso", ada)], first, NOW + 60) == first
    both = signed_in([("contoso", bob)], first, NOW + 60)
    assert [each["user"] for each in both] == ["ada", "bob"]
    assert signed_in([("contoso", ada), ("contoso", bob)], both, NOW + 99) == both


def test_claims_are_kept_short_and_can_be_written() -> None:
    found = signed_in([("", Bearer(user="x" * 9999, app_name="\ud800"))], "no list", NOW)
    assert len(found[0]["user"]) == LONGEST
    assert found[0]["app_name"].encode()
