"""Profiles and `tenants:` in real runs: two services, each with an authority and a secret of its own."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import bulkexo, document, lines, start, until
from tests.e2e.files import document as yaml_file
from tests.e2e.files import read_back, table
from tests.e2e.pretend import Pretend, pretend

CONTOSO, FABRIKAM = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
SLOW = "--mailboxes 400 --speed 50 --allowance 2/s --burst 10"
HEADER = ["Identity", "CustomAttribute1"]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Pretend]]:
    """Two services on origins of their own, with certificates and secrets of their own."""
    with ExitStack() as stack:
        found = {}
        for name, domain in (("contoso", CONTOSO), ("fabrikam", FABRIKAM)):
            folder = tmp_path_factory.mktemp(name)
            options = f"--mailboxes 60 --speed 50 --domain {domain} --credentials {folder / 'app'}"
            found[name] = stack.enter_context(pretend(folder, options))
        yield found


def profiles(folder: Path, services: dict[str, Pretend], **more: str) -> dict[str, str]:
    """bulkexo.toml for them in the folder; their secrets as variables. more: lines of a profile."""
    text = ""
    variables = {}
    for name, service in services.items():
        said = service.said
        text += f"[profiles.{name}]\n{more.get(name, '')}\n"
        for key in ("tenant", "endpoint", "authority", "client_id", "ca_file"):
            text += f"{key.replace('_', '-')} = '{said[key]}'\n"
        variables[f"BULKEXO_{name.upper()}_CLIENT_SECRET"] = said["client_secret"]
    (folder / "bulkexo.toml").write_text(text, encoding="utf-8")
    return variables


def by_certificate(folder: Path, service: Pretend) -> dict[str, str]:
    """Make the app of the last profile sign in by a certificate beside the file; its passphrase."""
    given: Any = service.said["credentials"]
    shutil.copy(given["pfx"], folder / "app.pfx")
    with (folder / "bulkexo.toml").open("a", encoding="utf-8") as file:
        file.write("certificate = 'app.pfx'\n")
    return {"BULKEXO_FABRIKAM_CERTIFICATE_PASSPHRASE": given["passphrase"]}


def rows(services: dict[str, Pretend], count: int, mark: str = "x") -> list[list[str]]:
    """Rows for mailboxes whose aliases are the same in all tenants, since one seed makes them alike."""
    found = services["contoso"].everything()[:count]
    return [[str(mailbox["Alias"]), f"{mark}{row}"] for row, mailbox in enumerate(found)]


def one_row(services: dict[str, Pretend]) -> list[dict[str, str]]:
    return [dict(zip(HEADER, row, strict=True)) for row in rows(services, 1)]


def changed(services: dict[str, Pretend]) -> dict[str, int]:
    return {name: len(service.journal()) for name, service in services.items()}


def test_one_profile_signs_in_and_the_secret_is_nowhere(tmp_path: Path, services: dict[str, Pretend]) -> None:
    changed(services)
    env = profiles(tmp_path, services, contoso="rate = 500")
    job = table(tmp_path / "job.csv", HEADER, rows(services, 5))
    arguments = ("run", job, "--cmdlet", "Set-Mailbox", "--out", "out")
    bulkexo(*arguments, "--profile", "contoso", cwd=tmp_path, env=env).check(0)
    assert changed(services) == {"contoso": 5, "fabrikam": 0}
    found = document(tmp_path / "out")
    assert found["options"]["profile"] == "contoso"
    assert found["profiles"] == {"contoso": {"tenant": CONTOSO, "file": str(tmp_path / "bulkexo.toml")}}
    assert "client_id" not in found["options"]
    for file in (tmp_path / "out").rglob("*"):
        assert not any(secret.encode() in file.read_bytes() for secret in env.values())


def test_a_list_runs_every_row_in_each_with_its_own_app(tmp_path: Path, services: dict[str, Pretend]) -> None:
    changed(services)
    env = profiles(tmp_path, services)
    env.pop("BULKEXO_FABRIKAM_CLIENT_SECRET")
    env |= by_certificate(tmp_path, services["fabrikam"])
    table(tmp_path / "rows.csv", HEADER, [*rows(services, 8, tmp_path.name), ["nobody", "x"]])
    job = yaml_file(
        tmp_path / "job.yaml",
        {"cmdlet": "Set-Mailbox", "rows": "rows.csv", "tenants": ["contoso", FABRIKAM]},
    )
    told = bulkexo("check", job, cwd=tmp_path, env=env).check(0).stderr
    app = services["contoso"].said["client_id"]
    assert f"         9  {CONTOSO}, profile contoso: secret of the app {app}" in told
    assert f"         9  {FABRIKAM}, profile fabrikam: certificate app.pfx of the app {app}" in told
    bulkexo("run", job, "--out", "out", cwd=tmp_path, env=env).check(1)
    assert changed(services) == {"contoso": 8, "fabrikam": 8}
    found = lines(tmp_path / "out")
    assert {line["row"]: line["tenant"] for line in found} == {
        row: "contoso" if row <= 9 else FABRIKAM for row in range(1, 19)
    }
    assert len({line["key"] for line in found}) == 18
    failed = read_back(tmp_path / "out" / "failed.csv")
    assert sorted((row["Identity"], row["Tenant"]) for row in failed) == [
        ("nobody", "contoso"),
        ("nobody", FABRIKAM),
    ]
    again = ("run", tmp_path / "out" / "failed.csv", "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant")
    bulkexo(*again, "--out", "again", cwd=tmp_path, env=env).check(1)
    assert Counter(line["tenant"] for line in lines(tmp_path / "again")) == {"contoso": 1, FABRIKAM: 1}
    assert bulkexo("retry", "out", "--out", "retried", cwd=tmp_path, env=env).check(1)
    assert sorted(line["row"] for line in lines(tmp_path / "retried")) == [9, 18]


def test_rows_of_their_own(tmp_path: Path, services: dict[str, Pretend]) -> None:
    changed(services)
    env = profiles(tmp_path, services)
    table(tmp_path / "one.csv", HEADER, rows(services, 3, "y"))
    table(tmp_path / "two.csv", ["Identity", "CustomAttribute2"], rows(services, 4))
    entries = [{"profile": "contoso", "rows": "one.csv"}, {"profile": "fabrikam", "rows": "two.csv"}]
    job = yaml_file(tmp_path / "job.yaml", {"cmdlet": "Set-Mailbox", "tenants": entries})
    bulkexo("run", job, "--out", "out", cwd=tmp_path, env=env).check(0)
    assert changed(services) == {"contoso": 3, "fabrikam": 4}


@pytest.mark.parametrize("crossed", [True, False])
def test_secrets_never_cross(tmp_path: Path, services: dict[str, Pretend], crossed: bool) -> None:
    """One profile without a secret of its own gets neither the plain one nor the other's."""
    changed(services)
    env = profiles(tmp_path, services)
    secret = env.pop("BULKEXO_FABRIKAM_CLIENT_SECRET")
    job = yaml_file(
        tmp_path / "job.yaml",
        {"cmdlet": "Set-Mailbox", "rows": one_row(services), "tenants": ["contoso", "fabrikam"]},
    )
    before = {name: service.stats()["requests"] for name, service in services.items()}
    plain = {"BULKEXO_CLIENT_SECRET": env["BULKEXO_CONTOSO_CLIENT_SECRET"] if crossed else secret}
    if crossed:
        plain["BULKEXO_CLIENT_ID"] = "another app"
    said = bulkexo("run", job, "--out", "out", cwd=tmp_path, env={**env, **plain}).check(2).stderr
    assert "Profile fabrikam: " in said
    assert "BULKEXO_FABRIKAM_CLIENT_SECRET" in said
    assert changed(services) == {"contoso": 0, "fabrikam": 0}
    assert before == {name: service.stats()["requests"] for name, service in services.items()}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("by_guid", [True, False])
