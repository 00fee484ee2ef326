"""Every failure that a run can leave has a cause in words and a remedy: the table against the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import bulkexo
from bulkexo.facts import catalogue
from bulkexo.facts.causes import OTHER, RULES, cause
from bulkexo.facts.ruling import Rule
from bulkexo.sandbox import errors, faults, mishaps
from bulkexo.sandbox.errors import CmdletError
from bulkexo.wire.verdict import RULES as VERDICTS

PACKAGE = Path(bulkexo.__file__).parent
SANDBOX = PACKAGE / "sandbox"
OPEN = {"Exception", "ODataServiceException"}
"""Types that say nothing by themselves: their text does."""


def texts(path: Path) -> Iterator[str]:
    """All texts in a program; of one with values in it, the part before the first."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def own_codes() -> set[str]:
    ours = [path for path in PACKAGE.rglob("*.py") if SANDBOX not in path.parents]
    return {text for path in ours for text in texts(path) if re.fullmatch(r"bulkexo:[a-z-]+", text)}


def sandbox_types() -> set[str]:
    parameters = {
        each.name.lower()
        for name in catalogue.names()
        if (known := catalogue.cmdlet(name))
        for each in known.parameters
    }
    found = {text for path in SANDBOX.rglob("*.py") for text in texts(path)}
    names = {text.rpartition(".")[2] for text in found if re.fullmatch(r"[\w.]*Exception", text)}
    return {name for name in names if name.lower() not in parameters}


def test_each_of_our_own_codes_has_its_cause() -> None:
    found = own_codes()
    assert {"bulkexo:unknown", "bulkexo:on-premises", "bulkexo:rule", "bulkexo:http-"} <= found
    for code in found - {"bulkexo:http-"}:
        named = cause(code, "", "")
        assert any(code in rule.codes and rule.cause == named for rule in RULES), code


def test_each_type_of_the_sandbox_has_its_cause() -> None:
    found = sandbox_types()
    assert {"ManagementObjectNotFoundException", "NullReferenceException"} <= found
    for name in found - OPEN - {"CmdletProxyException", "NullReferenceException"}:
        assert cause("BadRequest", f"Microsoft.Exchange.{name}", "", 400) is not OTHER, name


def test_each_type_that_the_wire_knows_has_its_cause() -> None:
    for name in {name for rule in VERDICTS for name in rule.types}:
        assert cause("BadRequest", name, "", 400) is not OTHER, name


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 429, 500, 502, 503, 504, 302, 400, 415])
def test_each_status_has_its_cause(status: int) -> None:
    assert cause(f"bulkexo:http-{status}", "", "", status) is not OTHER
    assert cause("", "", "", status) is not OTHER


def _said(error: CmdletError) -> str:
    return cause(error.code, error.type, error.text, error.status).kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.not_found("a@b.c"), "not-found"),
        (errors.ambiguous("Ada"), "ambiguous"),
        (errors.unknown_parameter("Colour"), "no-such-parameter"),
        (errors.missing_parameters("Identity"), "parameter-missing"),
        (errors.parameter_sets(), "parameters-clash"),
        (errors.transformation("Quota", "No."), "wrong-type"),
        (errors.invalid_value("The property value is invalid."), "wrong-value"),
        (errors.invalid_value("Get-MessageTrace is retired: use Get-MessageTraceV2."), "retired"),
        (errors.proxy_exists("a@b.c", "Ada"), "address-taken"),
        (errors.proxy_exists("a@b.c", "Ada", sign_in=True), "address-taken"),
        (errors.object_exists("Ada"), "name-taken"),
        (errors.already_member("a", "g"), "already-a-member"),
        (errors.not_a_member("a", "g"), "not-a-member"),
        (errors.duplicated_recipient("Members", "a"), "duplicated"),
        (errors.not_soft_deleted(), "wrong-state"),
        (errors.mastered_elsewhere("a", "Set-Mailbox", "Office"), "on-premises"),
        (errors.foreign_domain("x.y"), "foreign-domain"),
        (faults.SERVER_ERROR, "service-fault"),
        *zip(
            mishaps._COMPLAINTS,
            ("licence", "write-scope", "too-large-value", "directory-clash"),
            strict=True,
        ),
        *((error, "passing") for error in mishaps._PASSING),
    ],
)
def test_what_the_sandbox_complains_of(error: CmdletError, kind: str) -> None:
    assert _said(error) == kind


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("bulkexo:no-answer", "No answer after 6 attempts. No reply came within 960 s.", "no-answer"),
        ("bulkexo:no-answer", "The service could not be reached (refused).", "not-reached"),
        ("bulkexo:no-answer", "The reply was not the JSON that was due; it begins: <html>", "strange-reply"),
        ("bulkexo:no-answer", "The reply was given up: it holds more than 128 MB.", "too-large-reply"),
        ("bulkexo:http-403", "The reply was: <html>Blocked</html>", "proxy"),
        ("bulkexo:http-503", "The reply was: <html>Busy</html>", "busy"),
        ("bulkexo:http-418", "", "refused-request"),
        ("bulkexo:unknown", "New-X was sent. Object 'a' couldn't be found. It may …", "unknown"),
        ("SomethingNew", "Nobody knows this.", "other"),
        ("bulkexo:not-yet-invented", "", "other"),
    ],
)
def test_what_a_message_adds(code: str, message: str, kind: str) -> None:
    assert cause(code, "", message).kind == kind


def test_an_exception_that_nobody_knows_is_shown_as_it_is() -> None:
    assert cause("BadRequest", "Microsoft.Exchange.NewException", "No.", 400) is OTHER
    assert cause("InternalServerError", "Microsoft.Exchange.NewException", "No.", 500).kind == "service-fault"


def test_words_are_half_sentences_and_remedies_are_sentences() -> None:
    known = {rule.cause.kind: rule.cause for rule in RULES} | {OTHER.kind: OTHER}
    for kind, each in known.items():
        assert re.fullmatch(r"[a-z0-9-]+", kind)
        assert each.words and not each.words.endswith(".") and each.remedy.endswith(".")
    for rule in RULES:
        assert rule.cause.words == known[rule.cause.kind].words


def _first(*failure: Any) -> Rule:
    return next(rule for rule in RULES if rule.matches(*failure))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.cause.kind)
def test_no_rule_stands_behind_one_that_takes_all_of_its_own(rule: Rule) -> None:
    parts = (rule.codes or [""], rule.types or [""], rule.texts or [""], rule.statuses or [None])
    assert any(_first(*failure) is rule for failure in product(*parts))
