"""What an answer means: protocol.md's tables of status and of errors, to be read from top to bottom."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bulkexo.model import Failure, light
from bulkexo.wire.batch import Answer, Heard
from bulkexo.wire.bodies import TOO_LARGE, TOO_MANY, Unread
from bulkexo.wire.cmdlets import verb
from bulkexo.wire.errors import failure, last_part
from bulkexo.wire.message import Lost
from bulkexo.wire.notes import raw, without_notes
from bulkexo.wire.rest import rest_only
from bulkexo.wire.retry_after import retry_after


class Action(Enum):
    """What is to be done about one call."""

    DONE = "it ran"
    UNCHANGED = "there was nothing to do, or it was done already"
    FAILED = "it will fail again: the end"
    THROTTLED = "refused for the rate; not run; wait, the whole tenant"
    CROWDED = "refused for too many requests at once; not run; fewer in flight"
    PASSING = "refused for a passing reason of its own; not run; again later"
    BUSY = "the service is not taking calls; not run; again later"
    FAULT = "the service failed while running it; once more at most, where twice is harmless"
    UNANSWERED = "it may have run; again where twice is harmless"
    UNREACHED = "it never left this machine; again as soon as the service is reached"
    SIGN_IN = "the token is refused; not run; again with a new one"
    APART = "the batch was refused for one of its items; not run; again, each by itself"
    RESTART = "the page's cursor is gone; from the first page again"


@light
@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, understood. retry_after: seconds asked for, None if none were. link: the next page.
    claims: of a claims challenge, "" without."""

    action: Action
    status: int | None = None
    value: Sequence[Any] = field(default=(), repr=False)
    warnings: Sequence[str] = field(default=(), repr=False)
    failure: Failure | None = field(default=None, repr=False)
    retry_after: float | None = None
    request_id: str | None = None
    link: str = ""
    claims: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: matches if every part that is given matches. types: the last part of each.
    text: in lower case, anywhere in the code, type and message."""

    action: Action
    statuses: frozenset[int] = frozenset()
    types: frozenset[str] = frozenset()
    text: str = ""
    verbs: frozenset[str] = frozenset()

    def matches(self, status: int, kinds: frozenset[str], text: str, verb: str) -> bool:
        """Whether an error of this status, types (last parts), text (lower case) and verb is meant."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.types or not self.types.isdisjoint(kinds))
            and (not self.text or self.text in text)
            and (not self.verbs or verb in self.verbs)
        )


def _of(*names: str) -> frozenset[str]:
    return frozenset(names)


RULES = (
    Rule(Action.CROWDED, text="maximum number of concurrent requests per tenant"),
    Rule(Action.SIGN_IN, statuses=frozenset({401})),
    Rule(Action.THROTTLED, statuses=frozenset({429})),
    Rule(Action.RESTART, text="expired or invalid pagination request"),
    Rule(Action.UNCHANGED, types=_of("MemberAlreadyExistsException"), verbs=_of("add")),
    Rule(
        Action.UNCHANGED,
        types=_of("MemberNotFoundException", "UserNotFoundInPermissionEntryException"),
        verbs=_of("remove"),
    ),
    Rule(Action.UNCHANGED, text="access control entry is already present", verbs=_of("add")),
    Rule(Action.FAILED, types=_of("UnableToWriteToAadException"), text="already exists"),
    Rule(
        Action.PASSING,
        types=_of(
            "DCOverloadedException",
            "SuitabilityDirectoryException",
            "ServerInMMException",
            "ADServerSettingsChangedException",
            "StorageTransientException",
            "ADTransientException",
            "UnableToWriteToAadException",
            "InsufficientPermissionsException",
        ),
    ),
    Rule(Action.PASSING, text="issue may be transient"),
    Rule(Action.PASSING, text="the ldap server is unavailable"),
    Rule(Action.BUSY, statuses=frozenset({503})),
    Rule(Action.UNANSWERED, statuses=frozenset({408, 502, 504})),
    Rule(Action.FAILED, types=_of("ManagementObjectNotFoundException", "ManagementObjectAmbiguousException")),
    Rule(Action.PASSING, statuses=frozenset({400}), text="cmdletproxynotavailablefailure"),
    Rule(Action.PASSING, statuses=frozenset({400}), text="serverbusy"),
    Rule(Action.PASSING, statuses=frozenset({400}), text="transient"),
    Rule(Action.PASSING, statuses=frozenset({400}), text="backendcommunication"),
    Rule(Action.FAULT, statuses=frozenset(range(500, 600))),
    Rule(Action.FAILED),
)
"""First match wins. A 503 counts as not run (HTTP's own meaning), a 502 or 504 as lost on the way back; a 5xx
that is not listed is a 500 (HTTP's own rule)."""

OK = 200
QUIET = frozenset({"@odata.context", "adminapi.warnings@odata.type", "@adminapi.warnings", "value"})
"""Members of a body that has neither errors nor questions nor further pages."""

OF_ONE_ITEM = frozenset({Action.FAILED, Action.UNCHANGED, Action.RESTART})
"""What can be true of one item of a batch, but not of each, when it is said of the whole."""

UNCHANGED_WARNING = re.compile(
    r"no settings of .* have been modified|access control entry is already present", re.IGNORECASE | re.DOTALL
)
CLAIMS = re.compile(r'\bclaims\s*=\s*(?:"([^"]*)"|([^\s,"]+))', re.IGNORECASE)


def judge(heard: Heard, cmdlet: str, *, keep_notes: bool = False) -> Verdict:
    """What to do about a call of `cmdlet` after what was heard. keep_notes: see Gate."""
    if isinstance(heard, Lost):
        return _lost(heard)
    if _silent(heard):
        return Verdict(Action.DONE, heard.status, [], [], request_id=heard.headers.get("request-id"))
    try:
        return _answered(heard, cmdlet, raw if keep_notes else without_notes)
    except RecursionError:
        return _lost(Lost("The reply is nested too deeply to be read.", sent=True))


