"""`tenants:` of a YAML job: a column, a list, a list with rows of its own."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulkexo.job import Job, load
from bulkexo.job.apart import BLOCK
from bulkexo.model import Item, JobError
from tests.job.helpers import save

OPTIONS = {"tenant", "tenant_column"}
KNOWN = ("contoso", "fabrikam")
ROWS = "Identity,CustomAttribute1\nada,x\nben,y\n"


def job(folder: Path, text: str, **files: str) -> Job:
    """A YAML job; the files beside it by their names without .csv."""
    for name, content in files.items():
        save(folder, content, f"{name}.csv")
    found = load(save(folder, text, "job.yaml"), option_names=OPTIONS)
    found.profiles = KNOWN
    return found


def triples(items: list[Item]) -> list[tuple[int, str, str]]:
    return [(item.row, item.tenant, item.identity) for item in items]


def refused(folder: Path, text: str, **files: str) -> str:
    with pytest.raises(JobError) as caught:
        job(folder, text, **files).check()
    return str(caught.value)


def test_a_column(tmp_path: Path) -> None:
    found = job(
        tmp_path,
        "cmdlet: Set-Mailbox\nrows: a.csv\ntenants: {column: customer}\n",
        a="Customer,Identity\nContoso,ada\nwoodgrove.com,ben\n",
    )
    assert found.names_tenants
    assert found.check().tenants == {"contoso": 1, "woodgrove.com": 1}
    assert triples(list(found.items())) == [(1, "contoso", "ada"), (2, "woodgrove.com", "ben")]
    assert list(next(iter(found.items())).parameters) == ["Identity"]


def test_a_list_runs_every_row_in_each_and_numbers_count_through(tmp_path: Path) -> None:
    text = "cmdlet: Set-Mailbox\nrows: a.csv\ntenants: [Contoso, b.onmicrosoft.com]\n"
    found = job(tmp_path, text, a=ROWS)
    checked = found.check()
    assert (checked.rows, checked.items) == (4, 4)
    assert checked.tenants == {"contoso": 2, "b.onmicrosoft.com": 2}
    assert found.columns == ("Identity", "CustomAttribute1", "Tenant")
    items = list(found.items())
    assert triples(items) == [
        (1, "contoso", "ada"),
        (2, "contoso", "ben"),
        (3, "b.onmicrosoft.com", "ada"),
        (4, "b.onmicrosoft.com", "ben"),
    ]
    assert items[3].cells == {"Identity": "ben", "CustomAttribute1": "y", "Tenant": "b.onmicrosoft.com"}
    assert "Tenant" not in items[3].parameters


def test_a_list_of_tenants_with_rows_of_their_own_and_the_rest_with_those_of_the_job(tmp_path: Path) -> None:
    found = job(
        tmp_path,
        """cmdlet: Set-Mailbox
tenants:
  - {profile: contoso, rows: one.csv}
  - fabrikam
  - {tenant: b.com, rows: two.csv}
rows: [{Identity: zoe, CustomAttribute1: 7}]
""",
        one="Identity,CustomAttribute2\nada,x\n",
        two="IDENTITY,CustomAttribute1\nben,y\ncy,z\n",
    )
    assert found.check().tenants == {"contoso": 1, "fabrikam": 1, "b.com": 2}
    items = list(found.items())
    assert [(item.row, item.tenant, dict(item.parameters)) for item in items] == [
        (1, "contoso", {"Identity": "ada", "CustomAttribute2": "x"}),
        (2, "fabrikam", {"Identity": "zoe", "CustomAttribute1": 7}),
        (3, "b.com", {"Identity": "ben", "CustomAttribute1": "y"}),
        (4, "b.com", {"Identity": "cy", "CustomAttribute1": "z"}),
    ]
    described = found.describe()
    assert [Path(each["path"]).name for each in described["rows"]] == ["one.csv", "job.yaml", "two.csv"]
    assert {Path(name).name for name in described["inputs"]} == {"job.yaml", "one.csv", "two.csv"}


def test_without_rows_the_steps_run_once_in_each(tmp_path: Path) -> None:
    found = job(tmp_path, "cmdlet: Get-Mailbox\ntenants: [contoso, fabrikam]\n")
    assert found.check().tenants == {"contoso": 1, "fabrikam": 1}


def test_a_template_may_name_the_tenant(tmp_path: Path) -> None:
    text = """cmdlet: Set-Mailbox
