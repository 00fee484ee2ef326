"""What the sign-in service says when it refuses: the numbers, the OAuth codes and the words, in one table.

Numbers: `protocol.md`, "Errors"; the words as Entra's users have quoted them in public.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

Answer = tuple[int, dict[str, Any]]
"""Status and JSON object."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """status: of the HTTP answer. error: OAuth's code. text: a format string."""

    status: int
    error: str
    text: str


KINDS: Final[dict[int, _Kind]] = {
    50013: _Kind(
        401, "invalid_client",
        "Assertion failed signature validation. [Reason - The provided signature value did not match the "
        "expected signature value., Thumbprint of key used by client: '{thumbprint}']",
    ),
    50034: _Kind(
        400, "invalid_grant",
        "The user account {user} does not exist in the {tenant} directory. To sign into this application, "
        "the account must be added to the directory.",
    ),
    50076: _Kind(
        400, "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must use multi-factor authentication to access '00000002-0000-0ff1-ce00-000000000000'.",
    ),
    50079: _Kind(
        400, "interaction_required",
        "Due to a configuration change made by your administrator, or because you moved to a new location, "
        "you must enroll in multi-factor authentication to access '00000002-0000-0ff1-ce00-000000000000'.",
    ),
    50126: _Kind(
        400, "invalid_grant", "Error validating credentials due to invalid username or password."
    ),
    50173: _Kind(
        400, "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user "
        "might have changed or reset their password.",
    ),
    53003: _Kind(
        400, "interaction_required",
        "Access has been blocked by Conditional Access policies. The access policy does not allow token "
        "issuance.",
    ),
    54005: _Kind(
        400, "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
        "existing refresh token.",
    ),
    65001: _Kind(
        400, "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{client}' named "
        "'bulkexo sandbox'. Send an interactive authorization request for this user and resource.",
    ),
    65004: _Kind(400, "access_denied", "User declined to consent to access the app."),
    70000: _Kind(
        400, "invalid_grant",
        "The provided value for the input parameter '{parameter}' is not valid or has expired.",
    ),
    70003: _Kind(400, "unsupported_grant_type", "The app requested an unsupported grant type '{grant}'."),
    70008: _Kind(400, "invalid_grant", "The provided authorization code or refresh token has expired."),
    70016: _Kind(
        400, "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    70018: _Kind(400, "bad_verification_code", "Bad verification code."),
    70019: _Kind(400, "expired_token", "Verification code expired."),
    90002: _Kind(
        400, "invalid_request",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud.",
    ),
    90014: _Kind(400, "invalid_request", "The required field '{parameter}' is missing from the request."),
    90033: _Kind(
        503, "temporarily_unavailable",
        "A transient error has occurred. Please try again.",
    ),
    500011: _Kind(
        400, "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}.",
    ),
    500112: _Kind(
        400, "invalid_client",
        "The reply address '{redirect}' does not match the reply address provided when requesting the "
        "authorization code.",
    ),
    501481: _Kind(
        400, "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
    ),
    50011: _Kind(
        400, "invalid_request",
        "The redirect URI '{redirect}' specified in the request does not match the redirect URIs "
        "configured for the application '{client}'.",
    ),
    700016: _Kind(
        400, "unauthorized_client",
        "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen "
        "if the application has not been installed by the administrator of the tenant or consented to by "
        "any user in the tenant.",
    ),
    700021: _Kind(
        401, "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter.",
    ),
    700023: _Kind(401, "invalid_client", "Client assertion audience claim does not match Realm issuer."),
    700024: _Kind(
        401, "invalid_client",
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from "
        "{since}, expiry time of assertion {until}.",
    ),
    700025: _Kind(
        401, "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    700027: _Kind(
        401, "invalid_client",
        "The certificate with identifier used to sign the client assertion is {state}. [Reason - "
        "{reason}., Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, Graph "
        "Explorer or directly use MS Graph to see configured keys for app Id '{client}'.]",
    ),
    700082: _Kind(
        400, "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {since} and was inactive "
        "for {days} days.",
    ),
    700211: _Kind(
        401, "invalid_client",
        "No matching federated identity record found for presented assertion issuer '{value}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    700212: _Kind(
        401, "invalid_client",
        "No matching federated identity record found for presented assertion audience '{value}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    700213: _Kind(
        401, "invalid_client",
        "No matching federated identity record found for presented assertion subject '{value}'. Check your "
        "federated identity credential Subject, Audience and Issuer against the presented assertion.",
    ),
    1002012: _Kind(
        400, "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        "with /.default suffixed to the resource identifier (application ID URI).",
    ),
    5002723: _Kind(
        401, "invalid_client", "Invalid JWT token. No certificate thumbprint or key Id is specified."
    ),
    7000215: _Kind(
        401, "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        "secret value, not the client secret ID, for a secret added to app '{client}'.",
    ),
    7000218: _Kind(
        401, "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ),
    7000222: _Kind(
        401, "invalid_client", "The provided client secret keys for app '{client}' are expired."
    ),
    7000272: _Kind(
        401, "invalid_client",
        "The certificate with identifier {thumbprint} used to sign the federated credential could not be "
        "found in the metadata of identity provider {value}.",
    ),
}  # fmt: skip
"""Number to how it is said."""


def refusal(number: int, **values: object) -> Answer:
    """The answer with an AADSTS number; values: what its text names."""
    kind = KINDS[number]
    return refused(kind.status, kind.error, number, kind.text.format_map(_Values(values)))


def refused(status: int, error: str, number: int, text: str) -> Answer:
    """The answer of the sign-in service to what it refuses."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return status, {
        "error": error,
        "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {moment}",
        "error_codes": [number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }


class _Values(dict[str, object]):
    """What a text names but nobody gave is left out, as Entra hides what it will not tell."""

    def __missing__(self, key: str) -> str:
        return f"{{{key} hidden}}"
