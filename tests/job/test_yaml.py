"""YAML jobs: their keys, their rows, and the traps of YAML that must not bite."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.model import Value
from tests.job.helpers import parameters, read, refused, save

OPTIONS = ("rate", "max_failures", "concurrency", "yes")


def job(folder: Path, text: str, rows: str = "") -> Path:
    """A YAML job, and beside it mailboxes.csv."""
    if rows:
        save(folder, rows, "mailboxes.csv")
    return save(folder, text, "job.yaml")


def test_the_job_of_the_contract(tmp_path: Path) -> None:
    text = """\
tenant: contoso.onmicrosoft.com
rows: mailboxes.csv            # or a list of mappings; relative to this file
steps:                         # one cmdlet per row, or several in order
  - cmdlet: Set-Mailbox
    parameters:
      Identity: ${UserPrincipalName}
      EmailAddresses: {Add: ["smtp:${Alias}@contoso.com"]}
  - cmdlet: get-mailbox
    parameters: {Identity: "${userprincipalname}"}
rate: 20
max-failures: 2%
"""
    path = job(tmp_path, text, "UserPrincipalName,Alias\nada@contoso.com,ada\nbob@contoso.com,bob\n")
    found = load(path, option_names=OPTIONS)
    assert found.kind == "yaml"
    assert found.options == {"tenant": "contoso.onmicrosoft.com", "rate": 20, "max_failures": "2%"}
    assert found.options_where("max_failures") == "job.yaml, line 11"
    assert found.columns == ("UserPrincipalName", "Alias")
    checked = found.check()
    assert (checked.rows, checked.items) == (2, 4)
    assert checked.by_cmdlet == {"Set-Mailbox": 2, "Get-Mailbox": 2}
    assert [(item.row, item.step, item.cmdlet, item.identity) for item in found.items()] == [
        (1, 1, "Set-Mailbox", "ada@contoso.com"),
        (1, 2, "Get-Mailbox", "ada@contoso.com"),
        (2, 1, "Set-Mailbox", "bob@contoso.com"),
        (2, 2, "Get-Mailbox", "bob@contoso.com"),
    ]
    assert next(found.items()).parameters == {
        "Identity": "ada@contoso.com",
        "EmailAddresses": {"Add": ["smtp:ada@contoso.com"]},
    }


def test_without_parameters_every_column_is_one(tmp_path: Path) -> None:
    rows = "Identity,Office,Error\nada,0123,x\n"
    assert parameters(job(tmp_path, "cmdlet: Set-Mailbox\nrows: mailboxes.csv\n", rows), None) == [
        {"Identity": "ada", "Office": "0123"}
    ]
    rows = "Cmdlet,Identity\nSet-Mailbox,ada\nSet-User,bob\n"
    items = read(job(tmp_path, "rows: mailboxes.csv\nset: {Office: Room 1}\n", rows))
    assert [(item.cmdlet, item.parameters) for item in items] == [
        ("Set-Mailbox", {"Identity": "ada", "Office": "Room 1"}),
        ("Set-User", {"Identity": "bob", "Office": "Room 1"}),
    ]


def test_the_command_line_names_the_cmdlet_and_sets_more(tmp_path: Path) -> None:
    path = job(tmp_path, "rows: [{Identity: ada}]\nset: {Office: a, Notes: b}\n")
    (item,) = read(path, "Set-User", ["office=c"])
    assert item.parameters == {"Identity": "ada", "Notes": "b", "Office": "c"}


def test_a_job_without_rows_runs_once(tmp_path: Path) -> None:
    path = job(tmp_path, "cmdlet: Get-Mailbox\nparameters: {ResultSize: Unlimited, Archive: true}\n")
    (item,) = read(path)
    assert (item.row, item.cells, item.identity) == (1, {}, "")
    assert item.parameters == {"ResultSize": "Unlimited", "Archive": True}


class TestScalars:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("yes", "yes"),
            ("off", "off"),
            ("0123", "0123"),
            ("+41791234567", "+41791234567"),
            ("12:30:00", "12:30:00"),
            ("2026-11-24", "2026-11-24"),
            ("0x1F", "0x1F"),
            ("1_000", "1_000"),
            ("1e5", "1e5"),
            ("1.50", "1.50"),
            (".inf", ".inf"),
            ("=", "="),
            ("-0", "-0"),
            ("99999999999999999999", "99999999999999999999"),
            ("0", 0),
            ("-17", -17),
            ("1.5", 1.5),
            ("true", True),
            ("FALSE", False),
            ("'true'", "true"),
            ("'17'", "17"),
            ("!!str 17", "17"),
            ("null", None),
            ("~", None),
            ("''", ""),
            ("$true", "$true"),
            ("$null", None),
            ("$$null", "$null"),
            ("a$$b${Alias}$c$", "a$bada$c$"),
            ("\"@{Add='a'}\"", {"Add": "a"}),
            ("[a, 1, {b: null}]", ["a", 1, {"b": None}]),
            ("{Add: ['$true', '[1]']}", {"Add": ["$true", "[1]"]}),
            ("|\n    two\n    lines\n", "two\nlines\n"),
        ],
    )
    def test_a_value_is_what_is_written(self, tmp_path: Path, text: str, value: Value) -> None:
        path = job(
            tmp_path, f"cmdlet: Set-User\nrows: [{{Alias: ada}}]\nset:\n  Identity: x\n  Office: {text}\n"
        )
        save(tmp_path, path.read_text(encoding="utf-8") + "parameters: {}\n", "job.yaml")
        found = parameters(path, None)[0]
        assert found["Office"] == value
        assert type(found["Office"]) is type(value)

    @pytest.mark.parametrize(("text", "value"), [("$true", True), ("'FALSE'", False), ("false", False)])
    def test_booleans_are_read_as_in_cells(self, tmp_path: Path, text: str, value: bool) -> None:
        path = job(tmp_path, f"cmdlet: Set-Mailbox\nparameters: {{Identity: a, AuditEnabled: {text}}}\n")
        assert parameters(path, None)[0]["AuditEnabled"] is value

    @pytest.mark.parametrize("text", ["yes", "1", "[true]", "{a: true}", "''", "1.5"])
    def test_what_is_no_boolean_is_a_problem(self, tmp_path: Path, text: str) -> None:
        path = job(tmp_path, f"cmdlet: Set-Mailbox\nparameters:\n  Identity: a\n  AuditEnabled: {text}\n")
        (problem,) = refused(path, None)
        assert problem.where == "job.yaml, line 4"
        assert "neither true nor false" in problem.what
        assert "AuditEnabled" in problem.what


class TestTemplates:
    ROWS = "Name,Empty,List,Flag\nada,,@('x'),true\n"

    def value(self, folder: Path, text: str, parameter: str = "EmailAddresses") -> Value:
        head = "cmdlet: Set-Mailbox\nrows: mailboxes.csv\nparameters:\n  Identity: ${NAME}\n"
        found = parameters(job(folder, f"{head}  {parameter}: {text}\n", self.ROWS), None)
        return found[0].get(parameter, "left out")

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("${Name}", "ada"),
            ('"${ Name }"', "ada"),
            ("${List}", ["x"]),
            ("a${Name}b${Empty}c", "adabc".replace("adabc", "aadabc")),
            ("x${List}", "x@('x')"),
            ("${Empty}", "left out"),
            ('["${Name}", "${Empty}"]', ["ada"]),
            ('["${Empty}"]', "left out"),
            ('{Add: ["${Empty}"]}', "left out"),
            ('{Add: ["${Empty}"], Remove: [b]}', {"Remove": ["b"]}),
            ('{Add: "${List}"}', {"Add": ["x"]}),
            ('{"${Name}": ["$${Name}"]}', {"${Name}": ["${Name}"]}),
            ("[]", []),
        ],
    )
    def test_they_stand_at_any_depth_but_in_keys(self, tmp_path: Path, text: str, value: Value) -> None:
        assert self.value(tmp_path, text) == value

    def test_cells_follow_the_cell_rules_of_their_parameter(self, tmp_path: Path) -> None:
        assert self.value(tmp_path, "${Flag}", "AuditEnabled") is True
        assert self.value(tmp_path, "${Flag}", "CustomAttribute1") == "true"
        assert self.value(tmp_path, "t${Empty}rue", "AuditEnabled") is True

    @pytest.mark.parametrize(
        ("text", "what", "remedy"),
        [
            ("${Nam}", "no column 'Nam'", "Did you mean Name?"),
            ("x${Zzzzz}", "no column", "The columns are Name, Empty, List, Flag."),
            ('{Add: ["${Nmae}"]}', "no column 'Nmae'", "Did you mean Name?"),
            ("${}", "no column ''", "The columns are Name, Empty, List, Flag."),
            ("${Name", "never closed", "Write ${Column}; for a dollar sign write $$."),
        ],
    )
    def test_a_column_that_does_not_exist(self, tmp_path: Path, text: str, what: str, remedy: str) -> None:
        head = "cmdlet: Set-Mailbox\nrows: mailboxes.csv\nparameters:\n  Identity: ${NAME}\n"
        (problem,) = refused(job(tmp_path, f"{head}  Office: {text}\n", self.ROWS), None)
        assert problem.where == "job.yaml, line 5"
        assert what in problem.what
        assert problem.remedy == remedy

    def test_without_rows_there_are_no_columns(self, tmp_path: Path) -> None:
        (problem,) = refused(job(tmp_path, "cmdlet: Set-User\nparameters:\n  Identity: ${A}\n"), None)
        assert "has no rows" in problem.what

    def test_a_bad_cell_is_told_with_both_places(self, tmp_path: Path) -> None:
        head = "cmdlet: Set-Mailbox\nrows: mailboxes.csv\nparameters:\n  Identity: ${NAME}\n"
        (problem,) = refused(job(tmp_path, head + "  AuditEnabled: ${Name}\n", self.ROWS), None)
        assert problem.where == "mailboxes.csv, line 2"
        assert problem.what == (
            "'ada' is neither true nor false. The parameter is AuditEnabled, given in job.yaml, line 5."
        )


class TestInlineRows:
    def test_cells_keep_their_types(self, tmp_path: Path) -> None:
        text = """\