def _silent(heard: Answer) -> bool:
    """Whether the cmdlet ran and there is nothing to tell: of a write, the usual answer."""
    return (
        heard.status == OK
        and says_nothing(heard.body)
        and "x-warnings" not in heard.headers
        and not heard.whole
    )


def says_nothing(body: Any) -> bool:
    """Whether a body has no objects and nothing to tell."""
    return (
        body.__class__ is dict
        and body.keys() <= QUIET
        and body.get("value") == []
        and not body.get("@adminapi.warnings")
    )


def _answered(heard: Answer, cmdlet: str, shaped: Callable[[Any], Any]) -> Verdict:
    body = _normal(heard.body)
    headers = heard.headers
    told = isinstance(body, dict) and bool(body.get("error"))
    silent = 200 <= heard.status < 300 and not told
    if silent and not heard.whole and (isinstance(body, dict) or not body):
        return _success(heard, cmdlet, shaped)
    error = failure(heard.status, headers, body, cmdlet)
    text = f"{error.code} {error.type} {error.message}".lower()
    kinds = frozenset({last_part(error.type), last_part(headers.get("x-exceptiontype", ""))})
    action = next(rule.action for rule in RULES if rule.matches(heard.status, kinds, text, verb(cmdlet)))
    if silent and action in OF_ONE_ITEM:
        return _lost(_unreadable(heard.body))
    if heard.whole and action in OF_ONE_ITEM:
        action = _of_the_whole(heard.status)
    challenge = CLAIMS.search(headers.get("www-authenticate", "")) if action is Action.SIGN_IN else None
    return Verdict(
        action,
        heard.status,
        warnings=_warnings(body, headers),
        failure=error,
        retry_after=retry_after(headers),
        request_id=headers.get("request-id"),
        claims=_claims(challenge.group(1) or challenge.group(2)) if challenge else "",
    )


def given_up(verdict: Verdict) -> bool:
    """Whether a reply came, and was too much to be read: of a batch, less may do."""
    return verdict.failure is not None and verdict.failure.message in (TOO_LARGE.reason, TOO_MANY.reason)


def _of_the_whole(status: int) -> Action:
    """What a refusal of a batch as a whole means: a 4xx, that nothing ran, and that the culprit is found by
    sending each item by itself; a redirect, that nothing ran nor will; else, that it may have run."""
    if 400 <= status < 500:
        return Action.APART
    return Action.FAILED if 300 <= status < 400 else Action.UNANSWERED


def _unreadable(body: Any) -> Lost:
    if isinstance(body, Unread):
        return Lost(body.reason, sent=True)
    start = " ".join(str(body)[:200].split())[:80]
    shown = "".join(letter if letter.isprintable() else "?" for letter in start)
    return Lost(f"The reply was not the JSON that was due; it begins: {shown}", sent=True)


def _claims(text: str | None) -> str:
    """The claims of a challenge, which come in base64, as the JSON that the sign-in service wants."""
    packed = (text or "").rstrip("=")
    try:
        claims = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_").decode()
    except ValueError:
        return text or ""
    return claims if claims.startswith("{") else text or ""


def _lost(lost: Lost) -> Verdict:
    action = Action.UNANSWERED if lost.sent else Action.UNREACHED
    return Verdict(action, failure=Failure("bulkexo:no-answer", "", lost.reason))


def _success(answer: Answer, cmdlet: str, shaped: Callable[[Any], Any]) -> Verdict:
    body: Mapping[str, Any] = answer.body if isinstance(answer.body, dict) else {}
    warnings = _warnings(body, answer.headers)
    request_id = answer.headers.get("request-id")
    if question := body.get("@adminapi.confirmationmessage"):
        asked = f"{cmdlet} asked for confirmation and did not run: {question}"
        error = Failure("bulkexo:confirmation", "", asked)
        return Verdict(Action.FAILED, answer.status, (), warnings, error, request_id=request_id)
    value = _entity(body) if "value" not in body and rest_only(cmdlet) else body.get("value")
    objects = value if isinstance(value, list) else [] if value is None else [value]
    action = Action.UNCHANGED if warnings and any(map(UNCHANGED_WARNING.search, warnings)) else Action.DONE
    if objects:
        objects = [shaped(member) for member in objects]
    link = body.get("@odata.nextLink")
    return Verdict(
        action, answer.status, objects, warnings, request_id=request_id, link=str(link) if link else ""
    )


def _entity(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The one object that a GET has read; its members stand in the body itself."""
    found = {name: member for name, member in body.items() if not name.startswith(("@", "adminapi."))}
    return found or None


def _normal(body: Any) -> Any:
    """A body whose errors stand in `@adminapi.errors`, in the shape of one with `error`."""
    if not isinstance(body, dict) or body.get("error") or not body.get("@adminapi.errors"):
        return body
    first = body["@adminapi.errors"]
    first = first[0] if isinstance(first, list) else first
    if not isinstance(first, dict):
        return {**body, "error": {"details": [{"message": str(first)}]}}
    error = first.get("error") or first
    known = isinstance(error, dict) and any(name in error for name in ("details", "message", "Message"))
    return {**body, "error": error if known else {"message": str(first)}}


def _warnings(body: Any, headers: Mapping[str, str]) -> list[str]:
    found = body.get("@adminapi.warnings") if isinstance(body, dict) else None
    if isinstance(found, str) and found:
        return [found]
    if isinstance(found, list) and found:
        return [str(warning) for warning in found]
    header = headers.get("x-warnings", "")
    return [header] if header else []