def test_a_token_of_another_tenant_changes_nothing_there(tmp_path: Path, by_guid: bool) -> None:
    with pretend(tmp_path / "service", f"--mailboxes 60 --speed 50 --tenant {FABRIKAM}") as running:
        env = profiles(tmp_path, {"contoso": running, "fabrikam": running})
        served: Any = running.said["tenants"]
        ids = {each["tenant"]: each["tenant_id"] for each in served}
        text = (tmp_path / "bulkexo.toml").read_text(encoding="utf-8")
        first, second, rest = text.partition("[profiles.fabrikam]")
        other = ids[FABRIKAM] if by_guid else FABRIKAM
        text = first + second + rest.replace(f"tenant = '{CONTOSO}'", f"tenant = '{other}'")
        (tmp_path / "bulkexo.toml").write_text(text, encoding="utf-8")
        env.pop("BULKEXO_FABRIKAM_CLIENT_SECRET")
        env["BULKEXO_FABRIKAM_TOKEN"] = running.token()  # it is contoso's
        job = table(tmp_path / "job.csv", HEADER, rows({"contoso": running}, 3))
        arguments = ("run", job, "--cmdlet", "Set-Mailbox", "--profile", "fabrikam", "--out", "out")
        said = bulkexo(*arguments, cwd=tmp_path, env=env).check(4).stderr
        assert not running.journal()
    assert ("Nothing was sent" if by_guid else "refuses the token") in said


