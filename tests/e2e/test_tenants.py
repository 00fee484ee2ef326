"""Several tenants in one run: each its own sign-in, its own pace, its own order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.e2e.command import bulkexo, document, lines
from tests.e2e.pretend import Pretend, pretend

SLOW, QUICK = "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"
TENANTS = f"--mailboxes 50 --speed 20 --allowance 1/s --burst 10 --tenant {QUICK},allowance=none,seed=2"


def job(folder: Path, rows: int = 40) -> Path:
    """Rows of both tenants in turn, the throttled one first."""
    path = folder / "job.csv"
    text = "".join(
        f"{tenant},mailbox{row}@{tenant},{row}\n" for row in range(1, rows + 1) for tenant in (SLOW, QUICK)
    )
    path.write_text("Tenant,Identity,CustomAttribute1\n" + text, encoding="utf-8")
    return path


def changed(tenant: Pretend) -> Counter[str]:
    return Counter(effect["tenant"] for effect in tenant.journal())


def test_one_that_is_throttled_does_not_hold_up_another(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenants", TENANTS) as running:
        arguments = (job(tmp_path), "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant", "--out", "out")
        ended = bulkexo("run", *arguments, "--json", cwd=tmp_path, env=running.env).check(0)
        assert sorted(changed(running).values()) == [40, 40]
        figures = running.stats()["tenants"]
    assert ended.summary["succeeded"] == 80
    order = [line["tenant"] for line in lines(tmp_path / "out")]
    assert order.count(SLOW) == order.count(QUICK) == 40
    assert order.index(SLOW) < 80
    last = {tenant: len(order) - order[::-1].index(tenant) for tenant in (SLOW, QUICK)}
    assert last[QUICK] < last[SLOW], "the free one had ended before the throttled one"
    assert order[: last[QUICK]].count(SLOW) < 40
    assert figures[SLOW]["throttled_items"] > 0
    assert "throttled_items" not in figures[QUICK]
    assert document(tmp_path / "out")["state"] == "complete"


def test_all_sign_in_before_anything_is_sent(tmp_path: Path) -> None:
    with pretend(tmp_path / "tenants", "--mailboxes 50 --speed 20") as running:
        arguments = (job(tmp_path), "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant", "--out", "out")
        ended = bulkexo("run", *arguments, cwd=tmp_path, env=running.env).check(4)
        assert not running.journal()
    assert f"{QUICK}: Signing in failed. There is no such tenant" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_one_tenant_under_two_names_is_refused(tmp_path: Path) -> None:
    """It would have two paces, and two items of one mailbox could go at once."""
    with pretend(tmp_path / "tenants", TENANTS) as running:
        path = job(tmp_path)
        guid = running.said["tenant_id"]
        path.write_text(path.read_text(encoding="utf-8").replace(f"{QUICK},", f"{guid},"), encoding="utf-8")
        arguments = (path, "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant", "--out", "out")
        ended = bulkexo("run", *arguments, cwd=tmp_path, env=running.env).check(2)
        assert not running.journal()
    assert f"{SLOW} and {guid} are the same tenant, {guid}. Nothing was sent" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_the_embedded_sandbox_has_the_tenants_of_the_job(tmp_path: Path) -> None:
    arguments = (job(tmp_path, 5), "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant", "--out", "out")
    bulkexo("run", *arguments, "--sandbox", "--sandbox-options", "--speed 50", cwd=tmp_path).check(0)
    assert Counter(line["tenant"] for line in lines(tmp_path / "out")) == {SLOW: 5, QUICK: 5}
    who = document(tmp_path / "out")["signed_in"]
    assert [each["tenant"] for each in who] == [SLOW, QUICK]
    assert len({each["tenant_id"] for each in who}) == 2


def test_a_token_is_for_one_tenant(tmp_path: Path) -> None:
    arguments = (job(tmp_path, 5), "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant", "--out", "out")
    ended = bulkexo("run", *arguments, cwd=tmp_path, env={"BULKEXO_TOKEN": "abc"}).check(2)
    assert "A token is for one tenant, and the job names 2." in ended.stderr
    assert not (tmp_path / "out").exists()


def test_the_summary_tells_the_tenants(tmp_path: Path) -> None:
    text = "".join(
        f"{tenant},{identity}@{tenant},x\n"
        for tenant, identity in ((SLOW, "mailbox1"), (SLOW, "nobody"), (QUICK, "mailbox1"))
    )
    (tmp_path / "job.csv").write_text("Tenant,Identity,CustomAttribute1\n" + text, encoding="utf-8")
    arguments = ("job.csv", "--cmdlet", "Set-Mailbox", "--tenant-column", "Tenant", "--sandbox", "--json")
    ended = bulkexo("run", *arguments, "--sandbox-options", "--speed 50", cwd=tmp_path).check(1)
    assert f"Tenants: 2, of which 1 had failures:\n      1  {SLOW}, of 2 that ended\n" in ended.stderr
    told = ended.summary["tenants"]
    assert [(told[name]["ended"], told[name]["failed"]) for name in (SLOW, QUICK)] == [(2, 1), (1, 0)]
