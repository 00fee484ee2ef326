"""Why an item failed, in words, and what an administrator does now: a table, to be read from top to bottom.

From protocol.md ("Errors: how to read them", "Status, and what a client does") and from our own codes. What
is not in it is shown as the service says it.
"""

from __future__ import annotations

import re
from typing import Final

from bulkexo.facts.ruling import Cause, Mends, rule

OWN_STATUS = re.compile(r"bulkexo:http-(\d{3})")

OTHER: Final = Cause(
    "other",
    "another error of the service",
    "Read the message. Correct the row if it names a value; else run it again later, and give Microsoft's "
    "support the request_id that stands in its line of results.ndjson.",
)


RETRY: Final = "Run the failed rows again: bulkexo retry."

OWN: Final = (
    rule(
        "unknown",
        "sent, and never answered: it may have taken effect",
        "Look at the object first. Where the change is missing, run the row again: bulkexo retry.",
        codes="unknown",
    ),
    rule(
        "earlier-step",
        "an earlier step of the row did not succeed",
        "Mend the earlier step; bulkexo retry then takes the later ones along.",
        Mends.NOTHING,
        codes="earlier-step",
    ),
    rule(
        "earlier-value",
        "an earlier step did not return what this one needs",
        "See in results.ndjson what the earlier step returned, and correct the ${steps.…} that names it.",
        codes="earlier-value",
    ),
    rule(
        "rule",
        "left out by a rule of the job",
        "Nothing to do: the job's own condition (when:) says so.",
        Mends.NOTHING,
        codes="rule",
    ),
    rule(
        "unchanged",
        "there was nothing to change, which --strict counts as a failure",
        "Nothing to do, unless the row should have changed something: then look at its values.",
        Mends.NOTHING,
        codes="unchanged",
    ),
    rule(
        "found",
        "sent and never answered, but its effect was found",
        "Nothing to do: it counts as a success.",
        Mends.NOTHING,
        codes="found",
    ),
    rule(
        "changed-since",
        "the object has changed since the plan was made",
        "See what it is now, make a new plan with bulkexo plan, and run that.",
        codes="changed-since",
    ),
    rule(
        "missing",
        "the plan found no such object",
        "Correct the identity or take the row out; then make a new plan.",
        codes="missing",
    ),
    rule(
        "on-premises",
        "the object is mastered on-premises",
        "Change it in the on-premises directory; the next synchronisation brings it over.",
        codes="on-premises",
    ),
    rule(
        "confirmation",
        "the cmdlet asked for confirmation and did not run",
        "Give the row Confirm: false if the change is meant.",
        codes="confirmation",
    ),
    rule(
        "endless",
        "the list that it returns has no end",
        "Ask for less, by a filter for example; report it to Microsoft's support if it stays so.",
        codes="endless",
    ),
    rule(
        "foreign-link",
        "the next page was named on another host, where the token must not go",
        "Check --endpoint, and what stands between this machine and the service (a proxy that rewrites).",
        codes="link",
    ),
    rule(
        "unread",
        "what was there before could not be read, so nothing was sent",
        f"Check that the identity may read the object. {RETRY}",
        Mends.RETRY,
        codes="unread",
    ),
    rule("left", "its run had ended", "Run it again if it is still wanted.", Mends.NOTHING, codes="left"),
    rule(
        "no-key",
        "the service did not give its key, and passwords go encrypted only",
        f"Check the roles of the identity. {RETRY}",
        codes="no-key",
    ),
    rule(
        "too-large-reply",
        "the reply is too large to be read",
        "Ask for less: fewer properties with --select, or a filter.",
        codes="no-answer",
        texts=("the reply was given up", "nested too deeply"),
    ),
    rule(
        "not-reached",
        "the service could not be reached",
        f"Check the network and the proxy of this machine. {RETRY}",
        Mends.RETRY,
        codes="no-answer",
        texts=("could not be reached", "the proxy let nothing through"),
    ),
    rule(
        "strange-reply",
        "the reply was not that of the service",
        f"See what answers in its place: a proxy, a sign-in page. {RETRY}",
        Mends.RETRY,
        codes="no-answer",
        texts=("was not the json", "clixml of the reply"),
    ),
    rule(
        "no-answer",
        "no answer came",
        f"{RETRY} It is harmless twice. If it happens again, allow a longer --timeout.",
        Mends.RETRY,
        codes="no-answer",
    ),
)
"""Our own codes."""

