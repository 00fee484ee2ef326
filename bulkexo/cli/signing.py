"""Who signs in to each tenant of a run, by its profile or by the options of all; or in the sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from bulkexo.cli.terminal import somebody, tell
from bulkexo.connection import Auth
from bulkexo.model import BulkexoError, SignInError, UsageError
from bulkexo.net.identity import Identity, Secrets, way
from bulkexo.options import Options
from bulkexo.profiles import SECRETS
from bulkexo.tenants import Tenant
from bulkexo.wire.hosts import scope

if TYPE_CHECKING:
    from bulkexo.embedded import Tenant as Pretend
    from bulkexo.tenancy import Place


def places(tenants: Sequence[Tenant]) -> list[Place]:
    """The tenants with their identities. What is missing is told, and a person asked, before the run has
    begun. Raises UsageError or SignInError."""
    from bulkexo.tenancy import Place

    person = somebody()
    secrets: dict[str, Secrets] = {}
    found: list[Place] = []
    tokens: set[str] = set()
    for tenant in tenants:
        name = tenant.profile.name if tenant.profile else ""
        first = name not in secrets
        own = secrets.setdefault(name, Secrets(tenant.variables, person))
        place = Place(tenant.name, tenant.options, Identity(tenant.options.connection, own))
        try:
            token = _token(place)
            if (
                first and tenant.options.worker_sign_in != "worker"
            ):  # what is missing is missing for all of it
                place.identity.source(scope(place.identity.connection.endpoint))
        except (UsageError, SignInError) as error:
            raise _of_profile(tenant, error) from None
        if token in tokens:
            raise UsageError(
                f"A token is for one tenant, and the job names {len(tenants)}. Sign in with --client-id and "
                "the certificate or the secret of an app that all of them have consented to."
            )
        tokens |= {token} if token else set()
        found.append(place)
    return found


def _token(place: Place) -> str:
    """The ready-made token that serves a place, "" if none does."""
    connection, secrets = place.identity.connection, place.identity.secrets
    if way(connection, secrets) is not Auth.TOKEN:
        return ""
    return str(connection.token_file or secrets.environment.get("BULKEXO_TOKEN", ""))


def _of_profile(tenant: Tenant, error: BulkexoError) -> BulkexoError:
    if tenant.profile is None:
        return error
    where = ", ".join(tenant.profile.prefix + each for each in SECRETS)
    hint = f" The secrets of this profile are looked for in {where}." if isinstance(error, UsageError) else ""
    return type(error)(f"Profile {tenant.profile.name}: {error}{hint}")


def how(tenant: Tenant) -> str:
    """How a tenant is signed in to, as it can be told without doing it."""
    connection = tenant.options.connection
    try:
        auth = way(connection, Secrets(tenant.variables))
    except UsageError:
        return "no way to sign in"
    by = f"{auth.value} {connection.certificate.name}" if connection.certificate else auth.value
    return f"{by} of the app {connection.client_id}" if connection.client_id else by


def pretend_domains(tenants: Sequence[Tenant]) -> dict[str, str]:
    """The domains that the sandbox serves for tenants by name: their own; for a GUID, one of the name."""
    found = {}
    for tenant in tenants:
        own = tenant.options.tenant or ""
        found[tenant.name] = own.lower() if "." in own else f"{tenant.name}.onmicrosoft.com".replace("_", "-")
    return found


@asynccontextmanager
async def reached(
    options: Options, tenants: Sequence[Tenant], here: Sequence[Place]
) -> AsyncIterator[Sequence[Place]]:
    """The places of a run: `here`, or with --sandbox those of a pretend tenant, which ends with the block."""
    if not options.sandbox:
        yield here
        return
    from bulkexo.embedded import sandbox

    tell("Starting the sandbox, a pretend tenant on this machine …")
    domains = pretend_domains([tenant for tenant in tenants if tenant.name]).values()
    async with sandbox(_with_tenants(options.sandbox_options, domains)) as there:
        yield pretend_places(tenants, there)


def _with_tenants(text: str, domains: Iterable[str]) -> str:
    """The sandbox's options, with the tenants of the job that they do not name themselves."""
    missing = [domain for domain in dict.fromkeys(domains) if domain not in text]
    if missing and "--domain" not in text:
        text += f" --domain {missing.pop(0)}"
    return text + "".join(f" --tenant {domain}" for domain in missing)


def pretend_places(tenants: Sequence[Tenant], there: Pretend) -> list[Place]:
    """The same tenants in the sandbox, where one app serves all."""
    from bulkexo.tenancy import Place

    identity = there.identity
    domains = pretend_domains(tenants)
    return [
        Place(
            tenant.name,
            tenant.options,
            Identity(replace(identity.connection, tenant=domains[tenant.name]), identity.secrets)
            if tenant.name
            else identity,
        )
        for tenant in tenants
    ]
