"""What travels arrives as it was: items of every kind of job, the errors, and nothing secret in a repr."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.cluster.messages import Given, Items, Pass, WantToken, packed, unpacked
from bulkexo.model import (
    BulkexoError,
    Ended,
    Item,
    JobError,
    Problem,
    SignInError,
    SignInUnreachableError,
    Status,
    StoppedError,
)
from bulkexo.net.tokens import Token
from bulkexo.wire.doors import Host
from tests.job.helpers import read, save

CSV = """\
Cmdlet,Identity,EmailAddresses,HiddenFromAddressListsEnabled,CustomAttribute1,Password,Type
Set-Mailbox,ada,"@{Add='smtp:a@b.c';Remove='smtp:d@e.f'}",true,[1;2],,
New-Mailbox,,,,,P@ss-w0rd,
"""
STEPS = """\
rows: [{Alias: ada, Quota: 5, Picture: AQID}, {Alias: bob, Quota: 7, Picture: BAUG}]
steps:
  - name: create
    cmdlet: New-Mailbox
    parameters: {Name: "${Alias}", Shared: true, Password: "${Alias}-secret"}
    repeat: unsafe
  - name: look
    cmdlet: Get-Mailbox
    parameters: {Identity: "${steps.create.ExternalDirectoryObjectId}"}
    select: [Alias, EmailAddresses]
    keep: value.Alias == row.Alias
    retry_not_found: 10m
  - cmdlet: Set-Mailbox
    when: steps.create.RecipientTypeDetails == 'SharedMailbox' and row.Quota > 5 and count(look) == 1
    parameters:
      Identity: ${steps.create.ExternalDirectoryObjectId}
      EmailAddresses: {Add: ["smtp:${Alias}@${steps.create.Domain}", "${steps.look.EmailAddresses}"]}
      CustomAttribute1: ${Alias}
  - cmdlet: Set-UserPhoto
    parameters: {Identity: "${Alias}", PictureData: "${Picture}"}
    when: always
"""
MADE = {"externaldirectoryobjectid": "5e-7", "domain": "contoso.com", "recipienttypedetails": "SharedMailbox"}
LOOKED = {"alias": "bob", "emailaddresses": ["smtp:x@y.z"]}


def there_and_back(items: list[Item]) -> list[Item]:
    found = unpacked(packed(Items([Given(each) for each in items], over=True)))
    assert isinstance(found, Items)
    return [each.item for each in found.given]


def test_items_of_rows_arrive_as_they_were(tmp_path: Path) -> None:
    items = read(save(tmp_path, CSV), None)
    assert there_and_back(items) == items


def test_items_of_steps_arrive_as_they_were_and_do_the_same(tmp_path: Path) -> None:
    items = read(save(tmp_path, STEPS, "job.yaml"), None)
    arrived = there_and_back(items)
    assert [item.parameters for item in arrived] == [item.parameters for item in items]
    assert [item.forms for item in arrived] == [item.forms for item in items]
    earlier = {1: Ended(Status.SUCCEEDED, [MADE], 1), 2: Ended(Status.SUCCEEDED, [LOOKED], 1)}
    some = 0
    for was, now in zip(items, arrived, strict=True):
        if was.rule is None:
            assert now.rule is None
            continue
        assert now.rule is not None
        some += 1
        assert now.rule.needs == was.rule.needs
        assert now.rule.keeps == was.rule.keeps
        assert now.rule.retry_not_found == was.rule.retry_not_found
        assert now.rule.against(now, earlier) == was.rule.against(was, earlier)
        assert now.rule.bind(now, earlier).parameters == was.rule.bind(was, earlier).parameters
        values = [{"Alias": "ada"}, {"Alias": "bob"}]
        assert now.rule.chosen(now, values) == was.rule.chosen(was, values)
    assert some >= 6


@pytest.mark.parametrize(
    "error",
    [
        StoppedError("It stopped."),
        SignInError("No."),
        SignInUnreachableError("Not now."),
        JobError([Problem("row 1", "It is wrong.", "Mend it.")], 7),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_arrive_as_they_were(error: BulkexoError) -> None:
    found = unpacked(packed(error))
    assert type(found) is type(error)
    assert str(found) == str(error)
    if isinstance(error, JobError):
        assert isinstance(found, JobError)
        assert (found.total, found.problems) == (error.total, error.problems)


def test_no_repr_shows_a_secret() -> None:
    at = Pass("tls://here:1", "run", 1, 2, "the-key")
    item = Item(
        1, 1, "New-Mailbox", "ada", {"Password": "P@ss"}, {"Password": "P@ss"}, frozenset({"Password"})
    )
    shown = repr([at, Given(item), WantToken(at, Host.EXCHANGE, "ey.tok", "cl"), Token("ey.tok")])
    for secret in ("the-key", "P@ss", "ey.tok", "'cl'"):
        assert secret not in shown
