"""Secrets: which values they are, and that neither messages nor descriptions hold one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bulkexo.job import Job, load
from bulkexo.model import Form, Item, JobError
from bulkexo.redact import secret_texts
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
    found = only(job)
    assert found.secrets == {"CustomAttribute1"}
    assert SECRET in secret_texts(found)  # alone as well: the service may return it so
    assert "x" not in secret_texts(found)


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
@pytest.mark.parametrize("secret", [SECRET, "@('a','b')", '{"a": 1}', "$true", " $null ", "pässwörd"])
def test_a_password_is_taken_as_it_stands_and_is_to_be_encrypted(
    tmp_path: Path, cmdlet: str, secret: str
) -> None:
    quoted = secret.replace('"', '""')
    job = load(save(tmp_path, f'Name,Identity,Password\nada,a,"{quoted}"\n'), cmdlet=cmdlet)
    item = only(job)
    assert item.parameters["Password"] == secret
    assert item.forms == {"Password": Form.SECURE}
    assert item.secrets == {"Password"}
    assert SECRET not in str(job.describe())


@pytest.mark.parametrize("written", ["12345", "true", "null", "[a]"])
def test_a_password_of_a_yaml_job_is_a_text(tmp_path: Path, written: str) -> None:
    text = f"cmdlet: Set-Mailbox\nparameters: {{Identity: a, Password: {written}}}\n"
    with pytest.raises(JobError, match="A password is a text"):
        load(save(tmp_path, text, "job.yaml")).check()


def test_what_the_key_cannot_encrypt_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    long = "ä" * 123
    with pytest.raises(JobError, match="longer than the 245 bytes") as caught:
        load(save(tmp_path, f"Identity,Password\na,{long}\n"), cmdlet="Set-Mailbox").check()
    assert long not in str(caught.value)


def test_a_credential_is_refused_once(tmp_path: Path) -> None:
    path = save(tmp_path, f"Identity,Credential\na,{SECRET}\nb,{SECRET}\n")
    with pytest.raises(JobError) as caught:
        load(path, cmdlet="Get-DistributionGroup").check()
    (problem,) = caught.value.problems
    assert problem.where == "job.csv, line 2, column Credential"
    assert "a name and a password in one" in problem.what
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
        f"cmdlet: Get-CASMailbox\nparameters: {{Identity: a, Credential: {SECRET}}}\n",
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


@pytest.mark.parametrize(
    ("text", "name", "cmdlet", "constants"),
    [
        (
            f"""\
rows: [{{Id: ada, Pin: other}}]
columns: {{Pin: {{secret: true}}}}
set: {{Password: {SECRET}, Office: x}}
steps:
  - {{cmdlet: Set-Mailbox, parameters: {{Identity: "${{Id}}", CustomAttribute1: "${{Pin}}"}}}}
  - {{cmdlet: Set-Mailbox, parameters: {{Identity: ada, Notes: {SECRET}-2}}, secret: Notes}}
""",
            "job.yaml",
            None,
            [SECRET, f"{SECRET}-2"],
        ),
        ("Identity,Password\nada,other\n", "job.csv", "Set-Mailbox", []),
        ("Cmdlet,Identity\nSet-Mailbox,ada\n", "job.csv", None, []),
    ],
)
def test_secrets_that_are_the_same_in_every_row(
    tmp_path: Path, text: str, name: str, cmdlet: str | None, constants: list[str]
) -> None:
    job = load(save(tmp_path, text, name), cmdlet=cmdlet)
    job.check()
    assert sorted(set(job.secret_constants())) == constants  # type: ignore[type-var]
