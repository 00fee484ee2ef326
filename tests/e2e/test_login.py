"""`bulkexo login`: a person signs in once, and runs as themselves, silently; nobody is asked unattended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import COMMAND, Ended, bulkexo, environment, statuses
from tests.e2e.files import people, table
from tests.e2e.pretend import Pretend, pretend

ADA = "ada@contoso.onmicrosoft.com"
DEVICE = ("--auth", "device-code")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant where whoever is asked signs in as Ada."""
    options = f"--mailboxes 60 --speed 50 --device-interval 1 --approve-devices {ADA}"
    with pretend(tmp_path_factory.mktemp("login"), options) as running:
        yield running


@pytest.fixture
def here(tenant: Pretend, tmp_path: Path) -> dict[str, str]:
    """The environment of somebody with a home of their own, and no keyring in it."""
    names = ("endpoint", "authority", "ca_file", "tenant")
    found = {"BULKEXO_" + name.upper(): tenant.said[name] for name in names}
    home = str(tmp_path / "home")
    return {**found, "XDG_DATA_HOME": home, "HOME": home, "DBUS_SESSION_BUS_ADDRESS": "disabled:"}


def cache(folder: Path) -> Path:
    """Where a sign-in is kept in the clear."""
    return folder / "home" / "bulkexo" / "sign-in.json"


def run(folder: Path, env: dict[str, str], names: list[str], out: str, *more: str) -> Ended:
    """A job of five rows."""
    job = table(folder / "job.csv", ["Identity", "CustomAttribute2"], [[name, out] for name in names[:5]])
    return bulkexo("run", job, "--cmdlet", "Set-Mailbox", "--out", out, *more, cwd=folder, env=env)


def login(folder: Path, env: dict[str, str], *more: str) -> Ended:
    """By a code, kept in the clear."""
    return bulkexo("login", "--device-code", "--insecure-cache", *more, cwd=folder, env=env)


def test_a_person_signs_in_once_and_runs_as_themselves(
    tmp_path: Path, tenant: Pretend, here: dict[str, str]
) -> None:
    names = people(tenant)
    done = run(tmp_path, here, names, "before", *DEVICE).check(4)
    assert "Nobody is signed in" in done.stderr
    assert "bulkexo login" in done.stderr
    assert not (tmp_path / "before").exists()

    said = login(tmp_path, here).check(0).stderr
    assert "/sandbox/device" in said
    assert f"Signed in as {ADA}." in said
    assert str(cache(tmp_path)) in said
    if sys.platform != "win32":
        assert cache(tmp_path).stat().st_mode & 0o777 == 0o600
        assert cache(tmp_path).parent.stat().st_mode & 0o777 == 0o700

    before = tenant.stats()["tokens_by_device_code"]
    for out, way in (("device", DEVICE), ("browser", ("--auth", "browser"))):
        assert "/sandbox/device" not in run(tmp_path, here, names, out, *way).check(0).stderr
        assert set(statuses(tmp_path / out).values()) == {"succeeded"}
    assert tenant.stats()["tokens_by_device_code"] == before

    assert ADA in bulkexo("logout", cwd=tmp_path, env=here).check(0).stderr
    assert not cache(tmp_path).exists()
    run(tmp_path, here, names, "after", *DEVICE).check(4)
    assert "Nobody" in bulkexo("logout", cwd=tmp_path, env=here).check(0).stderr


def test_without_a_keyring_it_is_said_what_to_do(tmp_path: Path, here: dict[str, str]) -> None:
    done = bulkexo("login", "--device-code", cwd=tmp_path, env=here).check(2)
    assert "--insecure-cache" in done.stderr
    assert "/sandbox/device" not in done.stderr


def test_without_the_extra_it_is_said_how_to_get_it(tmp_path: Path, here: dict[str, str]) -> None:
    code = (
        "import sys; sys.modules['msal_extensions'] = None; sys.argv[0] = 'bulkexo';"
        "from bulkexo.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "login", "--device-code"],
        cwd=tmp_path,
        env=environment({**here, "PYTHONPATH": os.pathsep.join(sys.path)}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert 'pip install "bulkexo[login]"' in done.stderr


def test_somebody_at_the_terminal_is_asked_in_a_run(
    tmp_path: Path, tenant: Pretend, here: dict[str, str]
) -> None:
    """Without the extra, and kept nowhere: it is good for that run."""
    pty = pytest.importorskip("pty")
    names = people(tenant)[:3]
    job = table(tmp_path / "job.csv", ["Identity", "CustomAttribute2"], [[name, "tty"] for name in names])
    arguments = ("run", str(job), "--cmdlet", "Set-Mailbox", "--out", "out", "--yes", *DEVICE)
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(here),
        stdin=terminal,
        stderr=terminal,
        stdout=subprocess.DEVNULL,
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while piece := os.read(main, 65536):
                shown += piece
        except OSError:  # how Linux says that the other side has gone
            pass
        os.close(main)
        assert process.wait() == 0, shown
    assert b"/sandbox/device" in shown
    assert set(statuses(tmp_path / "out").values()) == {"succeeded"}
    assert not cache(tmp_path).exists()


@pytest.mark.parametrize("given", ["passphrase", "device-code", "browser", "nothing"])
def test_unattended_nothing_is_asked_and_nothing_hangs(
    tmp_path: Path, tenant: Pretend, here: dict[str, str], given: str
) -> None:
    """stdin is closed, and there is a terminal nowhere."""
    locked = tmp_path / "app.pfx"
    locked.write_bytes(b"what only a passphrase would open")
    more = {
        "passphrase": ("--certificate", str(locked), "--client-id", tenant.said["client_id"]),
        "device-code": DEVICE,
        "browser": ("--auth", "browser"),
        "nothing": (),
    }[given]
    done = run(tmp_path, here, people(tenant), "out", *more, "--yes")
    done.check(2 if given == "nothing" else 4)
    assert "assphrase of" not in done.stderr
    assert not (tmp_path / "out").exists()
