"""What a cell means: by the contract, and for a parameter as the catalogue knows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.model import Value
from tests.job.helpers import cell, read, refused, save, words

BOOL = "HiddenFromAddressListsEnabled"
SWITCH = "Confirm"
ARRAY = "EmailAddresses"


@pytest.mark.parametrize("parameter", [BOOL, SWITCH])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        (" True ", True),
        ("$true", True),
        ("$False\n", False),
        ("$NULL", None),
    ],
)
def test_booleans_of_known_parameters(tmp_path: Path, parameter: str, text: str, value: Value) -> None:
    assert cell(tmp_path, text, parameter) is value


@pytest.mark.parametrize("text", ["yes", "no", "1", "0", "wahr", " ", "$", "{}", "@{a=1}", '{"a": 1}'])
def test_anything_else_is_no_boolean(tmp_path: Path, text: str) -> None:
    path = save(tmp_path, 'Identity,{}\nada,"{}"\n'.format(BOOL, text.replace('"', '""')))
    (problem,) = refused(path)
    assert problem.where == f"job.csv, line 2, column {BOOL}"
    assert "neither true nor false" in problem.what
    assert problem.remedy == "Write true or false."


_TEXTS = words(
    "true $true 00123 +4179 1.50 yes null Null $nul x=$null =1+1 { [a] {x} (a)",
    """@ @x ${x} $$ 'a' "a" {"a":NaN} [1 @{x @()x""",
)


@pytest.mark.parametrize("text", [*_TEXTS, " a ", " @ ", "[EXT] Ada", "x $null", "@{ x", "true "])
def test_text_stays_as_it_stands(tmp_path: Path, text: str) -> None:
    assert cell(tmp_path, text, "CustomAttribute1") == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$null", None),
        (" $NULL ", None),
        ("@{Add='a','b';Remove='c'}", {"Add": ["a", "b"], "Remove": "c"}),
        ("@('a','b')", ["a", "b"]),
        (" @() ", []),
        ('["a", "b"]', ["a", "b"]),
        ('{"Add": ["a"], "n": 1, "x": 1.5}', {"Add": ["a"], "n": 1, "x": 1.5}),
        ('{"t": true, "z": null}', {"t": True, "z": None}),
        ("[12345678901234567890, 1e999]", ["12345678901234567890", "1e999"]),
        ('["\\u00e9"]', ["é"]),
        ("", "left out"),
        ("smtp:a@b.c", "smtp:a@b.c"),
        ("a,b", "a,b"),
    ],
)
@pytest.mark.parametrize("parameter", [ARRAY, "CustomAttribute1", "NotKnownYet"])
def test_values_that_are_more_than_text(tmp_path: Path, parameter: str, text: str, value: Value) -> None:
    assert cell(tmp_path, text, parameter) == value


@pytest.mark.parametrize("text", ["@{Add='a'", "@(a)", "@{Add=$x}", '{"Add": "a"', '["a"'])
def test_a_broken_value_is_never_silently_text(tmp_path: Path, text: str) -> None:
    path = save(tmp_path, 'Identity,{}\nada,"{}"\n'.format(ARRAY, text.replace('"', '""')))
    assert refused(path)[0].where == f"job.csv, line 2, column {ARRAY}"


def test_a_broken_literal_of_an_unknown_parameter_is_a_problem(tmp_path: Path) -> None:
    (problem,) = refused(save(tmp_path, "Identity,NotKnownYet\nada,@{Add=a}\n"))
    assert "at character 7: A value is expected here, and text has to stand in quotes." in problem.what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"Add": "a", "add": "b"}', "a name twice"),
        ('["\\ud800"]', "half of a character"),
        ("[" * 40 + "]" * 40, "deeper than"),
        ("[" * 50_000 + "]" * 50_000, "deeper than"),
        ("@(" * 40 + ")" * 40, "deeper than"),
    ],
)
def test_values_that_cannot_be_sent(tmp_path: Path, text: str, what: str) -> None:
    path = save(tmp_path, 'Identity,{}\nada,"{}"\n'.format(ARRAY, text.replace('"', '""')))
    assert what in refused(path)[0].what


class TestSet:
    """`--set NAME=VALUE`: a parameter for every row, by the same rules."""

    def test_it_is_a_parameter_of_every_row(self, tmp_path: Path) -> None:
        job = load(
            save(tmp_path, "Identity\nada\nbob\n"),
            cmdlet="Set-Mailbox",
            sets=["office=Room=1", f"{BOOL}=TRUE", "EmailAddresses=@('a')", "CustomAttribute1=$null"],
        )
        rest = {"Office": "Room=1", BOOL: True, "EmailAddresses": ["a"], "CustomAttribute1": None}
        assert [item.parameters for item in job.items()] == [
            {"Identity": name, **rest} for name in ("ada", "bob")
        ]

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("Office", "gives no parameter"),
            ("=x", "gives no parameter"),
            ("Office=", "gives no value"),
            ("Identity=x", "twice"),
            (f"{BOOL}=yes", "neither true nor false"),
            ("EmailAddresses=@(", "literal cannot be read"),
            ("Office=\udcff", "no text"),
            ("Display Name=x", "name of a parameter"),
            ("Password=x", "Secrets are not given"),
            ("OAuthClientSecret=x", "Secrets are not given"),
        ],
    )
    def test_what_is_wrong_with_one(self, tmp_path: Path, text: str, what: str) -> None:
        (problem,) = refused(save(tmp_path, "Identity\nada\n"), sets=[text])
        assert what in problem.what
        assert problem.where.startswith("--set")


class TestWarnings:
    """What the catalogue does not know may be new: it is sent, with a word about it."""

    def test_an_unknown_cmdlet(self, tmp_path: Path) -> None:
        path = save(tmp_path, "Cmdlet,Identity\nSet-Mailbx,ada\nset-mailbx,bob\nNew-Wonder,x\n")
        job = load(path)
        first, second = job.check().warnings
        assert first == (
            "job.csv, line 2, column Cmdlet: Set-Mailbx is not in the catalogue of cmdlets. "
            "Did you mean Set-Mailbox?"
        )
        assert second.endswith("It is sent as it stands.")
        assert [item.cmdlet for item in job.items()] == ["Set-Mailbx", "Set-Mailbx", "New-Wonder"]

    def test_an_unknown_parameter_once_it_has_a_value(self, tmp_path: Path) -> None:
        path = save(tmp_path, "Cmdlet,Identity,User,Offise\nSet-Mailbox,ada,,1\nSet-Mailbox,bob,,2\n")
        (warning,) = load(path).check().warnings
        assert warning.endswith("Set-Mailbox has no parameter Offise that is known. Did you mean -Office?")

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("ResourceCapacity", "many", "takes a whole number, and is given something else."),
            ("DisplayName", '{"Add": "x"}', "takes a text, and is given a hashtable."),
        ],
    )
    def test_a_value_that_is_not_of_the_type(self, tmp_path: Path, name: str, text: str, words: str) -> None:
        cell = '"' + text.replace('"', '""') + '"'
        path = save(tmp_path, f"Identity,{name}\nada,\nbob,{cell}\neve,{cell}\n")
        job = load(path, cmdlet="Set-Mailbox")
        assert job.check().warnings == (f"job.csv, line 1, column {name}: {name} of Set-Mailbox {words}",)
        assert len(list(job.items())) == 3

    @pytest.mark.parametrize("text", ["12", " 7 ", "-1", "$null"])
    def test_a_whole_number_is_one(self, tmp_path: Path, text: str) -> None:
        path = save(tmp_path, f"Identity,ResourceCapacity\nada,{text}\n")
        assert load(path, cmdlet="Set-Mailbox").check().warnings == ()

    def test_an_empty_identity_where_none_is_needed(self, tmp_path: Path) -> None:
        path = save(tmp_path, "Identity\nada\n\nbob\n$null\n")
        (warning,) = load(path, cmdlet="Get-Mailbox").check().warnings
        assert warning == (
            "job.csv, line 5: the Identity is empty, and Get-Mailbox without it returns all objects."
        )

    def test_they_are_bounded(self, tmp_path: Path) -> None:
        rows = "".join(f"Set-Wonder{number},x\n" for number in range(2000))
        checked = load(save(tmp_path, "Cmdlet,Identity\n" + rows)).check()
        assert len(checked.warnings) == 50
        assert checked.items == 2000


def test_the_identity_of_a_rest_only_cmdlet(tmp_path: Path) -> None:
    (item,) = read(save(tmp_path, "UserPrincipalName\nada@contoso.com\n"), "get-exomailbox")
    assert (item.cmdlet, item.identity) == ("Get-EXOMailbox", "ada@contoso.com")


def test_the_identity_of_an_item(tmp_path: Path) -> None:
    def identity(text: str, cmdlet: str) -> str:
        (item,) = load(save(tmp_path, text), cmdlet=cmdlet).items()
        return item.identity

    assert identity("Identity,Name\nada,x\n", "Set-Mailbox") == "ada"
    assert identity("Identity\n@(1)\n", "Set-Mailbox") == "[1]"
    assert identity("Name,PrimarySmtpAddress\nx,x@y.z\n", "New-DistributionGroup") == "x@y.z"
    assert identity("Name\nx\n", "New-DistributionGroup") == "x"
    assert identity("Mailbox,Name\nada,rule\n", "New-InboxRule") == "ada"
    assert identity("ResultSize\n10\n", "Get-Mailbox") == ""
