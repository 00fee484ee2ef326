"""protocol.md's tables, row by row: what is seen, what is to be done."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from bulkexo.wire import Action, Answer, Lost, Verdict, judge


def saying(message: str, code: str = "BadRequest", **more: Any) -> dict[str, Any]:
    details = [{"code": "Client", "target": "", "message": message}]
    return {"error": {"code": code, "message": "Error executing cmdlet", "details": details, **more}}


def judged(
    body: Any, status: int = 200, cmdlet: str = "Set-Mailbox", headers: Mapping[str, str] | None = None
) -> Verdict:
    return judge(Answer(status, headers or {}, body), cmdlet)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (302, Action.FAILED),
        (400, Action.FAILED),
        (401, Action.SIGN_IN),
        (403, Action.FAILED),
        (404, Action.FAILED),
        (405, Action.FAILED),
        (408, Action.UNANSWERED),
        (409, Action.FAILED),
        (413, Action.FAILED),
        (429, Action.THROTTLED),
        (500, Action.FAULT),
        (501, Action.FAULT),
        (502, Action.UNANSWERED),
        (503, Action.BUSY),
        (504, Action.UNANSWERED),
        (507, Action.FAULT),
        (599, Action.FAULT),
    ],
)
@pytest.mark.parametrize(
    "body", ["", "plain text", "<html>", None, {}, {"error": {}}, saying("|A.BException|x")]
)
def test_status(status: int, action: Action, body: Any) -> None:
    verdict = judged(body, status)
    assert (verdict.action, verdict.status) == (action, status)
    assert verdict.failure is not None
    assert verdict.failure.message


PASSING = [
    "DCOverloadedException",
    "SuitabilityDirectoryException",
    "ServerInMMException",
    "ADServerSettingsChangedException",
    "StorageTransientException",
    "ADTransientException",
    "UnableToWriteToAadException",
    "InsufficientPermissionsException",
]


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("kind", PASSING)
def test_passing_types(kind: str, status: int) -> None:
    full = f"Microsoft.Exchange.Data.{kind}"
    assert judged(saying(f"Ex123456|{full}|text"), status).action is Action.PASSING
    assert judged(saying(f"{kind}|text"), status).action is Action.PASSING
    deep = {"internalexception": {"type": full, "message": "text"}}
    assert judged(saying("", innererror=deep), status).action is Action.PASSING


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("body", ["plain", "", saying("text"), saying("|A.CmdletProxyException|text")])
def test_passing_types_in_the_header(kind: str, status: int, body: Any) -> None:
    assert judged(body, status, headers={"x-exceptiontype": f"A.{kind}"}).action is Action.PASSING


@pytest.mark.parametrize(
    "kind", ["NotADTransientException", "ADTransientExceptionOfMine", "adtransientexception"]
)
def test_types_are_matched_whole(kind: str) -> None:
    assert judged(saying(f"|A.{kind}|text"), 404).action is Action.FAILED


@pytest.mark.parametrize(
    ("message", "status", "cmdlet", "action"),
    [
        ("|A.ManagementObjectNotFoundException|couldn't be found", 404, "Get-X", Action.FAILED),
        ("|A.ManagementObjectNotFoundException|couldn't be found", 400, "Get-X", Action.FAILED),
        ("|A.ManagementObjectNotFoundException|couldn't be found", 500, "Get-X", Action.FAILED),
        (
            "|A.ManagementObjectNotFoundException|'transient@x.y' couldn't be found",
            400,
            "Get-X",
            Action.FAILED,
        ),
        ("|A.ManagementObjectAmbiguousException|matches multiple entries.", 500, "Set-X", Action.FAILED),
        ("|A.MemberAlreadyExistsException|is already a member", 400, "Add-X", Action.UNCHANGED),
        ("|A.MemberAlreadyExistsException|is already a member", 500, "add-x", Action.UNCHANGED),
        ("|A.MemberAlreadyExistsException|is already a member", 400, "Set-X", Action.FAILED),
        ("|A.MemberNotFoundException|isn't a member", 400, "Remove-X", Action.UNCHANGED),
        ("|A.MemberNotFoundException|isn't a member", 404, "Remove-X", Action.UNCHANGED),
        ("|A.MemberNotFoundException|isn't a member", 404, "Set-X", Action.FAILED),
        ("|A.UserAlreadyExistsInPermissionEntryException|existing entry", 400, "Add-X", Action.FAILED),
        ("|A.UserNotFoundInPermissionEntryException|no existing entry", 400, "Remove-X", Action.UNCHANGED),
        ("|A.UserNotFoundInPermissionEntryException|no existing entry", 400, "Set-X", Action.FAILED),
        ("||The appropriate access control entry is already present on x", 400, "Add-X", Action.UNCHANGED),
        ("The appropriate Access Control Entry is already present", 500, "Add-X", Action.UNCHANGED),
        ("ExB10BE9|A.WLCDManagedMemberExistsException|already being used", 400, "Set-X", Action.FAILED),
        ("|A.ProxyAddressExistsException|already being used", 400, "Set-X", Action.FAILED),
        ("|A.UnableToWriteToAadException|An object already exists", 400, "New-X", Action.FAILED),
        ("|A.UnableToWriteToAadException|the issue may be transient", 400, "New-X", Action.PASSING),
        ("|A.OtherException|This issue may be transient, try", 400, "New-X", Action.PASSING),
        ("|A.OtherException|The issue may be transient", 500, "New-X", Action.PASSING),
        ("|A.OtherException|The LDAP server is unavailable.", 500, "Set-X", Action.PASSING),
        ("|A.InvalidOperationException|out of the current user's write scope.", 400, "Set-X", Action.FAILED),
        ("||isn't within your current write scopes.", 400, "Set-X", Action.FAILED),
        ("|A.ParameterBindingException|A parameter cannot be found", 400, "Set-X", Action.FAILED),
        ('||The parameter "M" contains the following duplicated identity', 400, "Set-X", Action.FAILED),
        ("|A.RecipientTaskException|is not in a soft deleted state", 400, "Undo-X", Action.FAILED),
        ("|A.ValidationException|use Get-MessageTraceV2", 400, "Get-X", Action.FAILED),
        ("|A.InsufficientPermissionsException|doesn't have write permission", 403, "Set-X", Action.PASSING),
        ("||exceeds the maximum allowed size (64KB)", 400, "Set-X", Action.FAILED),
        ("|A.BException|CmdletProxyNotAvailableFailure", 400, "Set-X", Action.PASSING),
        ("|A.BException|error ServerBusy", 400, "Set-X", Action.PASSING),
        ("|A.ServerBusyException|wait", 400, "Set-X", Action.PASSING),
        ("|A.ConnectionFailedTransientException|wait", 400, "Set-X", Action.PASSING),
        ("|A.BException|Transient failure", 400, "Set-X", Action.PASSING),
        ("|A.BackendCommunicationException|wait", 400, "Set-X", Action.PASSING),
        ("|A.BException|error ServerBusy", 404, "Set-X", Action.FAILED),
        ("Expired or Invalid pagination request. Default Expiry time is 30 m", 400, "Get-X", Action.RESTART),
        ("expired or invalid pagination request", 500, "Get-X", Action.RESTART),
        ("|A.ThrottledException|slow down", 429, "Get-X", Action.THROTTLED),
        ("|A.ADTransientException|x", 401, "Get-X", Action.SIGN_IN),
        ("|A.ADTransientException|x", 503, "Get-X", Action.PASSING),
    ],
)
def test_errors_met_in_the_wild(message: str, status: int, cmdlet: str, action: Action) -> None:
    assert judged(saying(message), status, cmdlet).action is action


def test_a_code_counts_as_text() -> None:
    assert judged(saying("wait", code="ServerBusy"), 400).action is Action.PASSING


def test_a_refusal_keeps_what_it_says() -> None:
    headers = {"request-id": "r", "retry-after": "1.5"}
    body = saying("Ex1|A.BException|text") | {"@adminapi.warnings": ["w"]}
    verdict = judged(body, 429, headers=headers)
    assert (verdict.request_id, verdict.retry_after, verdict.warnings) == ("r", 1.5, ["w"])
    assert verdict.failure is not None
    assert (verdict.failure.code, verdict.failure.type) == ("BadRequest", "A.BException")


def test_success() -> None:
    body = {
        "@odata.context": "…",
        "@adminapi.warnings": ["w"],
        "@odata.nextLink": "https://next",
        "value": [{"Name": "a", "Name@odata.type": "t", "In": [{"x@data.type": "t"}]}, "text"],
    }
    assert judged(body, headers={"request-id": "r"}) == Verdict(
        Action.DONE, 200, [{"Name": "a", "In": [{}]}, "text"], ["w"], request_id="r", link="https://next"
    )


@pytest.mark.parametrize(
    ("value", "objects"), [([], []), (None, []), ({"a": 1}, [{"a": 1}]), ("x", ["x"]), (False, [False])]
)
def test_a_value_is_a_list_of_objects(value: Any, objects: list[Any]) -> None:
    assert judged({"value": value}).value == objects


@pytest.mark.parametrize("link", [None, "", False])
def test_no_link_is_no_next_page(link: Any) -> None:
    assert judged({"value": [], "@odata.nextLink": link}).link == ""


ERRORS = [
    ["|A.MemberAlreadyExistsException|already"],
    "|A.MemberAlreadyExistsException|already",
    [{"message": "Ex1|A.MemberAlreadyExistsException|already"}],
    [{"Message": "|A.MemberAlreadyExistsException|already"}],
    {"details": [{"message": "|A.MemberAlreadyExistsException|already"}]},
    [{"error": {"details": [{"message": "|A.MemberAlreadyExistsException|already"}]}}, "second"],
]


@pytest.mark.parametrize("errors", ERRORS)
@pytest.mark.parametrize("status", [200, 201, 400])
def test_errors_in_a_success_are_errors_and_are_read_like_any(errors: Any, status: int) -> None:
    body = {"value": [{"a": 1}], "@adminapi.errors": errors}
    failed = judged(body, status, "Set-X")
    assert failed.action is Action.FAILED
    assert failed.failure is not None
    assert (failed.failure.type, failed.failure.message) == ("A.MemberAlreadyExistsException", "already")
    assert judged(body, status, "Add-X").action is Action.UNCHANGED


@pytest.mark.parametrize(
    "errors", [["text"], [{"odd": "text"}], [7], [None], [["text"]], True, {"error": "text"}]
)
def test_errors_of_any_shape_fail_with_a_sentence(errors: Any) -> None:
    verdict = judged({"value": [], "@adminapi.errors": errors})
    assert verdict.action is Action.FAILED
    assert verdict.failure is not None
    assert verdict.failure.message


@pytest.mark.parametrize("nothing", [None, [], "", {}])
@pytest.mark.parametrize("name", ["@adminapi.errors", "error", "@adminapi.confirmationmessage"])
def test_no_errors_are_none(name: str, nothing: Any) -> None:
    assert judged({"value": [], name: nothing}).action is Action.DONE


@pytest.mark.parametrize("error", ["text", {"message": "text"}, {"code": "NotFound"}, True, [1]])
def test_an_error_in_a_200_is_one(error: Any) -> None:
    assert judged({"error": error, "value": [1]}).action is Action.FAILED


def test_a_question_for_confirmation_is_not_a_success() -> None:
    verdict = judged({"value": [], "@adminapi.confirmationmessage": "Remove ada?"}, cmdlet="Remove-X")
    assert verdict.action is Action.FAILED
    assert verdict.failure is not None
    assert verdict.failure.code == "bulkexo:confirmation"
    assert "Remove ada?" in verdict.failure.message
    assert "did not run" in verdict.failure.message


NOTHING = "The command completed successfully but no settings of 'x\ny' have been modified."
PRESENT = "The appropriate access control entry is already present on the object x."


@pytest.mark.parametrize("warning", [NOTHING, NOTHING.upper(), PRESENT])
def test_nothing_changed_is_told_by_a_warning(warning: str) -> None:
    assert judged({"@adminapi.warnings": ["other", warning]}).action is Action.UNCHANGED
    assert judged({"@adminapi.warnings": warning}).action is Action.UNCHANGED
    bodies: tuple[Any, ...] = ({}, "", None, {"@adminapi.warnings": []})
    for body in bodies:
        verdict = judged(body, headers={"x-warnings": warning})
        assert (verdict.action, verdict.warnings) == (Action.UNCHANGED, [warning])


@pytest.mark.parametrize(
    "warning", ["no settings", "have been modified", "settings of 'x' have been modified"]
)
def test_other_warnings_change_nothing(warning: str) -> None:
    verdict = judged({"@adminapi.warnings": [warning]})
    assert (verdict.action, verdict.warnings) == (Action.DONE, [warning])


@pytest.mark.parametrize("warnings", [None, 5, {}, "", []])
def test_no_warnings_are_none(warnings: Any) -> None:
    assert judged({"@adminapi.warnings": warnings}).warnings == []


CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1~~>>??"}}}'
PACKED = base64.b64encode(CLAIMS.encode()).decode()
URL_SAFE = base64.urlsafe_b64encode(CLAIMS.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("challenge", "claims"),
    [
        (f'Bearer realm="", error="insufficient_claims", claims="{PACKED}"', CLAIMS),
        (f'Bearer claims="{PACKED}", error="x"', CLAIMS),
        (f'Bearer Claims = "{URL_SAFE}"', CLAIMS),
        (f"Bearer claims={PACKED}, x=y", CLAIMS),
        ('Bearer claims="not base64!"', "not base64!"),
        ('Bearer claims="bm90IGpzb24="', "bm90IGpzb24="),
        ('Bearer claims="é"', "é"),
        ('Bearer claims=""', ""),
        ('Bearer myclaims="x"', ""),
        ("Bearer", ""),
        ("", ""),
    ],
)
def test_a_claims_challenge_is_handed_on_as_json(challenge: str, claims: str) -> None:
    verdict = judged("", 401, headers={"www-authenticate": challenge})
    assert (verdict.action, verdict.claims) == (Action.SIGN_IN, claims)


def test_claims_are_of_a_401_only() -> None:
    assert judged("", 403, headers={"www-authenticate": f'claims="{PACKED}"'}).claims == ""


@pytest.mark.parametrize(("sent", "action"), [(True, Action.UNANSWERED), (False, Action.UNREACHED)])
def test_lost(sent: bool, action: Action) -> None:
    verdict = judge(Lost("why", sent), "Get-X")
    assert (verdict.action, verdict.status) == (action, None)
    assert verdict.failure is not None
    assert (verdict.failure.code, verdict.failure.message) == ("bulkexo:no-answer", "why")
