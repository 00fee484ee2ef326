"""CSV jobs: what people's files look like, and what is said of those that are wrong."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulkexo.job import load
from tests.job import nasty
from tests.job.helpers import parameters, read, refused, save

KEEP = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def test_a_row_becomes_an_item(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity,Office\nada@contoso.com,Room 1\nbob@contoso.com,\n")
    ada, bob = read(path, "set-mailbox")
    assert (ada.row, ada.step, ada.cmdlet, ada.identity) == (1, 1, "Set-Mailbox", "ada@contoso.com")
    assert ada.parameters == {"Identity": "ada@contoso.com", "Office": "Room 1"}
    assert ada.cells == {"Identity": "ada@contoso.com", "Office": "Room 1"}
    assert bob.parameters == {"Identity": "bob@contoso.com"}, "an empty cell leaves the parameter out"
    assert bob.cells["Office"] == ""
    assert bob.row == 2


def test_a_column_can_name_the_cmdlet(tmp_path: Path) -> None:
    text = "identity,CMDLET,office,User\nada,set-MAILBOX,Room 1,\nbob, Remove-Mailbox ,,\n"
    items = read(save(tmp_path, text))
    assert [item.cmdlet for item in items] == ["Set-Mailbox", "Remove-Mailbox"]
    assert items[0].parameters == {"Identity": "ada", "Office": "Room 1"}, (
        "names are spelled as the service does"
    )


def test_an_alias_becomes_the_true_name(tmp_path: Path) -> None:
    assert parameters(save(tmp_path, "Identity,cf\nada,false\n")) == [{"Identity": "ada", "Confirm": False}]


def test_what_if_is_no_rehearsal(tmp_path: Path) -> None:
    """Users saw the change carried out (protocol.md, "-WhatIf is not to be trusted")."""
    path = save(tmp_path, "Identity,Office,WhatIf\nada,1,true\nbob,2,true\n")
    assert "Leave WhatIf out; rehearse with --dry-run" in str(refused(path))
    assert [each["WhatIf"] for each in parameters(save(tmp_path, "Identity,WhatIf\nada,false\n"))] == [False]


def test_the_error_column_of_failed_csv_is_no_parameter(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity,Office,Error\nada,1,it failed\n")
    assert parameters(path) == [{"Identity": "ada", "Office": "1"}]
    assert load(path, cmdlet="Set-Mailbox").columns == ("Identity", "Office", "Error")


@pytest.mark.parametrize("form", nasty.FORMS, ids=lambda form: f"{form[0]}{form[1]!r}")
def test_nasty_cells_arrive_byte_for_byte(tmp_path: Path, form: tuple[str, str]) -> None:
    file = nasty.write(tmp_path, *form)
    assert parameters(file.path, nasty.CMDLET) == list(file.expected)


_LETTERS = st.characters(codec="cp1252", exclude_characters="\0\ufeff", exclude_categories=["Cs"])


@KEEP
@given(
    cells=st.lists(st.tuples(st.text(_LETTERS), st.text(_LETTERS)), min_size=1, max_size=20),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_text_arrives_as_it_stands(
    tmp_path: Path, cells: list[tuple[str, str]], encoding: str, delimiter: str, quoting: int
) -> None:
    prefix = "ß-"  # so that CP1252 is never valid UTF-8, and no cell is empty or means something else
    with (tmp_path / "job.csv").open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
        writer.writerow(["Identity", "DisplayName", "Office"])
        writer.writerows([str(n), prefix + a, prefix + b] for n, (a, b) in enumerate(cells))
    found = parameters(tmp_path / "job.csv")
    assert [(row["DisplayName"], row["Office"]) for row in found] == [
        (prefix + a, prefix + b) for a, b in cells
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_break_ends_a_row(tmp_path: Path, end: str) -> None:
    path = save(tmp_path, end.join(["Identity,Office", "ada,1", "bob,2", ""]))
    assert [item.identity for item in read(path, "Set-Mailbox")] == ["ada", "bob"]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('"Identity","Office, Room"\nada,1\n', ("Identity", "Office, Room")),
        ('Identity;"Office, Room"\nada;1,5\n', ("Identity", "Office, Room")),
        ("Identity;Office\na,b;c,d\n", ("Identity", "Office")),
        ("Identity\tOffice;x\nada\t1;2\n", ("Identity", "Office;x")),
        ("Identity\nada\nbob\n", ("Identity",)),
        ("Identity\na;b\n", ("Identity",)),
        ("Identity,EmailAddresses\nada,a;b;c\nbob,d;e;f\n", ("Identity", "EmailAddresses")),
        ("Identity;Office\n", ("Identity", "Office")),
        ('sep=;\r\nIdentity;Office\nada;"1"\n', ("Identity", "Office")),
        ("sep=|\nIdentity|Office\nada|1\n", ("Identity", "Office")),
        ('"sep=;"\nIdentity\nada\n', ("Identity",)),
        (
            '#TYPE System.Management.PSCustomObject\r\n"Identity","Office"\r\n"ada","1"\r\n',
            ("Identity", "Office"),
        ),
        ("\n;;\n Identity ;Office\nada;1\n", ("Identity", "Office")),
    ],
)
def test_the_dialect_is_found_out(tmp_path: Path, text: str, columns: tuple[str, ...]) -> None:
    path = save(tmp_path, "cmdlet: Get-User\nparameters: {}\nrows: job.csv\n", "job.yaml")
    save(tmp_path, text)
    assert load(path).columns == columns


def test_blank_rows_are_no_rows_and_lines_are_those_of_the_file(tmp_path: Path) -> None:
    text = "Identity,Hidden\n\n,\nada,\n  \nbob,\n"
    items = read(save(tmp_path, text.replace("Hidden", "Office")), "Set-Mailbox")
    assert [(item.row, item.identity) for item in items] == [(1, "ada"), (2, "bob")]
    bad = 'sep=,\n\nIdentity,HiddenFromAddressListsEnabled\n"a\nd\na",true\n\nbob,maybe\n'
    (problem,) = refused(save(tmp_path, bad))
    assert problem.where == "job.csv, line 8, column HiddenFromAddressListsEnabled"
    assert problem.what == "'maybe' is neither true nor false."


def test_a_row_is_at_the_line_where_it_begins(tmp_path: Path) -> None:
    (problem,) = refused(save(tmp_path, 'Identity,Office\n"a\nb",1\n"c\n\nd",2,3\n'))
    assert problem.where == "job.csv, line 4"
    assert "too many cells: 3, where the header has 2" in problem.what


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("", "job.csv", "is empty"),
        ("\n\n,,\n", "job.csv", "is empty"),
        ("Identity,Office\n", "job.csv", "no rows"),
        ("Identity,Office\n,\n", "job.csv", "no rows"),
        ("Identity,office,OFFICE\na,b,c\n", "job.csv, line 1", "2 columns are called office"),
        ("Identity,,Office,\na,b,c,d\n", "job.csv, line 1", "Columns 2, 4 have no name"),
        ("Identity,Office\na\n", "job.csv, line 2", "too few cells: 1"),
        ("Identity,Office\na,b,c\n", "job.csv, line 2", "too many cells: 3"),
        ('Identity,Office\na,b\nc,"d\ne,f\n', "job.csv, line 3", "never closed"),
        ('Identity,Office\n"a"b,c\n', "job.csv, line 2", "After the closing quote"),
        ("Identity,Office\na,b\0c\n", "job.csv, line 2", "NUL"),
        ("Office\nRoom\n", "--cmdlet", "needs an Identity"),
        ("Identity,Office\n ,Room\n", "job.csv, line 2, column Identity", "needs an Identity"),
        ("Identity,Office\n$null,Room\n", "job.csv, line 2, column Identity", "needs an Identity"),
        ("Identity,Office\na,<secret>\n", "job.csv, line 2, column Office", "left out a secret"),
        ("Identity,Display Name\na,b\n", "job.csv, line 1, column Display Name", "name of a parameter"),
        ("Identity,Confirm,cf\na,true,false\n", "job.csv, line 1, column cf", "twice"),
        ("sep=x\nIdentity\na\n", "job.csv, line 1", "no delimiter"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, where: str, what: str) -> None:
    problem = refused(save(tmp_path, text))[0]
    assert problem.where == where
    assert what in problem.what


def test_a_csv_must_say_which_cmdlet(tmp_path: Path) -> None:
    (problem,) = refused(save(tmp_path, "Identity\nada\n"), cmdlet=None)
    assert "which cmdlet" in problem.what
    (problem,) = refused(save(tmp_path, "Identity,Cmdlet\nada,Set-Mailbox\n"))
    assert problem.where == "job.csv, line 1, column Cmdlet"
    (problem,) = refused(save(tmp_path, "Identity,Cmdlet\nada,\nbob,Set-Mailbox\n"), cmdlet=None)
    assert (problem.where, problem.what) == ("job.csv, line 2, column Cmdlet", "The row names no cmdlet.")
    (problem,) = refused(save(tmp_path, "Identity,Cmdlet\nada,Set Mailbox\n"), cmdlet=None)
    assert "not the name of a cmdlet" in problem.what


def test_all_problems_are_told_together_and_counted(tmp_path: Path) -> None:
    rows = "".join(f"user{number},maybe\n" for number in range(100))
    path = save(tmp_path, "Identity,HiddenFromAddressListsEnabled,,\n" + rows.replace("\n", ",,\n"))
    problems = refused(path)
    assert len(problems) == 20
    assert problems[0].where == "job.csv, line 1"
    assert problems[1].where == "job.csv, line 2, column HiddenFromAddressListsEnabled"


def test_several_problems_of_one_row_are_all_told(tmp_path: Path) -> None:
    text = "Identity,HiddenFromAddressListsEnabled,EmailAddresses\nada,x,@(\n"
    assert [problem.where.rpartition(" ")[2] for problem in refused(save(tmp_path, text))] == [
        "HiddenFromAddressListsEnabled",
        "EmailAddresses",
    ]


class TestEncoding:
    def test_cp1252_has_gaps(self, tmp_path: Path) -> None:
        path = save(tmp_path, b"Identity,Office\nada,\xdf\nbob,\x81\n")
        (problem,) = refused(path)
        assert problem.where == "job.csv, line 3"
        assert "not Windows-1252" in problem.what

    def test_a_mark_is_believed(self, tmp_path: Path) -> None:
        path = save(tmp_path, b"\xef\xbb\xbfIdentity,Office\nada,1\nbob,\xdf\n")
        (problem,) = refused(path)
        assert problem.where == "job.csv, line 3"
        assert "not UTF-8" in problem.what

    def test_cut_utf16(self, tmp_path: Path) -> None:
        path = save(tmp_path, "Identity,Office\nada,1".encode("utf-16") + b"x")
        assert "not UTF-16" in refused(path)[0].what

    def test_utf16_without_a_mark_is_named(self, tmp_path: Path) -> None:
        problem = refused(save(tmp_path, "Identity,Office\nada,1\n".encode("utf-16-le")))[0]
        assert "UTF-16" in problem.remedy

    def test_it_is_decided_over_the_whole_file(self, tmp_path: Path) -> None:
        rows = "".join(f"user{number},x\n" for number in range(200_000)).encode()
        path = save(tmp_path, b"Identity,Office\n" + rows + b"last,Stra\xdfe\n")
        assert parameters(path)[-1]["Office"] == "Straße"

    def test_a_mixed_file_is_warned_of(self, tmp_path: Path) -> None:
        path = save(tmp_path, "Identity,Office\nada,ß\n".encode() + b"bob,\xdf\n")
        (warning,) = load(path, cmdlet="Set-Mailbox").check().warnings
        assert "begins as UTF-8" in warning


@pytest.mark.parametrize("name", ["job.txt", "job", "job.csv.gz"])
def test_other_kinds_of_files_are_named(tmp_path: Path, name: str) -> None:
    (problem,) = refused(save(tmp_path, "x", name))
    assert ".csv, .xlsx, .yaml, .yml or .ndjson" in problem.remedy


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.csv")[0].what
    (tmp_path / "folder.csv").mkdir()
    assert "a folder" in refused(tmp_path / "folder.csv")[0].what
    assert "NUL" in refused(tmp_path / "a\0b.csv")[0].what
    assert refused(tmp_path / ("x" * 300 + ".csv"))


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bulkexo.job.text.LINE_LIMIT", 1000)
    assert "longer than" in refused(save(tmp_path, "Identity\n" + "x" * 2000))[0].what


def test_cells_of_many_megabytes(tmp_path: Path) -> None:
    large = "ß" * (8 << 20)
    assert parameters(save(tmp_path, f"Identity,Office\nada,{large}\n"))[0]["Office"] == large
    (problem,) = refused(save(tmp_path, f"Identity,Office\nada,{large}{large}x\n"))
    assert "longer than 16 million" in problem.what


def test_a_new_object_is_named_by_its_own_column_beside_that_of_others(tmp_path: Path) -> None:
    text = (
        "Cmdlet,Identity,Name,PrimarySmtpAddress\n"
        "New-DistributionGroup,,crew,crew@contoso.com\n"
        "New-DistributionGroup,,staff,\n"
        "Remove-DistributionGroup,crew@contoso.com,,\n"
    )
    found = [item.identity for item in read(save(tmp_path, text))]
    assert found == ["crew@contoso.com", "staff", "crew@contoso.com"]
