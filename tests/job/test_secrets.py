"""Secrets: which values they are, and that neither messages nor descriptions hold one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkexo.job import Job, load
from bulkexo.model import Item, JobError
from tests.job.helpers import save

SECRET = "hunter2-hunter2"


def only(job: Job) -> Item:
    job.check()
    (item,) = job.items()
    assert SECRET not in json.dumps(job.describe())
    assert SECRET not in item.identity
    return item


def test_parameters_are_secret_by_name(tmp_path: Path) -> None:
    path = save(tmp_path, f"Identity,AppSecretKey,PasswordV3,Office\nada,{SECRET},{SECRET},x\n")
    job = load(path, cmdlet="Set-Mailbox")
    assert only(job).secrets == {"AppSecretKey", "PasswordV3"}
    assert job.secret_columns == {"AppSecretKey", "PasswordV3"}


def test_settings_about_passwords_are_no_secrets(tmp_path: Path) -> None:
    text = "Identity,PasswordHistory,PasswordEnabled,MinPasswordLength\nx,5,true,8\n"
    job = load(save(tmp_path, text), cmdlet="Set-MobileDeviceMailboxPolicy")
    assert only(job).secrets == frozenset()
    assert job.secret_columns == frozenset()
    assert job.describe()["steps"][0]["parameters"]["PasswordHistory"] == "${PasswordHistory}"


def test_a_column_can_be_marked(tmp_path: Path) -> None:
    text = f"""\
cmdlet: Set-Mailbox
columns: {{pin: {{secret: true}}, Id: {{secret: false}}}}
parameters: {{Identity: "${{Id}}", CustomAttribute1: "PIN ${{Pin}}", Office: x}}
rows: [{{Id: ada, Pin: {SECRET}}}]
"""
    job = load(save(tmp_path, text, "job.yaml"))
    assert job.secret_columns == {"Pin"}
    assert only(job).secrets == {"CustomAttribute1"}


def test_a_parameter_can_be_marked(tmp_path: Path) -> None:
    text = f"""\
rows: [{{Id: ada, Code: {SECRET}}}]
secret: Office
set: {{Office: {SECRET}}}
steps:
  - cmdlet: Set-Mailbox
    secret: [customattribute1]
    parameters: {{Identity: "${{Id}}", CustomAttribute1: "x${{Code}}", CustomAttribute2: "{SECRET[:3]}"}}
"""
    job = load(save(tmp_path, text, "job.yaml"))
    item = only(job)
    assert item.secrets == {"CustomAttribute1", "Office"}
    assert item.parameters["Office"] == SECRET
    assert job.secret_columns == {"Code"}, "a column that a secret parameter takes is as secret"
    assert job.describe()["set"] == {"Office": "<secret>"}
    assert job.describe()["steps"][0]["parameters"] == {
        "Identity": "${Id}",
        "CustomAttribute1": "<secret>",
        "CustomAttribute2": SECRET[:3],
        "Office": "<secret>",
    }


def test_a_secret_identity_is_not_shown(tmp_path: Path) -> None:
    text = f"cmdlet: Set-Mailbox\nrows: [{{Identity: {SECRET}}}]\ncolumns: {{Identity: {{secret: true}}}}\n"
    item = only(load(save(tmp_path, text, "job.yaml")))
    assert item.parameters == {"Identity": SECRET}
    assert item.identity == ""


@pytest.mark.parametrize("cmdlet", ["New-Mailbox", "Set-Mailbox"])
def test_encrypted_parameters_are_refused_once(tmp_path: Path, cmdlet: str) -> None:
    path = save(tmp_path, f"Name,Identity,Password\nada,a,{SECRET}\nbob,b,{SECRET}\n")
    with pytest.raises(JobError) as caught:
        load(path, cmdlet=cmdlet).check()
    told = [problem for problem in caught.value.problems if problem.where.endswith("column Password")]
    assert [problem.where for problem in told] == ["job.csv, line 2, column Password"]
    assert "encrypted with its own key" in told[0].what
    assert "Leave the column out" in told[0].remedy
    assert SECRET not in str(caught.value)


def test_an_empty_password_column_does_no_harm(tmp_path: Path) -> None:
    job = load(save(tmp_path, "Identity,Password\nada,\n"), cmdlet="Set-Mailbox")
    assert only(job).parameters == {"Identity": "ada"}
    assert job.secret_columns == {"Password"}


@pytest.mark.parametrize(
    "text",
    [
        f"cmdlet: Set-Mailbox\nparameters: {{Identity: a, AuditEnabled: {SECRET}}}\nsecret: [AuditEnabled]\n",
        f"cmdlet: Set-Mailbox\nrows: [{{Identity: a, AuditEnabled: {SECRET}}}]\nsecret: AuditEnabled\n",
        f"cmdlet: Set-Mailbox\nrows: [{{Identity: a, X: {SECRET}}}]\ncolumns: {{X: {{secret: true}}}}\n"
        'parameters: {Identity: "${Identity}", AuditEnabled: "${X}"}\n',
        f"cmdlet: Set-Mailbox\nparameters: {{Identity: a, Password: {SECRET}}}\n",
        f"cmdlet: Set-Mailbox\nrows: [{{Identity: a, EmailAddresses: '@({SECRET}'}}]\n",
    ],
)
def test_messages_do_not_quote_them(tmp_path: Path, text: str) -> None:
    with pytest.raises(JobError) as caught:
        load(save(tmp_path, text, "job.yaml")).check()
    assert SECRET not in str(caught.value)


def test_the_mask_of_failed_csv_is_no_value(tmp_path: Path) -> None:
    path = save(tmp_path, "Identity,Office,Error\nada,<secret>,it failed\n")
    with pytest.raises(JobError, match=r"line 2, column Office: <secret> stands .* Put the value in again"):
        load(path, cmdlet="Set-Mailbox").check()