parameters: {Identity: "shared@${Tenant}"}
tenants: [a.com, b.com]
"""
    assert [item.identity for item in job(tmp_path, text).items()] == ["shared@a.com", "shared@b.com"]


def test_a_problem_of_shared_rows_is_told_once_and_where_it_is(tmp_path: Path) -> None:
    text = "cmdlet: Set-Mailbox\nrows: a.csv\ntenants: [contoso, fabrikam]\n"
    said = refused(tmp_path, text, a="Identity,HiddenFromAddressListsEnabled\nada,true\nben,maybe\n")
    assert said.count("'maybe'") == 1
    assert said.startswith("a.csv, line 3, column HiddenFromAddressListsEnabled")


def test_a_problem_in_the_rows_of_one_tenant_names_its_file(tmp_path: Path) -> None:
    text = (
        "cmdlet: Set-Mailbox\ntenants: [{profile: contoso, rows: a.csv}, {profile: fabrikam, rows: b.csv}]\n"
    )
    said = refused(tmp_path, text, a=ROWS, b="Identity,CustomAttribute1\nada,x\nben\n")
    assert said.startswith("b.csv, line 3: The row has too few cells")


def test_a_name_that_is_neither_profile_nor_tenant(tmp_path: Path) -> None:
    column = "cmdlet: Set-Mailbox\nrows: a.csv\ntenants: {column: T}\n"
    said = refused(tmp_path, column, a="T,Identity\ncontoso,ada\nfabricam,ben\n")
    assert said == (
        "a.csv, line 3, column T: 'fabricam' names no tenant, and no profile. "
        "Did you mean the profile fabrikam?"
    )
    listed = refused(tmp_path, "cmdlet: Set-Mailbox\nrows: b.csv\ntenants:\n  - contoso\n  - zzz\n", b=ROWS)
    assert listed.startswith("job.yaml, line 5: 'zzz' names no tenant, and no profile. Write the tenant's")
    assert listed.count("zzz") == 1


@pytest.mark.parametrize(
    ("tenants", "said"),
    [
        ("[]", "names none"),
        ("contoso", "neither a list nor a column"),
        ("{columns: T}", "neither a list nor a column"),
        ("{column: T}", "no column 'T'"),
        ("[contoso, contoso]", "The tenant contoso is listed twice"),
        ("[{profile: contoso, rows: a.csv}, contoso]", "listed twice"),
        ("[contoso, {rows: a.csv}]", "names no tenant"),
        ("[{profile: contoso, tenant: b.com}]", "names no tenant"),
        ("[{profile: contoso, row: a.csv}]", "no key 'row'"),
        ("[7]", "names no tenant"),
        ("[{profile: contoso, rows: a.csv}]", "nothing is done with the rows of the job"),
        ("[{profile: contoso, rows: none.csv}, fabrikam]", "There is no such file"),
        ("[contoso]\ntenant: b.com", "both tenants: and tenant:"),
        ("[contoso]\ntenant_column: Identity", "both tenants: and tenant_column:"),
    ],
)
def test_what_cannot_be(tmp_path: Path, tenants: str, said: str) -> None:
    text = f"cmdlet: Set-Mailbox\nrows: a.csv\ntenants: {tenants}\n"
    assert said in refused(tmp_path, text, a=ROWS)


def test_a_column_of_the_same_name_is_told(tmp_path: Path) -> None:
    text = "cmdlet: Set-Mailbox\nrows: a.csv\ntenants: [contoso]\n"
    assert "The rows have a column Tenant" in refused(tmp_path, text, a="tenant,Identity\nx,ada\n")


def test_the_option_and_the_key_together_are_told(tmp_path: Path) -> None:
    save(tmp_path, ROWS, "a.csv")
    path = save(tmp_path, "cmdlet: Set-Mailbox\nrows: a.csv\ntenants: [contoso]\n", "job.yaml")
    with pytest.raises(JobError, match="--tenant-column: The job has tenants: of its own"):
        load(path, tenant_column="Identity", option_names=OPTIONS)


def wide(folder: Path, rows: int, tenants: int) -> Job:
    with (folder / "wide.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Identity", "CustomAttribute1", "Tenant"])
        writer.writerows([f"user{row}", f"Sesam-{row} ä\n", f"T{row % tenants}.com"] for row in range(rows))
    return load(folder / "wide.csv", cmdlet="Set-Mailbox", tenant_column="Tenant")


def test_apart_gives_each_tenant_its_items_as_the_whole_job_does(tmp_path: Path) -> None:
    found = wide(tmp_path, 3000, 7)  # several blocks of each
    whole = list(found.items())
    assert BLOCK < 3000 * 40 / 7
    with found.apart() as of:
        readers: list[Iterator[Item]] = [of(f"t{number}.com") for number in range(7)]
        side_by_side = [item for group in zip(*readers, strict=False) for item in group]
        assert side_by_side == whole[: len(side_by_side)]
        assert len(side_by_side) > 2990
        for number in range(7):
            assert list(of(f"t{number}.com")) == [item for item in whole if item.row % 7 == (number + 1) % 7]
        assert list(of("nobody.com")) == []


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files cannot be looked at here")
def test_what_is_put_apart_is_sealed_and_goes(tmp_path: Path) -> None:
    def temporary() -> dict[str, Path]:
        links = (link for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
        named = {str(link.readlink()): link for link in links}
        return {name: link for name, link in named.items() if name.startswith(tempfile.gettempdir() + "/#")}

    before = set(temporary())
    with wide(tmp_path, 3000, 2).apart():
        (content,) = (link.read_bytes() for name, link in temporary().items() if name not in before)
        assert len(content) > 2 * BLOCK
        assert b"Sesam" not in content
    assert set(temporary()) == before


def test_a_file_that_changes_before_it_is_put_apart(tmp_path: Path) -> None:
    found = wide(tmp_path, 10, 2)
    found.check()
    (tmp_path / "wide.csv").write_text("Identity,CustomAttribute1,Tenant\nx,y,t0.com\n", encoding="utf-8")
    with pytest.raises(JobError, match="has changed"), found.apart():
        pass
