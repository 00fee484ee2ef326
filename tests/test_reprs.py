"""What would stand in a traceback or a log, should a mistake of ours put it there: never a secret."""

from __future__ import annotations

import pytest

from bulkexo.cli import _unexpected
from bulkexo.model import Item, Outcome, Page, Status
from bulkexo.net.identity import Identity, Secrets
from bulkexo.net.identity.apps import Credential
from bulkexo.net.identity.ready import FixedToken
from bulkexo.net.places import proxy_for
from bulkexo.net.tokens import Token
from bulkexo.options import Options
from bulkexo.schedule.lanes import Ticket
from bulkexo.wire import Answer, Reply, Service, Verdict, judge, pack
from bulkexo.wire.doors import call

SECRET = "Sesam-ist-geheim"
ITEM = Item(
    1, 1, "Set-Mailbox", "ada", {"Identity": "ada", "Pin": SECRET}, {"Pin": SECRET}, frozenset({"Pin"})
)
BODY = {"value": [SECRET], "@adminapi.warnings": [SECRET]}
ANSWER = Answer(200, {"x-warnings": SECRET}, BODY)
VERDICT: Verdict = judge(ANSWER, "Set-Mailbox")
SECRETS = Secrets({"BULKEXO_TOKEN": SECRET}, answers={"Passphrase: ": SECRET})


@pytest.mark.parametrize(
    "holder",
    [
        ITEM,
        Ticket(ITEM, "guid", "ada"),
        call(ITEM, "guid"),
        pack(Service("https://h", "t", "APP:x", "c"), [call(ITEM, "guid")], SECRET),
        Reply(200, {"request-id": SECRET}, SECRET.encode()),
        ANSWER,
        VERDICT,
        Outcome(ITEM, Status.FAILED, 1, 400, 0.0, 0.0, None),
        Page(ITEM, [], first=True),
        Token(SECRET),
        FixedToken(SECRET),
        SECRETS,
        Identity(Options().connection, SECRETS),
        Credential(SECRET, (SECRET,)),
        Options(set=(f"Pin={SECRET}",)),
    ],
    ids=lambda holder: type(holder).__name__,
)
def test_no_secret_in_a_repr(holder: object) -> None:
    assert SECRET not in repr(holder)
    assert SECRET not in f"{KeyError(holder)} {ValueError(holder)}"


def test_nor_in_that_of_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:{SECRET}@proxy:8080")
    assert SECRET not in repr(proxy_for("https://service.example"))


def test_nor_in_what_is_told_of_a_mistake_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BULKEXO_DEBUG", "1")

    def fail(ticket: Ticket) -> None:
        raise KeyError(ticket)

    try:
        fail(Ticket(ITEM, "guid", "ada"))
    except KeyError as error:
        assert _unexpected(BaseExceptionGroup("group", [error])) == 3
    told = capsys.readouterr()
    assert "Traceback" in told.err
    assert "mistake of its own" in told.err
    assert SECRET not in told.err + told.out
