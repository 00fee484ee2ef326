"""Secrets of signing in stand nowhere: in no file of a run, not on the screen, come what may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tests.e2e.command import bulkexo
from tests.e2e.files import people, table
from tests.e2e.pretend import Pretend, pretend

SET = ("--cmdlet", "Set-Mailbox", "--out", "out")
WRONG = "Sesam-wrong~secret.of/an+app=="
TOKEN = re.compile(r"eyJ[\w-]{10,}")


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pretend]:
    """A tenant whose app has all that an app can have."""
    folder = tmp_path_factory.mktemp("secrets")
    with pretend(folder, f"--mailboxes 30 --speed 50 --credentials {folder / 'app'}") as running:
        yield running


def planted(tenant: Pretend) -> list[str]:
    """What may appear nowhere: secrets, passphrase, assertion, and every line of the private key."""
    app = cast("dict[str, str]", tenant.said["credentials"])
    key = [line for name in ("pem", "encrypted_pem") for line in Path(app[name]).read_text().splitlines()]
    lines = [line for line in key if len(line) > 60]
    assertion = Path(app["federated_token"]).read_text(encoding="utf-8").strip()
    return [
        tenant.said["client_secret"],
        app["passphrase"],
        WRONG,
        assertion,
        *assertion.split(".")[1:],
        *lines,
    ]


def right(tenant: Pretend) -> dict[str, str]:
    """What lets the app in, by the name that the table below uses."""
    app = cast("dict[str, str]", tenant.said["credentials"])
    return {**app, "secret": tenant.said["client_secret"]}


WAYS: dict[str, tuple[int, dict[str, str]]] = {
    "secret": (0, {"CLIENT_SECRET": "secret"}),
    "wrong secret": (4, {"CLIENT_SECRET": WRONG}),
    "passphrase": (0, {"CERTIFICATE": "pfx", "CERTIFICATE_PASSPHRASE": "passphrase"}),
    "wrong passphrase": (4, {"CERTIFICATE": "pfx", "CERTIFICATE_PASSPHRASE": WRONG}),
    "a key cut short": (4, {"CERTIFICATE": "short"}),
    "assertion": (0, {"FEDERATED_TOKEN_FILE": "federated_token"}),
    "wrong assertion": (4, {"FEDERATED_TOKEN_FILE": "wrong"}),
    "wrong token": (4, {"TOKEN": WRONG}),
}


@pytest.mark.parametrize(("code", "given"), WAYS.values(), ids=list(WAYS))
def test_what_is_left_holds_no_secret(
    tmp_path: Path, tenant: Pretend, code: int, given: dict[str, str]
) -> None:
    here, aside = tmp_path / "here", tmp_path / "aside"
    here.mkdir()
    aside.mkdir()
    known = right(tenant)
    (aside / "wrong").write_text(WRONG, encoding="utf-8")
    (aside / "short").write_text(Path(known["pem"]).read_text(encoding="utf-8")[:900], encoding="utf-8")
    known |= {name: str(aside / name) for name in ("wrong", "short")}
    env = {f"BULKEXO_{name}": known.get(value, value) for name, value in given.items()}
    env = {**tenant.env, "BULKEXO_CLIENT_SECRET": "", "BULKEXO_DEBUG": "1", **env}
    job = table(
        here / "job.csv", ["Identity", "CustomAttribute2"], [[name, "v"] for name in people(tenant)[:3]]
    )
    done = bulkexo("run", job, *SET, "--json", cwd=here, env=env).check(code)
    left = [path.read_text(encoding="utf-8-sig") for path in here.rglob("*") if path.is_file()]
    for place in (done.stdout, done.stderr, *left):
        assert not TOKEN.search(place)
        for secret in planted(tenant):
            assert secret not in place