SERVICE: Final = (
    rule(
        "too-many-requests",
        "too many requests at once in this tenant",
        f"{RETRY} Use a lower --concurrency if other tools work on the tenant too.",
        Mends.RETRY,
        texts=("maximum number of concurrent requests",),
    ),
    rule("throttled", "throttled by the service", RETRY, Mends.RETRY, statuses=(429,)),
    rule(
        "expired-page",
        "the service lost its place in a long list",
        RETRY,
        Mends.RETRY,
        texts=("expired or invalid pagination request",),
    ),
    rule(
        "already-a-member",
        "the recipient is a member already",
        "Nothing to do: take the row out.",
        Mends.NOTHING,
        types="MemberAlreadyExistsException",
    ),
    rule(
        "not-a-member",
        "the recipient is not a member",
        "Nothing to do if it was to be removed; else check the group.",
        Mends.NOTHING,
        types="MemberNotFoundException",
    ),
    rule(
        "entry-exists",
        "the permission is there already",
        "Nothing to do; to change the rights of a folder use Set-MailboxFolderPermission in place of Add-.",
        Mends.NOTHING,
        types="UserAlreadyExistsInPermissionEntryException",
        spoken=("access control entry is already present",),
    ),
    rule(
        "entry-missing",
        "the folder has no permission entry for this user",
        "Nothing to do if it was to be removed; to give it, use Add-MailboxFolderPermission.",
        types="UserNotFoundInPermissionEntryException",
    ),
    rule(
        "address-taken",
        "the address belongs to another object",
        "Find its owner (Get-Recipient with the address), take it off there, or choose another address.",
        types="WLCDManagedMemberExistsException ProxyAddressExistsException",
        spoken=("already being used by the proxy addresses",),
    ),
    rule(
        "name-taken",
        "the name belongs to another object",
        "Choose another name, or take the row out if the object is the one that was meant.",
        types="ADObjectAlreadyExistsException ObjectAlreadyExistsException",
    ),
    rule(
        "directory-clash",
        "Entra ID holds the same value on another object",
        "Find the object there (address or sign-in name; deleted users too) and free the value.",
        types="UnableToWriteToAadException",
        texts=("already exists",),
    ),
    rule(
        "on-premises",
        "the object is mastered on-premises",
        "Change it in the on-premises directory; the next synchronisation brings it over.",
        texts=("synchronized from your on-premises", "synchronized from on-premises"),
    ),
    rule(
        "licence",
        "the licence of the user does not allow it",
        "Assign a licence that holds the feature, wait some minutes, and run the row again.",
        texts=("with license", "exceeds the maximum allowed for user"),
    ),
    rule(
        "write-scope",
        "the object is outside the write scope of who signed in",
        "Give the identity a role whose scope holds the object, or let somebody run it who has one.",
        texts=("current write scopes", "current user's write scope"),
    ),
    rule(
        "too-large-value",
        "the value is too large",
        "Shorten the value, or split it over several rows.",
        texts=("exceeds the maximum allowed size",),
    ),
    rule(
        "passing",
        "the service failed for a passing reason",
        f"{RETRY} A larger --retries makes a run more patient.",
        Mends.RETRY,
        types="DCOverloadedException SuitabilityDirectoryException ServerInMMException "
        "ADServerSettingsChangedException StorageTransientException ADTransientException "
        "UnableToWriteToAadException InsufficientPermissionsException",
        spoken=(
            "may be transient",
            "ldap server is unavailable",
            "cmdletproxynotavailablefailure",
            "serverbusy",
            "backendcommunication",
        ),
    ),
    rule(
        "not-found",
        "the mailbox or other object does not exist",
        "Check its name; objects made minutes ago may still be replicating. Correct the row or take it out.",
        types="ManagementObjectNotFoundException",
        spoken=("couldn't be found",),
    ),
    rule(
        "ambiguous",
        "several objects have this name",
        "Name the object by its address or its GUID.",
        types="ManagementObjectAmbiguousException",
    ),
    rule(
        "duplicated",
        "a list names one recipient twice",
        "Take it out of the list once; one of the two may be another address of the same recipient.",
        types="DuplicatedRecipientException",
        spoken=("duplicated recipient",),
    ),
    rule(
        "no-such-parameter",
        "there is no such parameter, or the role does not grant it",
        "Check its spelling with bulkexo catalogue show; else give the identity a role that grants it.",
        types="ParameterBindingException NamedParameterNotFoundException",
        texts=("cannot be found that matches parameter name",),
    ),
    rule(
        "parameter-missing",
        "a parameter that is needed is missing",
        "Add the parameter that the message names to the row or the step.",
        types="ParameterBindingException",
        texts=("missing mandatory parameters",),
    ),
    rule(
        "parameters-clash",
        "the parameters do not go together",
        "See with bulkexo catalogue show which of them can be given at once, and leave the others out.",
        types="ParameterBindingException",
    ),
    rule(
        "wrong-type",
        "a value is not of its parameter's type",
        "Correct the value: bulkexo check tells what the parameter takes.",
        types="ParameterTransformationException ParameterBindingArgumentTransformationException "
        "ParameterBindingValidationException",
    ),
    rule(
        "foreign-domain",
        "the domain is not one of this tenant",
        "Use an accepted domain (Get-AcceptedDomain lists them), or add the domain to the tenant first.",
        types="NotAcceptedDomainException",
    ),
    rule(
        "retired",
        "the cmdlet has been retired",
        "Use the cmdlet that the message names.",
        types="ValidationException",
        texts=("retired", "deprecated", "no longer supported", "get-messagetracev2"),
    ),
    rule(
        "wrong-value",
        "the service does not accept a value",
        "Correct the value that the message names.",
        types="ValidationException PropertyValidationException DataValidationException "
        "ParameterValidationException",
    ),
    rule(
        "wrong-state",
        "the object is not in the state that this needs",
        "Bring it into that state first; the message says which.",
        types="RecipientTaskException",
    ),
    rule(
        "not-allowed",
        "the service does not allow this for the object",
        "Read the message for what stands in the way: licence, hold, kind of object.",
        types="InvalidOperationException TaskInvalidOperationException TaskException",
    ),
)
"""What the service's exceptions and sentences mean."""

