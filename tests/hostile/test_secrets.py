"""No secret in anything that a run leaves: planted wherever one is taken, quoted by the service wherever it
can, and looked for in every file and on every screen, in disguise as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.e2e.command import Ended, bulkexo, ended, lines, start, until
from tests.e2e.files import document
from tests.hostile.echo import ISSUED, KINDS, disguised, echo
from tests.hostile.server import Hostile, hostile

CLIENT_SECRET = "Kl1ent~Geheim&=+8Q"
PASSPHRASE = "Satz-fuers/Zert 9§x"
TOKEN = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiJ4In0.planted-and-to-be-seen-by-nobody"
ASSERTION = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwb2QifQ.an-assertion-that-is-planted"
PROXY_PASSWORD = "pr0xy-Pa55-w0rt"
COLUMN = 'Spalte "geheim" & mehr ä/1'
MARKED = "markiert+Param's<2>"
SET = "für-alle\\Zeilen=3"

EVERYWHERE = (PROXY_PASSWORD, COLUMN, MARKED, SET, ISSUED)


@dataclass(frozen=True)
class Planted:
    """How somebody signs in. options, env: of the command. secrets: what stands in neither."""

    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


def _file(folder: Path, text: str) -> str:
    path = folder / "planted"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _certificate(folder: Path) -> tuple[str, str]:
    """An encrypted key with its certificate in a file, and a line of the key in the clear."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the app")])
    now = datetime.now(UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    form, pem = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    locked = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    path = folder / "app.pem"
    public = built.sign(key, hashes.SHA256()).public_bytes(pem)
    path.write_bytes(key.private_bytes(pem, form, locked) + public)
    clear = key.private_bytes(pem, form, serialization.NoEncryption()).decode()
    return str(path), clear.splitlines()[3]


def _by_certificate(folder: Path, *, from_file: bool) -> Planted:
    path, line = _certificate(folder)
    options: tuple[str, ...] = ("--certificate", path)
    env = {"BULKEXO_CERTIFICATE_PASSPHRASE": PASSPHRASE}
    if from_file:
        options, env = (*options, "--certificate-passphrase-file", _file(folder, PASSPHRASE)), {}
    return Planted(options, env, (PASSPHRASE, line))


WAYS: dict[str, Callable[[Path], Planted]] = {
    "secret": lambda _: Planted((), {"BULKEXO_CLIENT_SECRET": CLIENT_SECRET}, (CLIENT_SECRET,)),
    "secret-file": lambda folder: Planted(
        ("--client-secret-file", _file(folder, CLIENT_SECRET)), {}, (CLIENT_SECRET,)
    ),
    "certificate": lambda folder: _by_certificate(folder, from_file=False),
    "certificate-passphrase-file": lambda folder: _by_certificate(folder, from_file=True),
    "assertion": lambda folder: Planted(
        ("--federated-token-file", _file(folder, ASSERTION)), {}, (ASSERTION,)
    ),
    "token": lambda _: Planted((), {"BULKEXO_TOKEN": TOKEN}, (TOKEN,)),
    "token-file": lambda folder: Planted(("--token-file", _file(folder, TOKEN)), {}, (TOKEN,)),
}
"""Every place that takes a secret to sign in with."""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where the command runs; what it is given lies beside."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """Rows with secrets by a marked column, a marked parameter and a value for all."""
    rows = [
        {"Box": f"{kind}{number}@x.y", "Pin": f"{COLUMN} {number}"} for number in (1, 2) for kind in KINDS
    ]
    return document(
        tmp_path / "job.yaml",
        {
            "rows": rows,
            "columns": {"Pin": {"secret": True}},
            "secret": ["CustomAttribute3"],
            "set": {"CustomAttribute3": SET},
            "steps": [
                {
                    "cmdlet": "Set-Mailbox",
                    "parameters": {
                        "Identity": "${Box}",
                        "CustomAttribute1": "${Pin}",
                        "CustomAttribute2": MARKED,
                    },
                    "secret": ["CustomAttribute2"],
                }
            ],
        },
    )


def command(
    server: Hostile, work: Path, job: Path, planted: Planted
) -> tuple[list[str | Path], dict[str, str]]:
    """A run with all of it: as the most curious would have it."""
    options = ("--out", "out", "--retries", "0", "--timeout", "20", "--json", *planted.options)
    env = {
        **server.env,
        "BULKEXO_AUTHORITY": server.endpoint,
        "BULKEXO_TENANT": "x.y",
        "BULKEXO_CLIENT_ID": "the-app",
        "BULKEXO_DEBUG": "1",
        "HTTPS_PROXY": f"http://ada:{PROXY_PASSWORD}@127.0.0.1:1",
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(work)),
        **planted.env,
    }
    return ["run", job, *options], env


def nowhere(work: Path, secrets: tuple[str, ...], *screens: str) -> None:
    """None of the secrets in what was left, in any form."""
    written = {str(path): path.read_bytes() for path in work.rglob("*") if path.is_file()}
    written |= {f"screen {number}": text.encode() for number, text in enumerate(screens)}
    for secret in secrets:
        for form in disguised(secret):
            for bare in {form, form.rstrip("=")}:
                found = [name for name, text in written.items() if bare.encode() in text]
                assert not found, f"{bare!r} of {secret!r} stands in {found}"


@pytest.mark.parametrize("way", WAYS)
def test_whoever_is_refused_finds_no_secret(tmp_path: Path, work: Path, job: Path, way: str) -> None:
    """The sign-in service, or the service itself, quotes what it refuses."""
    planted = WAYS[way](tmp_path)
    with hostile(tmp_path, echo(refuse=True)) as server:
        arguments, env = command(server, work, job, planted)
        done = bulkexo(*arguments, cwd=work, env=env)
    assert done.code == (1 if "token" in way else 4), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    nowhere(work, EVERYWHERE + planted.secrets, done.stdout, done.stderr)


def test_a_run_whose_service_quotes_everything(tmp_path: Path, work: Path, job: Path) -> None:
    planted = WAYS["certificate"](tmp_path)
    with hostile(tmp_path, echo()) as server:
        arguments, env = command(server, work, job, planted)
        done = bulkexo(*arguments, cwd=work, env=env).check(1)
        assert any(SET.encode() in asked.raw.replace(b"\\\\", b"\\") for asked in server.asked)
        dry = bulkexo("run", job, "--dry-run", *planted.options, cwd=work, env=env).check(0)
    found = lines(work / "out")
    assert len(found) == 2 * len(KINDS)
    assert sum("***" in str(line) for line in found) >= 2 * len(KINDS) - 4
    nowhere(work, EVERYWHERE + planted.secrets, done.stdout, done.stderr, dry.stdout, dry.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudoterminals")
def test_on_a_terminal(tmp_path: Path, work: Path, job: Path) -> None:
    planted = WAYS["secret"](tmp_path)
    with hostile(tmp_path, echo()) as server, terminal() as (screen, device):
        arguments, env = command(server, work, job, planted)
        process = start(*arguments, "--yes", cwd=work, env={**env, "TERM": "xterm"}, stderr=device)
        os.close(device)
        shown = b"".join(iter(lambda: _read(screen), b"")).decode()
        done = ended(process)
    assert "Complete" in shown
    nowhere(work, EVERYWHERE + planted.secrets, done.stdout, shown)


def test_a_run_that_was_killed(tmp_path: Path, work: Path, job: Path) -> None:
    planted = WAYS["secret"](tmp_path)
    with hostile(tmp_path, echo(stall=True)) as server:
        arguments, env = command(server, work, job, planted)
        process = start(*arguments, cwd=work, env=env)
        until(lambda: any(asked.target.endswith("$batch") for asked in server.asked), process)
        process.kill()
        done: Ended = ended(process)
    assert (work / "out" / "run.json").exists()
    nowhere(work, EVERYWHERE + planted.secrets, done.stdout, done.stderr)


def terminal() -> _Terminal:
    return _Terminal()


class _Terminal:
    """Both ends of a pseudoterminal."""

    def __enter__(self) -> tuple[int, int]:
        import pty  # noqa: PLC0415 (not on Windows)

        self.screen, device = pty.openpty()
        return self.screen, device

    def __exit__(self, *_: object) -> None:
        os.close(self.screen)


def _read(screen: int) -> bytes:
    try:
        return os.read(screen, 65536)
    except OSError:  # the other end has gone
        return b""
