"""Calls, as a program makes them: set against the catalogue where they are made."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import bulkexo
from bulkexo import call


class Colour(Enum):
    RED = "Red"


def test_names_are_the_catalogue_s_and_values_json_s() -> None:
    item = call(
        "set-mailbox",
        identity="ada@contoso.com",
        hiddenfromaddresslistsenabled=True,
        CustomAttribute1=None,
        CustomAttribute2="",
        EmailAddresses={"Add": ("smtp:a@contoso.com",)},
        GrantSendOnBehalfTo=["bob"],
        EndDateForRetentionHold=datetime(2026, 11, 24, 9, 30, tzinfo=timezone(timedelta(hours=1))),
        RetentionPolicy=UUID(int=7),
        CustomAttribute3=Colour.RED,
    )
    assert item.cmdlet == "Set-Mailbox"
    assert item.identity == "ada@contoso.com"
    assert item.parameters == {
        "Identity": "ada@contoso.com",
        "HiddenFromAddressListsEnabled": True,
        "CustomAttribute1": None,
        "CustomAttribute2": "",
        "EmailAddresses": {"Add": ["smtp:a@contoso.com"]},
        "GrantSendOnBehalfTo": ["bob"],
        "EndDateForRetentionHold": "2026-11-24T08:30:00",
        "RetentionPolicy": "00000000-0000-0000-0000-000000000007",
        "CustomAttribute3": "Red",
    }


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (date(2026, 11, 24), "2026-11-24"),
        (datetime(2026, 11, 24, 9, 30), "2026-11-24T09:30:00"),
        (datetime(2026, 11, 24, 9, 30, tzinfo=UTC), "2026-11-24T09:30:00"),
        ("2026-11-24T09:30:00Z", "2026-11-24T09:30:00"),
    ],
)
def test_dates(value: Any, sent: str) -> None:
    item = call("Set-Mailbox", Identity="a", EndDateForRetentionHold=value)
    assert item.parameters["EndDateForRetentionHold"] == sent


def test_options_of_a_call() -> None:
    item = call("Get-ComplianceCase", select=["Name", "Status"], api="compliance", tag=(1, 2), repeat="safe")
    assert (item.select, item.api, item.tag, item.repeat) == (
        ("Name", "Status"),
        "compliance",
        (1, 2),
        "safe",
    )
    assert call("Get-Mailbox", select="Alias").select == ("Alias",)
    hidden = call("Set-Mailbox", Identity="a", CustomAttribute1="x", secret=["CustomAttribute1"])
    assert hidden.secrets == {"CustomAttribute1"}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: call("Set Mailbox"), "not the name of a cmdlet"),
        (lambda: call("Set-Mailbox", CustomAttribute1="x"), "needs an Identity"),
        (lambda: call("Set-Mailbox", Identity="", CustomAttribute1="x"), "needs an Identity"),
        (
            lambda: call("Set-Mailbox", Identity="a", HiddenFromAddressListsEnabled="maybe"),
            "'maybe' is neither true nor false",
        ),
        (lambda: call("Set-Mailbox", Identity=object()), "given a object"),  # type: ignore[arg-type]
        (lambda: call("Get-Mailbox", api="graph"), "no such interface"),
        (lambda: call("Get-Mailbox", repeat="often"), "neither safe nor"),  # type: ignore[arg-type]
        (lambda: call("Set-Mailbox", Identity="a", identity="b"), "twice"),
        (lambda: call("Get-Mailbox", select=["a b"]), "cannot be the name of a property"),
    ],
)
def test_what_cannot_be_sent_is_refused_where_it_is_made(made: Callable[[], Any], words: str) -> None:
    with pytest.raises(bulkexo.UsageError, match=re.escape(words)):
        made()


def test_what_is_unusual_is_a_warning_once_of_the_line_that_made_it() -> None:
    with pytest.warns(bulkexo.CallWarning, match="Did you mean -CustomAttribute1") as caught:
        call("Set-Mailbox", Identity="a", CustomAtribute1="x")
    assert Path(caught[0].filename).name == Path(__file__).name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call("Set-Mailbox", Identity="b", CustomAtribute1="x")
    with pytest.warns(bulkexo.CallWarning, match="not in the catalogue"):
        call("Set-Mailbocks", Identity="a")
