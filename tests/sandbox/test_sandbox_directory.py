"""Who is in the tenant, and how they are found."""

from __future__ import annotations

import pytest

from bulkexo.sandbox.directory import Directory
from bulkexo.sandbox.errors import CmdletError
from bulkexo.sandbox.opath import compile_filter
from bulkexo.sandbox.paging import Backend, Cursor, Cursors
from bulkexo.sandbox.people import People, plain

DOMAIN = "contoso.onmicrosoft.com"


@pytest.fixture
def directory() -> Directory:
    return Directory(People(1, 2000, DOMAIN))


def test_the_same_seed_makes_the_same_people() -> None:
    one, two, other = (People(seed, 100, DOMAIN) for seed in (1, 1, 2))
    assert [one.mailbox(i) for i in range(1, 101)] == [two.mailbox(i) for i in range(1, 101)]
    assert one.mailbox(3) != other.mailbox(3)


def test_the_first_people_stay_as_the_jobs_know_them() -> None:
    people = People(1, 1000, DOMAIN)
    names = [people.mailbox(number)["UserPrincipalName"] for number in (1, 2, 3, 24)]
    assert names == [
        "sven.haddad1@contoso.com",
        "marketing.shared2@contoso.com",
        "zofia.lovelace3@contoso.com",
        "dublin.room24@contoso.com",
    ]
    assert people.group(1)["PrimarySmtpAddress"] == "it.group1@contoso.com"


def test_the_scheme_that_is_documented() -> None:
    for number in range(1, 500):
        facts = People(1, 500, DOMAIN).mailbox(number)
        assert facts["EmailAddresses"] == [
            f"SMTP:{facts['UserPrincipalName']}",
            f"smtp:{facts['Alias']}@{DOMAIN}",
            f"smtp:mailbox{number}@{DOMAIN}",
        ]
        assert facts["UserPrincipalName"].isascii()
        assert facts["Alias"].endswith(str(number))


def test_names_are_as_the_world_has_them() -> None:
    people = People(1, 2000, DOMAIN)
    shown = [people.mailbox(number) for number in range(1, 2001)]
    beyond_ascii = sum(not facts["DisplayName"].isascii() for facts in shown)
    shared = sum(facts["RecipientTypeDetails"] == "SharedMailbox" for facts in shown)
    assert 500 < beyond_ascii < 1000
    assert 100 < shared < 300
    assert len({facts["UserPrincipalName"] for facts in shown}) == 2000
    assert any("Ж" < letter < "я" for facts in shown for letter in facts["DisplayName"])


def test_addresses_are_plain() -> None:
    assert [plain(name) for name in ("Łukasz", "Fleißner", "Sørensen", "Åkesson", "O'Neil")] == [
        "lukasz", "fleissner", "sorensen", "akesson", "oneil",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["UserPrincipalName", "Alias", "Name", "Guid", "ExchangeGuid", "ExternalDirectoryObjectId"]
)
def test_an_object_is_found_by_each_of_its_names(directory: Directory, name: str) -> None:
    facts = directory.facts(1717)
    assert directory.find(facts[name]) == 1717
    assert directory.find(f" {facts[name].upper()} ") == 1717


def test_groups_and_mailboxes_share_the_numbers_but_not_the_names(directory: Directory) -> None:
    group = directory.facts(-17)
    assert directory.find(group["PrimarySmtpAddress"]) == -17
    assert directory.find(group["Guid"]) == -17
    assert directory.find(group["Name"]) == -17
    assert directory.find(f"group17@{DOMAIN}") == -17
    assert directory.find(f"mailbox17@{DOMAIN}") == 17


@pytest.mark.parametrize(
    "identity",
    [
        "",
        "nobody",
        "17",
        "mailbox0@contoso.onmicrosoft.com",
        "mailbox2001@contoso.onmicrosoft.com",
        "mailbox99999999999@contoso.onmicrosoft.com",
        "6c5795e1-4b3b-4e33-a795-2df267ef432f",
    ],
)
def test_nobody_is_found(directory: Directory, identity: str) -> None:
    with pytest.raises(CmdletError, match="ManagementObjectNotFoundException"):
        directory.find(identity)


def test_a_display_name_that_many_have_is_ambiguous(directory: Directory) -> None:
    names: dict[str, list[int]] = {}
    for number in range(1, 2001):
        names.setdefault(directory.facts(number)["DisplayName"].casefold(), []).append(number)
    twice = next(name for name, numbers in names.items() if len(numbers) > 1)
    once = next(name for name, numbers in names.items() if len(numbers) == 1)
    assert directory.find(once) == names[once][0]
    with pytest.raises(CmdletError, match="ManagementObjectAmbiguousException"):
        directory.find(twice)


