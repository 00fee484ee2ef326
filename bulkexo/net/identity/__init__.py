"""Every way to sign in to a tenant: which one is meant, and the source of tokens that it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bulkexo.connection import Auth, Connection
from bulkexo.model import UsageError
from bulkexo.net.identity.ready import CalledToken, FileToken, FixedToken
from bulkexo.net.identity.secrets import Person, Secrets, TokenCall
from bulkexo.net.tokens import Source

if TYPE_CHECKING:
    from bulkexo.net.identity.apps import Credential

__all__ = ["Identity", "Person", "Secrets", "TokenCall", "source_of", "way"]

TOKEN = "BULKEXO_TOKEN"  # noqa: S105 (a name)
SECRET = "BULKEXO_CLIENT_SECRET"  # noqa: S105 (a name)
PASSPHRASE = "BULKEXO_CERTIFICATE_PASSPHRASE"  # noqa: S105 (a name)

WORKLOAD_FILE = "AZURE_FEDERATED_TOKEN_FILE"
WORKLOAD_CLIENT = "AZURE_CLIENT_ID"
WORKLOAD_TENANT = "AZURE_TENANT_ID"
"""What workload identity sets for a pod; these serve where an option says nothing else."""

NONE = (
    "There is no way to sign in: give --tenant, --client-id, and --certificate or BULKEXO_CLIENT_SECRET; or "
    "a token in BULKEXO_TOKEN or by --token-file; or --auth browser, device-code or managed-identity; or add "
    "--sandbox to run the job on a pretend tenant."
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs in to one tenant, and where that is."""

    connection: Connection
    secrets: Secrets

    def source(self, scope: str) -> Source:
        """See `source_of`."""
        return source_of(self.connection, scope, self.secrets)


def way(connection: Connection, secrets: Secrets) -> Auth:
    """How the connection signs in: as it says, else as follows from what is given. Raises UsageError where
    that is nothing, or two things that exclude each other."""
    if secrets.token is not None:
        return Auth.TOKEN
    if connection.auth is not None:
        return connection.auth
    token = "--token-file" if connection.token_file else TOKEN if secrets.environment.get(TOKEN) else ""
    found = [
        (auth, name)
        for auth, name, given in (
            (Auth.TOKEN, token, token),
            (Auth.CERTIFICATE, "--certificate", connection.certificate),
            (Auth.FEDERATED, "--federated-token-file", connection.federated_token_file),
        )
        if given
    ]
    if len(found) > 1:
        names = " and ".join(name for _, name in found)
        raise UsageError(f"{names} are different ways to sign in: take one away, or say which with --auth.")
    if found:
        return found[0][0]
    if connection.client_secret_file or secrets.environment.get(SECRET):
        return Auth.SECRET
    if secrets.environment.get(WORKLOAD_FILE):
        return Auth.FEDERATED
    raise UsageError(NONE)


def source_of(connection: Connection, scope: str, secrets: Secrets) -> Source:
    """Where the tokens of a connection for one service come from. Blocking: it may read files, and ask a
    person for a passphrase.

    scope: see wire.hosts.scope. Raises UsageError where something is not given, SignInError where what is
    given cannot be used.
    """
    auth = way(connection, secrets)
    if secrets.token is not None:
        return CalledToken(secrets.token, scope)
    if auth is Auth.TOKEN:
        return _ready(connection, secrets)
    if auth in (Auth.DEVICE_CODE, Auth.BROWSER):
        from bulkexo.net.identity.people import People  # noqa: PLC0415 (one way of several)

        return People(connection, auth, scope, secrets)
    if auth is Auth.MANAGED_IDENTITY:
        from bulkexo.net.identity.managed import ManagedIdentity  # noqa: PLC0415

        return ManagedIdentity(connection.client_id, scope.removesuffix("/.default"))
    if auth is Auth.FEDERATED:
        connection = _with_workload(connection, secrets)
    return _app(connection, auth, scope, secrets)


def _ready(connection: Connection, secrets: Secrets) -> Source:
    if connection.token_file is not None:
        return FileToken(connection.token_file)
    if token := secrets.environment.get(TOKEN):
        return FixedToken(token.strip())
    raise UsageError(f"--auth token needs a token: put it in {TOKEN}, or name its file with --token-file.")


def _with_workload(connection: Connection, secrets: Secrets) -> Connection:
    file = secrets.environment.get(WORKLOAD_FILE)
    return replace(
        connection,
        tenant=connection.tenant or secrets.environment.get(WORKLOAD_TENANT),
        client_id=connection.client_id or secrets.environment.get(WORKLOAD_CLIENT),
        federated_token_file=connection.federated_token_file or (Path(file) if file else None),
    )


def _app(connection: Connection, auth: Auth, scope: str, secrets: Secrets) -> Source:
    from bulkexo.net.identity.apps import App  # noqa: PLC0415 (one way of several)

    credential, name = _credential(connection, auth, secrets)
    wanted = {"--tenant": connection.tenant, "--client-id": connection.client_id, name: credential}
    missing = [option for option, given in wanted.items() if not given]
    if credential is None or not connection.tenant or not connection.client_id:
        raise UsageError(f"To sign in with the app's {auth.value}, give {' and '.join(missing)}.")
    credential()  # what cannot be used is told before anything else happens, and a passphrase asked for
    return App(
        authority=connection.authority,
        tenant=connection.tenant,
        client_id=connection.client_id,
        credential=credential,
        scope=scope,
        ca_file=connection.ca_file,
    )


def _credential(
    connection: Connection, auth: Auth, secrets: Secrets
) -> tuple[Callable[[], Credential] | None, str]:
    """What reads the credential, None where it is not given; and how it is given."""
    from bulkexo.net.identity.apps import assertion, secret  # noqa: PLC0415

    if auth is Auth.CERTIFICATE:
        from bulkexo.net.identity.certificate import Certificate  # noqa: PLC0415

        file, passphrase = connection.certificate, connection.certificate_passphrase_file
        if file is None:
            return None, "--certificate"
        opened = Certificate(
            file,
            lambda: secrets.given(PASSPHRASE, passphrase, "a passphrase"),
            secrets.ask,
        )
        return opened.credential, "--certificate"
    if auth is Auth.FEDERATED:
        path = connection.federated_token_file
        return (assertion(path) if path else None), "--federated-token-file"
    given = secrets.given(SECRET, connection.client_secret_file, "a client secret")
    if not given:
        return None, f"{SECRET} in the environment or --client-secret-file"
    return secret(lambda: secrets.given(SECRET, connection.client_secret_file, "a client secret")), SECRET
