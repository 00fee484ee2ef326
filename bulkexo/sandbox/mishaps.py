"""What the faults of single cmdlets look like: replies in place of the cmdlet's own, or made of it.

`instead` is asked before the cmdlet would run, `made_of` after it ran. Shapes: `protocol.md`, "Reply",
"Errors", "Second reading: Reply".
"""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

from bulkexo.sandbox import reply
from bulkexo.sandbox.engine import Call
from bulkexo.sandbox.errors import CmdletError
from bulkexo.sandbox.paging import EXPIRED
from bulkexo.sandbox.reply import Reply

_ENTRY = "The appropriate access control entry is already present"
_ENTRY_TYPE = "Microsoft.Exchange.Configuration.Tasks.TaskInvalidOperationException"
_DIRECTORY = "Microsoft.Exchange.Data.Directory."
_PASSING = (
    CmdletError(_DIRECTORY + "ADTransientException", "The LDAP server is unavailable.", 500,
                "InternalServerError"),
    CmdletError(
        _DIRECTORY + "ADServerSettingsChangedException",
        "An Active Directory server setting has changed. Please try again.",
    ),
    CmdletError(
        "Microsoft.Exchange.Data.Storage.StorageTransientException",
        "The mailbox store could not be reached. Please try again later.",
        500,
        "InternalServerError",
        in_details=False,
    ),
    CmdletError(
        "Microsoft.Exchange.Management.Tasks.UnableToWriteToAadException",
        "An Azure Active Directory call was made to keep object in sync between Azure Active Directory and "
        "Exchange Online. However, it failed. The issue may be transient and please retry a couple of "
        "minutes later.",
    ),
    CmdletError(_DIRECTORY + "DCOverloadedException", "The domain controller is overloaded.", 500,
                "InternalServerError"),
    CmdletError(_DIRECTORY + "SuitabilityDirectoryException", "No suitable domain controller was found.", 500,
                "InternalServerError"),
    CmdletError("Microsoft.Exchange.Data.Storage.ServerInMMException", "The server is in maintenance mode.",
                500, "InternalServerError"),
    CmdletError(
        _DIRECTORY + "InsufficientPermissionsException",
        "Source server:AM4PR07MB1011 doesn't have write permission to target DC:AM4PR07A03DC002.",
    ),
    CmdletError("System.Exception", "CmdletProxyNotAvailableFailure: no proxy was available for the cmdlet."),
    CmdletError("System.Exception", "ServerBusy: the server can't take the request now."),
    CmdletError("System.Exception", "BackendCommunication: the connection to the backend was lost."),
)  # fmt: skip
_COMPLAINTS = (
    CmdletError(
        "System.InvalidOperationException",
        "The operation on mailbox '{who}' failed because it's out of the current user's write scope. "
        "The value of properties 'LitigationHoldEnabled' exceeds the maximum allowed for user '{who}' with "
        "license 'BPOS_S_Standard'.",
    ),
    CmdletError(
        "Microsoft.Exchange.Configuration.Tasks.TaskException",
        "'{who}' isn't within your current write scopes. Can't perform save operation.",
    ),
    CmdletError(
        "Microsoft.Exchange.Data.PropertyValidationException",
        "The property value exceeds the maximum allowed size (64KB).",
    ),
    CmdletError(
        "Microsoft.Exchange.Management.Tasks.UnableToWriteToAadException",
        "An Azure Active Directory call was made to keep object in sync between Azure Active Directory and "
        "Exchange Online. However, it failed. Another object with the same value for property proxyAddresses "
        "already exists.",
    ),
)
"""Refusals that nothing in this tenant calls for: a licence, a scope, a size, a clash in the other
directory."""


def passing(random: Random) -> CmdletError:
    """One of the passing exceptions (`protocol.md`, "Status, and what a client does")."""
    return random.choice(_PASSING)


def instead(kind: str, random: Random, call: Call) -> Reply | None:
    """What comes in place of the cmdlet, which does not run; None if this kind lets it run."""
    who = str(call.parameters.get("Identity", ""))
    complaint = random.choice(_COMPLAINTS) if kind in {"complaint", "errors-200", "error-200"} else None
    if complaint is not None:
        complaint = replace(complaint, text=complaint.text.format(who=who.replace("{", "").replace("}", "")))
    if kind == "transient":
        return reply.failure(passing(random))
    if kind in {"408", "503"}:
        return reply.busy(int(kind))
    if kind == "expired-page":
        return reply.problem(400, "BadRequest", EXPIRED) if call.cursor is not None else None
    if complaint is None:
        return None
    failed = reply.failure(complaint)
    if kind == "errors-200":
        answer = reply.success(call.context, [], [])
        answer.body["adminapi.errors@odata.type"] = "#Collection(String)"
        answer.body["@adminapi.errors"] = [failed.body["error"]["details"][0]["message"]]
        return answer
    return replace(failed, status=200) if kind == "error-200" else failed


def made_of(kind: str, random: Random, call: Call, answer: Reply) -> Reply:
    """The cmdlet's own answer, as this kind has it."""
    if kind == "other-form" and answer.error is not None:
        return _other_form(random, answer.error)
    if kind == "entry-error" and _ENTRY in str(answer.body):
        return reply.failure(CmdletError(_ENTRY_TYPE, answer.body["@adminapi.warnings"][0]))
    if kind == "x-warnings" and answer.status == 200 and isinstance(answer.body, dict):
        given = answer.body.get("@adminapi.warnings") or ["This cmdlet will be retired."]
        answer.headers["X-Warnings"] = json.dumps(given)
        answer.body["@adminapi.warnings"] = []
    if kind == "empty" and answer.status == 200 and not call.cmdlet.lower().startswith("get-"):
        headers = {name: value for name, value in answer.headers.items() if name != "Content-Type"}
        return Reply(random.choice((204, 200)), None, headers)
    return answer


def _other_form(random: Random, error: CmdletError) -> Reply:
    """An error in one of the forms in which it came beside the first: the text has its type all the same,
    in the message, in a header, or (of a proxy) within the text."""
    if error.status == 404:
        error = replace(error, status=random.choice((404, 400, 500)), code="InternalServerError")
    answer = reply.failure(error)
    answer.headers["x-ExceptionTargetType"] = "Microsoft.Exchange.Data.Directory.ADObjectId"
    named = {"ClassName": error.type, "Message": error.text}
    proxied = json.dumps({"ExceptionType": error.type, "Message": f"{error.id}|{error.type}|{error.text}"})
    forms = (
        f"|{error.type}|{error.text}",
        f"{error.type}|{error.text}",
        json.dumps({**named, "localizedString": error.text}),
        json.dumps({"Message": error.text, "TypeName": error.type}),
        f"ExA1B2C3|Microsoft.Exchange.Admin.CmdletProxyException|{proxied}",
        None,
    )
    form = random.choice(forms)
    if form is None:
        headers = {"Content-Type": "text/plain; charset=utf-8", "request-id": reply.request_id()}
        return Reply(error.status, error.text, {**headers, "X-ExceptionType": error.type}, error)
    answer.body["error"]["details"] = [{"code": "InvalidArgument", "target": error.target, "message": form}]
    return answer
