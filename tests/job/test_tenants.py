"""The column that names each row's tenant."""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkexo.job import load
from bulkexo.model import JobError

ROWS = (
    "Customer,Identity,CustomAttribute1\n"
    "Contoso.onmicrosoft.com,ada@contoso.com,x\n"
    "fabrikam.onmicrosoft.com,ben@fabrikam.com,y\n"
    "contoso.onmicrosoft.com ,cy@contoso.com,z\n"
)


def written(folder: Path, text: str = ROWS, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_each_row_has_its_tenant_and_the_column_is_no_parameter(tmp_path: Path) -> None:
    job = load(written(tmp_path), cmdlet="Set-Mailbox", tenant_column="customer")
    checked = job.check()
    assert checked.tenants == {"contoso.onmicrosoft.com": 2, "fabrikam.onmicrosoft.com": 1}
    assert not checked.warnings
    items = list(job.items())
    assert [item.tenant for item in items] == [
        "contoso.onmicrosoft.com",
        "fabrikam.onmicrosoft.com",
        "contoso.onmicrosoft.com",
    ]
    assert {name for item in items for name in item.parameters} == {"Identity", "CustomAttribute1"}
    assert items[0].cells["Customer"] == "Contoso.onmicrosoft.com"


def test_a_yaml_job_names_the_column_as_an_option(tmp_path: Path) -> None:
    written(tmp_path)
    text = "cmdlet: Set-Mailbox\nrows: rows.csv\ntenant_column: Customer\n"
    job = load(written(tmp_path, text, "job.yaml"), option_names={"tenant_column"})
    assert set(job.check().tenants) == {"contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"}


def test_without_it_there_are_no_tenants(tmp_path: Path) -> None:
    job = load(written(tmp_path, "Identity,CustomAttribute1\nada,x\n"), cmdlet="Set-Mailbox")
    assert job.check().tenants == {}
    assert [item.tenant for item in job.items()] == [""]


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"no column 'Tenant'.*Customer, Identity"):
        load(written(tmp_path), cmdlet="Set-Mailbox", tenant_column="Tenant")


@pytest.mark.parametrize(("cell", "said"), [("", "names no tenant"), ("con toso", "'con toso' names no")])
def test_a_cell_that_names_none(tmp_path: Path, cell: str, said: str) -> None:
    path = written(tmp_path, f"Customer,Identity\n{cell},ada\nb.com,ben\n")
    with pytest.raises(JobError, match="line 2, column Customer") as caught:
        load(path, cmdlet="Set-Mailbox", tenant_column="Customer").check()
    assert said in str(caught.value)