def test_the_wrong_tenant_and_the_unknown_profile(tmp_path: Path, services: dict[str, Pretend]) -> None:
    changed(services)
    env = profiles(tmp_path, services)
    rows_here = one_row(services)
    content = {"cmdlet": "Set-Mailbox", "tenant": FABRIKAM, "profile": "contoso", "rows": rows_here}
    job = yaml_file(tmp_path / "job.yaml", content)
    said = bulkexo("run", job, cwd=tmp_path, env=env).check(2).stderr
    assert f"The profile contoso is for {CONTOSO}, and job.yaml, line 2 says {FABRIKAM}." in said
    assert "Give --profile fabrikam" in said
    said = bulkexo("run", job, "--profile", "contosso", cwd=tmp_path, env=env).check(2).stderr
    assert "There is no profile 'contosso'. Did you mean contoso?" in said
    assert f"{tmp_path / 'bulkexo.toml'} (2 profiles)" in said
    named = table(tmp_path / "job.csv", ["T", *HEADER], [["contosso", *row] for row in rows(services, 1)])
    arguments = ("check", named, "--cmdlet", "Set-Mailbox", "--tenant-column", "T")
    said = bulkexo(*arguments, cwd=tmp_path, env=env).check(2).stderr
    assert "job.csv, line 2, column T: 'contosso' names no tenant, and no profile." in said
    assert "Did you mean the profile contoso?" in said
    assert changed(services) == {"contoso": 0, "fabrikam": 0}
    assert not (tmp_path / "runs").exists()


def test_profiles_are_listed(tmp_path: Path, services: dict[str, Pretend]) -> None:
    env = profiles(tmp_path, services)
    env.pop("BULKEXO_FABRIKAM_CLIENT_SECRET")
    listed = bulkexo("profiles", cwd=tmp_path, env=env).check(0).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [
        ["Profile", "Tenant"],
        ["contoso", CONTOSO],
        ["fabrikam", FABRIKAM],
    ]
    assert f"secret of the app {services['contoso'].said['client_id']}" in listed[1]
    assert "no way to sign in" in listed[2]
    assert all(str(tmp_path / "bulkexo.toml") in line for line in listed[1:])
    (tmp_path / "empty").mkdir()
    (tmp_path / "bulkexo.toml").unlink()
    said = bulkexo("profiles", cwd=tmp_path / "empty").check(0)
    assert not said.stdout
    assert "There are no profiles. Profiles were looked for in" in said.stderr


def test_a_rehearsal_of_profiles_needs_no_secret(tmp_path: Path, services: dict[str, Pretend]) -> None:
    profiles(tmp_path, services)
    listed = {"cmdlet": "Set-Mailbox", "rows": one_row(services)}
    job = yaml_file(tmp_path / "job.yaml", {**listed, "tenants": ["contoso", "fabrikam"]})
    options = ("--sandbox", "--sandbox-options", "--mailboxes 5 --speed 50")
    bulkexo("run", job, *options, "--out", "out", cwd=tmp_path).check(0)
    assert Counter(line["tenant"] for line in lines(tmp_path / "out")) == {"contoso": 1, "fabrikam": 1}


def test_a_list_that_is_killed_goes_on_where_it_was_and_only_there(tmp_path: Path) -> None:
    tenants = f"{SLOW} --tenant {FABRIKAM}"
    with pretend(tmp_path / "service", tenants) as running:
        one = {"contoso": running, "fabrikam": running}
        env = profiles(tmp_path, one)
        text = (tmp_path / "bulkexo.toml").read_text(encoding="utf-8")
        head, second, rest = text.partition("[profiles.fabrikam]")
        text = head + second + rest.replace(f"tenant = '{CONTOSO}'", f"tenant = '{FABRIKAM}'")
        (tmp_path / "bulkexo.toml").write_text(text, encoding="utf-8")
        table(tmp_path / "rows.csv", HEADER, rows(one, 120))
        content = {"cmdlet": "Set-Mailbox", "rows": "rows.csv", "tenants": ["contoso", "fabrikam"]}
        job = yaml_file(tmp_path / "job.yaml", content)
        process = start("run", job, "--out", "out", cwd=tmp_path, env=env)
        until(lambda: len({line["tenant"] for line in lines(tmp_path / "out")}) == 2, process)
        process.kill()
        process.wait()
        ended = len(lines(tmp_path / "out"))
        assert 0 < ended < 240
        wrong = text.replace(f"tenant = '{FABRIKAM}'", "tenant = 'woodgrove.onmicrosoft.com'")
        (tmp_path / "bulkexo.toml").write_text(wrong, encoding="utf-8")
        said = bulkexo("resume", "out", cwd=tmp_path, env=env).check(2).stderr
        assert (
            f"is for woodgrove.onmicrosoft.com, and the run began with {FABRIKAM}. Nothing was sent." in said
        )
        assert len(lines(tmp_path / "out")) == ended
        (tmp_path / "bulkexo.toml").write_text(text, encoding="utf-8")
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        bulkexo("resume", tmp_path / "out", cwd=elsewhere, env=env).check(0)
        effects = Counter((effect["tenant"], effect["identity"]) for effect in running.journal())
    found = lines(tmp_path / "out")
    assert {line["row"]: line["tenant"] for line in found} == {
        row: "contoso" if row <= 120 else "fabrikam" for row in range(1, 241)
    }
    assert len(found) == 240
    assert len({tenant for tenant, _ in effects}) == 2
    assert len(effects) == 240
    assert json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["state"] == "complete"
