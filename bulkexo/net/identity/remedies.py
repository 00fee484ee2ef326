"""What the sign-in service's errors mean for an administrator, in a sentence that says what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bulkexo.model import SignInError, SignInUnreachableError
from bulkexo.redact import HIDDEN, blot, disguises

NO_TENANT = "Check --tenant and --cloud."
CONSENT = "An administrator grants consent to the app's permissions, Exchange.ManageAsApp for an app alone."
CERTIFICATE = "Upload the public half of this certificate to the app registration, and check its end date."
AGAIN = "Sign in again: bulkexo login."
MFA = "Sign in with a second factor: bulkexo login. For unattended runs use an app with a certificate."
POLICY = "Exclude the app from the policy, or run from where it allows it."
FEDERATION = (
    "Check issuer, subject and audience of the app's federated credential against the token in the file."
)

REMEDIES = {
    "AADSTS50001": "The tenant has no such service: check --cloud.",
    "AADSTS50014": "Ask an administrator: the account cannot be used now.",
    "AADSTS50020": "The account belongs to another tenant: name its own with --tenant.",
    "AADSTS50034": f"There is no such user in this tenant: check the name. {NO_TENANT}",
    "AADSTS50053": "The account is locked after wrong passwords: wait, or have an administrator unlock it.",
    "AADSTS50055": "The password has expired: set a new one, and sign in again.",
    "AADSTS50057": "The account is disabled: an administrator enables it.",
    "AADSTS50076": MFA,
    "AADSTS50079": MFA,
    "AADSTS50105": "Nobody has assigned this account to the app: an administrator does so.",
    "AADSTS50126": "User name or password is wrong: check both.",
    "AADSTS50132": AGAIN,
    "AADSTS50133": AGAIN,
    "AADSTS50158": MFA,
    "AADSTS50173": AGAIN,
    "AADSTS53000": f"Conditional Access wants a compliant device. {POLICY}",
    "AADSTS53001": f"Conditional Access wants a device that is joined to the domain. {POLICY}",
    "AADSTS53003": f"Conditional Access blocks this sign-in. {POLICY}",
    "AADSTS65001": f"Nobody has consented. {CONSENT}",
    "AADSTS65004": "Consent was refused: sign in again and accept, or ask an administrator.",
    "AADSTS70008": AGAIN,
    "AADSTS70016": "The sign-in was not finished in time: start again.",
    "AADSTS70019": "The code has expired: start again.",
    "AADSTS70020": "The code has expired: start again.",
    "AADSTS70021": FEDERATION,
    "AADSTS70043": AGAIN,
    "AADSTS90002": f"There is no such tenant. {NO_TENANT}",
    "AADSTS90072": "The account belongs to another tenant: name its own with --tenant.",
    "AADSTS90094": CONSENT,
    "AADSTS500011": f"The tenant does not know Exchange Online under this address. {NO_TENANT}",
    "AADSTS500014": "Exchange Online is disabled in this tenant: check its subscription.",
    "AADSTS500133": "The assertion has expired: whatever writes --federated-token-file must renew it.",
    "AADSTS530003": f"Conditional Access wants a managed device. {POLICY}",
    "AADSTS530035": f"Security defaults block this way to sign in. {MFA}",
    "AADSTS700016": "The app is not in this tenant: check --client-id and --tenant.",
    "AADSTS700024": "The assertion is too old or too new: check this machine's clock, or renew the file.",
    "AADSTS700027": f"The certificate is not the app's. {CERTIFICATE}",
    "AADSTS700030": f"The certificate is not valid. {CERTIFICATE}",
    "AADSTS700082": AGAIN,
    "AADSTS700084": AGAIN,
    "AADSTS700211": FEDERATION,
    "AADSTS700212": FEDERATION,
    "AADSTS700213": FEDERATION,
    "AADSTS700223": FEDERATION,
    "AADSTS900023": f"There is no such tenant. {NO_TENANT}",
    "AADSTS7000112": "The app is disabled in this tenant: an administrator enables it.",
    "AADSTS7000215": "The client secret is wrong: use its value, not its id, and check its end date.",
    "AADSTS7000218": "This app signs in with a secret or certificate only. For people, take one that allows "
    "public client flows, such as --client-id fb78d390-0c51-40cd-8e17-fdbfab77341b.",
    "AADSTS7000222": "The client secret has expired: create a new one for the app.",
    "AADSTS7000229": "The app has no service principal in this tenant: an administrator grants it consent.",
}
"""Code → what to do (protocol.md, Errors; Microsoft's list of AADSTS codes). Codes and texts may change: one
that is not here is shown as it came."""

PASSING = ("AADSTS90033", "AADSTS90001", "AADSTS50196", "temporarily_unavailable", "authorization_pending")
"""What means: not now, perhaps later."""

PLAIN = {
    "authorization_declined": "The sign-in was declined.",
    "access_denied": "The sign-in was declined.",
    "expired_token": "The sign-in was not finished in time: start again.",
    "code_expired": "The sign-in was not finished in time: start again.",
}
"""OAuth's own errors, where there are no words of Microsoft's."""

CREDENTIAL = re.compile(r"[\w+/=~-]{2,}(?:\.[\w+/=~-]+){2,}(?<=\w{40})|[\w.+/=~-]{80,}", re.ASCII)
"""What looks like a token, an assertion or a key: no words of a person are so long."""


def explain(text: str, *hidden: str) -> str:
    """An error of the sign-in service as a sentence: its code, its words, the remedy; without `hidden`, and
    without anything else that looks like a credential."""
    code = re.search(r"AADSTS\d+", text)
    words = " ".join(re.split(r"Trace ID", text, maxsplit=1)[0].split())
    words = blot(words, disguises(filter(None, hidden)))
    words = CREDENTIAL.sub(HIDDEN, words)
    remedy = REMEDIES.get(code.group(), "") if code else ""
    return f"Signing in failed. {words} {remedy}".strip()


def refusal(result: Mapping[str, Any], *hidden: str) -> SignInError:
    """The error that an answer of msal's without a token stands for."""
    error = str(result.get("error") or "")
    words = str(
        result.get("error_description") or PLAIN.get(error) or error or "There is no token in the answer."
    )
    kind = SignInUnreachableError if any(code in f"{error} {words}" for code in PASSING) else SignInError
    return kind(explain(words, *hidden))