cmdlet: Set-Mailbox
rows:
  - {Identity: ada, AuditEnabled: true, Office: 0123, CustomAttribute1: 17}
  - Identity: bob
    EmailAddresses: {Add: [a, b]}
    Office:
    CustomAttribute1: null
  - {identity: eve, Office: "", CustomAttribute2: "@('x')"}
rate: 20
"""
        found = load(job(tmp_path, text), option_names=OPTIONS)
        assert found.columns == (
            *("Identity", "AuditEnabled", "Office", "CustomAttribute1", "EmailAddresses", "CustomAttribute2"),
        )
        items = list(found.items())
        assert [item.parameters for item in items] == [
            {"Identity": "ada", "AuditEnabled": True, "Office": "0123", "CustomAttribute1": 17},
            {"Identity": "bob", "EmailAddresses": {"Add": ["a", "b"]}, "CustomAttribute1": None},
            {"Identity": "eve", "CustomAttribute2": ["x"]},
        ]
        assert items[0].cells["CustomAttribute1"] == 17
        assert items[0].cells["EmailAddresses"] == ""

    def test_templates_over_them(self, tmp_path: Path) -> None:
        text = """\
cmdlet: Set-Mailbox
parameters: {Identity: "${Id}", Office: "${Room}", Notes: "room ${Room} ${Flag} ${None}!"}
rows: [{Id: ada, Room: 7, Flag: true, None: null}, {Id: bob}]
"""
        assert parameters(job(tmp_path, text), None) == [
            {"Identity": "ada", "Office": 7, "Notes": "room 7 true !"},
            {"Identity": "bob", "Notes": "room   !"},
        ]

    @pytest.mark.parametrize(
        ("rows", "where", "what"),
        [
            ("- ada", "line 3", "no mapping"),
            ("- {}", "line 3", "no mapping"),
            ("- {Identity: a}\n- [b]", "line 4", "no mapping"),
            ("- {Identity: a, identity: b}", "line 3", "twice"),
            ("- {Identity: a, AuditEnabled: yes}", "line 3, column AuditEnabled", "neither true nor false"),
            ("- {Identity: a, Office: <secret>}", "line 3, column Office", "left out a secret"),
            ("- {Office: a}\n- {Identity: x}", "line 3, column Identity", "needs an Identity"),
            ("- {Identity: &x a}\n- {Identity: *x}", "line 4", "Aliases"),
            ("- {Identity: !!binary eA==}", "line 3", "tag"),
            ("- ? [a]\n  : b", "line 3", "no text"),
        ],
    )
    def test_what_is_wrong_with_a_row(self, tmp_path: Path, rows: str, where: str, what: str) -> None:
        problems = refused(job(tmp_path, f"cmdlet: Set-Mailbox\nrows:\n{rows}\n"), None)
        assert any(what in problem.what and problem.where == f"job.yaml, {where}" for problem in problems)

    def test_a_text_cannot_hold_a_list(self, tmp_path: Path) -> None:
        text = 'cmdlet: Set-User\nparameters: {Identity: a, Office: "x${L}"}\nrows: [{L: [1]}]\n'
        (problem,) = refused(job(tmp_path, text), None)
        assert "stands inside a text" in problem.what

    def test_no_rows_at_all(self, tmp_path: Path) -> None:
        assert (
            "no rows"
            in refused(job(tmp_path, "cmdlet: Set-Mailbox\nparameters: {Identity: a}\nrows: []\n"), None)[
                0
            ].what
        )


@pytest.mark.parametrize(
    ("text", "where", "what", "remedy"),
    [
        ("", "job.yaml", "is empty", ""),
        ("# nothing\n", "job.yaml", "is empty", ""),
        ("- a\n", "job.yaml, line 1", "mapping of keys", ""),
        ("cmdlet: Get-User\nrat: 20\n", "job.yaml, line 2", "no key 'rat'", "Did you mean rate?"),
        (
            "cmdlet: Get-User\nmax-failure: 2\n",
            "job.yaml, line 2",
            "'max_failure'",
            "Did you mean max_failures?",
        ),
        ("cmdlet: Get-User\nRate: 2\nrate: 3\n", "job.yaml, line 3", "twice", ""),
        ("cmdlet: Get-User\nrate: [1]\n", "job.yaml, line 2", "needs one value", "Write rate: VALUE."),
        ("cmdlet: Get-User\nrate:\n", "job.yaml, line 2", "needs one value", ""),
        ("rate: 1\n", "job.yaml, line 1", "names no cmdlet", ""),
        ("cmdlet: [a]\n", "job.yaml, line 1", "No cmdlet", ""),
        ("cmdlet: Get User\n", "job.yaml, line 1", "not the name of a cmdlet", ""),
        ("steps: []\n", "job.yaml, line 1", "no list of steps", ""),
        ("steps:\n- a\n", "job.yaml, line 2", "No cmdlet", ""),
        (
            "steps:\n- cmdlet: Get-User\n  parametres: {}\n",
            "job.yaml, line 3",
            "A step has no key",
            "Did you mean parameters?",
        ),
        ("cmdlet: Get-User\nsteps: [{cmdlet: Get-User}]\n", "job.yaml, line 1", "both steps:", ""),
        ("cmdlet: Get-User\nparameters: [a]\n", "job.yaml, line 2", "no mapping of parameters", ""),
        ("cmdlet: Get-User\nparameters:\n", "job.yaml, line 2", "no mapping of parameters", ""),
        ("cmdlet: Get-User\nparameters:\n  Filter:\n", "job.yaml, line 3", "No value", ""),
        ("cmdlet: Get-User\nparameters: {Filter: a, filter: b}\n", "job.yaml, line 2", "twice", ""),
        ("cmdlet: Get-User\nparameters: {Filter: {a: 1, A: 2}}\n", "job.yaml, line 2", "twice", ""),
        ("cmdlet: Get-User\nset: a\n", "job.yaml, line 2", "set: is no mapping", ""),
        ("cmdlet: Get-User\nparameters: {Filter: a}\nset:\n  filter: b\n", "job.yaml, line 4", "twice", ""),
        ("cmdlet: Get-User\nrows: a.txt\n", "job.yaml, line 2", "(.txt) are not read", ""),
        ("cmdlet: Get-User\nrows: 7\n", "job.yaml, line 2", "names no rows", ""),
        ("cmdlet: Get-User\ncolumns: a\n", "job.yaml, line 2", "marks no column", ""),
        ("cmdlet: Get-User\nsecret: [[a]]\n", "job.yaml, line 2", "no name", ""),
        (
            "cmdlet: Get-User\nrows: [{Pin: a}]\ncolumns: {Pni: {secret: true}}\n",
            "job.yaml, line 3",
            "no column 'Pni'",
            "Did you mean Pin?",
        ),
        (
            "cmdlet: Get-User\nrows: [{Pin: a}]\ncolumns: {Pin: {secret: yes}}\n",
            "job.yaml, line 3",
            "other than secret",
            "",
        ),
        ("cmdlet: Get-User\n<<: {rate: 1}\n", "job.yaml, line 2", "Merge keys", ""),
        ("cmdlet: &a Get-User\nset: {Filter: *a}\n", "job.yaml, line 2", "Aliases", ""),
        ("cmdlet: !!python/name:os.system x\n", "job.yaml, line 1", "tag", ""),
        ("cmdlet: Get-User\n---\ncmdlet: Get-User\n", "job.yaml, line 2", "second document", ""),
        ("cmdlet: Get-User\n\tset: x\n", "job.yaml, line 2", "no YAML at column", ""),
        ("cmdlet: [Get-User\n", "job.yaml, line 2", "no YAML at column", ""),
        (
            "cmdlet: Get-User\nset: {Filter: ${A}}\n",
            "job.yaml, line 2",
            "no YAML",
            'Inside { } and [ ] a template needs quotes: "${Column}".',
        ),
        ("cmdlet: Get-User\nset: {Filter: a\x07}\n", "job.yaml, line 2", "control character", ""),
        ("cmdlet: Get-User\nset: {Filter: a\0}\n", "job.yaml, line 2", "NUL", ""),
        (
            "cmdlet: Get-User\nset: {Filter: " + "[" * 40 + "]" * 40 + "}\n",
            "job.yaml, line 2",
            "deeper than",
            "",
        ),
        ("a: " + "[" * 100_000, "job.yaml, line 1", "", ""),
    ],
)
def test_what_is_wrong_with_a_job(tmp_path: Path, text: str, where: str, what: str, remedy: str) -> None:
    problem = refused(job(tmp_path, text), None, options=OPTIONS)[0]
    assert problem.where == where
    assert what in problem.what
    assert not remedy or problem.remedy == remedy


def test_rows_that_are_missing_are_told_with_the_rest(tmp_path: Path) -> None:
    problems = refused(job(tmp_path, "rows: none.csv\nrat: 20\n"), None, options=OPTIONS)
    assert [problem.what for problem in problems] == ["A job has no key 'rat'.", "There is no such file."]


def test_head_and_rows_are_told_together(tmp_path: Path) -> None:
    text = "rows: mailboxes.csv\nrat: 20\ncmdlet: Set-Mailbox\n"
    problems = refused(
        job(tmp_path, text, "Identity,AuditEnabled\nada,maybe\n,true\n"), None, options=OPTIONS
    )
    assert [problem.where for problem in problems] == [
        "job.yaml, line 2",
        "mailboxes.csv, line 2, column AuditEnabled",
        "mailboxes.csv, line 3, column Identity",
    ]


def test_a_cmdlet_column_and_a_cmdlet_are_one_too_many(tmp_path: Path) -> None:
    rows = "Cmdlet,Identity\nGet-User,ada\n"
    assert (
        "column Cmdlet"
        in refused(job(tmp_path, "cmdlet: Get-User\nrows: mailboxes.csv\n", rows), None)[0].what
    )
    text = "cmdlet: Get-User\nrows: mailboxes.csv\nparameters: {Identity: '${Cmdlet}'}\n"
    assert parameters(job(tmp_path, text, rows), None) == [{"Identity": "Get-User"}]
    (problem,) = refused(job(tmp_path, "steps: [{cmdlet: Get-User}]\n"), "Get-User")
    assert problem.where == "--cmdlet"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_encoding_is_found_out_as_for_csv(tmp_path: Path, encoding: str) -> None:
    path = save(tmp_path, "cmdlet: Get-User\nset: {Filter: Straße}\n".encode(encoding), "job.yml")
    assert parameters(path, None) == [{"Filter": "Straße"}]