def test_what_is_written_is_found_by_its_new_names_only(directory: Directory) -> None:
    old = directory.facts(5)
    directory.write(
        5, {"Alias": "new5", "Name": "new5", "DisplayName": "Ada Neu", "EmailAddresses": ["SMTP:n@x.y"]}
    )
    assert directory.find("new5") == directory.find("n@x.y") == directory.find("ada neu") == 5
    assert directory.lookup(old["EmailAddresses"][1][5:]) == []
    assert 5 not in directory.lookup(old["DisplayName"])
    assert directory.facts(6)["Alias"] != "new5"


def test_created_removed_and_purged(directory: Directory) -> None:
    facts = {
        **directory.facts(1),
        "Name": "n",
        "Alias": "n",
        "UserPrincipalName": "n@x.y",
        "EmailAddresses": [],
    }
    identifier = directory.create(facts, group=False)
    assert identifier == 2001
    assert directory.find("n@x.y") == 2001
    assert directory.find(directory.facts(2001)["Guid"]) == 2001
    directory.remove(2001)
    assert directory.lookup("n@x.y") == []
    assert directory.lookup("n@x.y", removed=True) == [2001]
    assert 2001 not in directory.identifiers(groups=False)
    assert list(directory.identifiers(groups=False, removed=True)) == [2001]
    directory.purge(2001)
    assert directory.lookup("n@x.y", removed=True) == []


def test_a_hundred_thousand_cost_nothing_until_they_are_asked_for() -> None:
    directory = Directory(People(1, 100_000, DOMAIN))
    assert directory.find(f"mailbox99999@{DOMAIN}") == 99_999
    assert sum(1 for _ in directory.identifiers(groups=False, after=99_990)) == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Department -eq 'Sales'", True),
        ("department -EQ 'sales'", True),
        ("Department -ne 'Sales'", False),
        ("DisplayName -like 'Ada*'", True),
        ("DisplayName -notlike '*x*'", True),
        ("EmailAddresses -like '*@b.c'", True),
        ("Manager -eq $null", True),
        ("Manager -ne $null", False),
        ("HiddenFromAddressListsEnabled -eq $true", False),
        ("HiddenFromAddressListsEnabled -eq 'False'", True),
        ("Department -eq 'x' -or (Department -eq 'Sales' -and DisplayName -eq 'Ada''s')", False),
        ("-not (Department -eq 'x') -and DisplayName -eq \"Ada Lovelace\"", True),
        ("WhenCreated -gt '2020'", True),
        ("WhenCreated -lt '2020'", False),
    ],
)
def test_filters(text: str, expected: bool) -> None:
    facts = {
        "department": "Sales", "displayname": "Ada Lovelace", "emailaddresses": ["SMTP:a@b.c"],
        "manager": None,
        "hiddenfromaddresslistsenabled": False, "whencreated": "2021-01-01",
    }  # fmt: skip
    assert compile_filter(text)(lambda name: facts[name.lower()]) is expected


@pytest.mark.parametrize(
    "text", ["Department", "Department -eq", "Department -is 'x'", "(A -eq 'b'", "A -eq 'b' C", "'"]
)
def test_a_filter_that_is_none(text: str) -> None:
    with pytest.raises(CmdletError, match="ParameterTransformationException"):
        compile_filter(text)


def test_cursors_are_tied_to_their_backend_and_expire() -> None:
    cursors = Cursors(lifetime=300)
    backend = Backend("one", "APP:x", b"body")
    token = cursors.give(Cursor(backend, "Get-Mailbox", {}, 100, 100, None), now=0)
    cursor = cursors.take(token, backend, 299)
    assert cursor is not None
    assert (cursor.after, cursor.given) == (100, 100)
    assert cursors.take(token, backend, 299) is not None
    assert cursors.take(token, backend, 300) is None
    assert cursors.take("x", backend, 0) is None
    for other in (
        Backend("two", "APP:x", b"body"),
        Backend("one", "APP:y", b"body"),
        Backend("one", "APP:x", b"?"),
    ):
        assert cursors.take(token, other, 0) is None
    bad = Backend("one", "nonsense", b"body")
    assert cursors.take(cursors.give(Cursor(bad, "Get-Mailbox", {}, 1, 1, None), now=0), bad, 0) is None
