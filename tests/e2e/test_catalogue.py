"""`bulkexo catalogue`: what is known of a cmdlet, and what a tenant grants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import bulkexo
from tests.e2e.files import table
from tests.e2e.pretend import Pretend


def test_what_is_known_of_a_cmdlet(tmp_path: Path) -> None:
    shown = bulkexo("catalogue", "show", "remove-mailboxfolderpermission", cwd=tmp_path).check(0)
    lines = shown.stdout.splitlines()
    assert lines[0] == "Remove-MailboxFolderPermission (Exchange Online)"
    assert "Its object  named by Identity, which it cannot do without" in lines
    assert "Shown by    Get-MailboxFolderPermission" in lines
    assert "Undone by   Add-MailboxFolderPermission" in lines
    assert any(line.startswith("Identity *") for line in lines)
    assert shown.stderr == ""


def test_the_nearest_name_of_one_that_is_not_there(tmp_path: Path) -> None:
    refused = bulkexo("catalogue", "show", "Set-Mailbx", cwd=tmp_path).check(2)
    assert refused.stderr == "Set-Mailbx is not in the catalogue of cmdlets. Did you mean Set-Mailbox?\n"


def test_a_tenant_is_asked_once_and_its_answer_is_used_from_then_on(
    tmp_path: Path, tenant: Pretend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = table(tmp_path / "job.csv", ["Identity", "Alias"], [["ada", "ada"]])
    check = ("check", file, "--cmdlet", "Set-MailUser")
    assert "grant" not in bulkexo(*check, cwd=tmp_path, env=tenant.env).check(0).stderr
    asked = bulkexo("catalogue", "refresh", "--compliance", cwd=tmp_path, env=tenant.env).check(0)
    assert "grants" in asked.stderr
    assert not tenant.journal()
    told = bulkexo(*check, cwd=tmp_path, env=tenant.env).check(0)
    assert "the tenant does not grant Set-MailUser to this identity, as it was asked on" in told.stderr
    shown = bulkexo("catalogue", "show", "Set-Mailbox", cwd=tmp_path, env=tenant.env).check(0)
    assert "\nGranted     yes, as asked on" in shown.stdout
    other = {**tenant.env, "BULKEXO_CLIENT_ID": "11111111-1111-1111-1111-111111111111"}
    assert "grant" not in bulkexo(*check, cwd=tmp_path, env=other).check(0).stderr


def test_who_cannot_sign_in_is_told(tmp_path: Path, tenant: Pretend) -> None:
    wrong = {**tenant.env, "BULKEXO_CLIENT_SECRET": "wrong"}
    bulkexo("catalogue", "refresh", cwd=tmp_path, env=wrong).check(4)