STATUSES: Final = (
    rule(
        "proxy",
        "a proxy or firewall answered in place of the service",
        "Let this machine reach the service without it, or set HTTPS_PROXY to the right one.",
        texts=("the reply was: <",),
        statuses=tuple(status for status in range(400, 500) if status not in (401, 408, 429)),
        untyped=True,
    ),
    rule(
        "signed-out",
        "the service does not accept the sign-in",
        "Sign in anew, and check that the app has Exchange.ManageAsApp with admin consent and a role.",
        statuses=(401,),
    ),
    rule(
        "forbidden",
        "no such cmdlet, or the role does not grant it",
        "Give the identity a role that grants the cmdlet, such as Exchange Administrator; bulkexo catalogue "
        "refresh tells what it has. A new role can take an hour to count.",
        statuses=(403,),
    ),
    rule(
        "wrong-address",
        "the service does not know this address of its API",
        "Check --endpoint, --cloud and the job's api:.",
        statuses=(300, 301, 302, 303, 307, 308, 404, 405, 410),
    ),
    rule(
        "busy",
        "the service was busy or did not answer in time",
        RETRY,
        Mends.RETRY,
        statuses=(408, 502, 503, 504),
    ),
    rule(
        "service-fault",
        "the service failed while running it",
        f"{RETRY} If it fails again, give Microsoft's support the request_id in results.ndjson.",
        Mends.RETRY,
        statuses=tuple(range(500, 600)),
    ),
    rule(
        "refused-request",
        "the service refuses the request",
        "Read the message; run bulkexo check on the job. If the job is right, please report it to us.",
        statuses=tuple(range(400, 500)),
        untyped=True,
    ),
)
"""What is left to the status where nothing else tells."""

RULES: Final = (*OWN, *SERVICE, *STATUSES)
"""First match wins."""


def cause(code: str, type: str, message: str, http_status: int | None = None) -> Cause:
    """Why an item failed. The first three as in the `error` of its line of results.ndjson."""
    own = OWN_STATUS.fullmatch(code)
    status = int(own[1]) if own else http_status
    last, text = type.rpartition(".")[2], message.lower()
    return next((each.cause for each in RULES if each.matches(code, last, text, status)), OTHER)
