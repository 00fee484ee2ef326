"""What a client is told: the options of a run by their names, and the secrets that a program may give."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypedDict

from bulkexo.connection import Auth
from bulkexo.model import JobError, SignInError, UsageError
from bulkexo.net.identity import PASSPHRASE, SECRET, TOKEN, Identity, Secrets, TokenCall
from bulkexo.options import Options
from bulkexo.tenants import Directory, Tenant, Words

LOG: Final = logging.getLogger("bulkexo")


class ClientOptions(TypedDict, total=False):
    """The options of a Client: those of `bulkexo run --help` that make sense in a program, by the same names.

    Beyond these: `client_secret`, `certificate_passphrase`; `token`, a token or what gets one (called with
    the scope, in a thread; may be async); `tell`, called with what a person should know, which else goes to
    the logger "bulkexo".
    """

    tenant: str
    cloud: str
    endpoint: str
    compliance_endpoint: str
    authority: str
    ca_file: str | os.PathLike[str]
    auth: str
    account: str
    client_id: str
    certificate: str | os.PathLike[str]
    certificate_passphrase_file: str | os.PathLike[str]
    client_secret_file: str | os.PathLike[str]
    federated_token_file: str | os.PathLike[str]
    token_file: str | os.PathLike[str]
    rate: float
    concurrency: int
    batch_size: int
    timeout: float
    retries: int
    order: Literal["identity", "none", "file"]
    on_unknown: Literal["skip", "resend"]
    offline: str | float
    give_up_after: str | float
    drain: str | float
    strict: bool
    raw: bool
    response_format: Literal["json", "clixml"]
    skip_unchanged: bool
    keep_before: bool
    max_failures: str | int
    yes: bool
    sandbox: bool
    sandbox_options: str
    client_secret: str
    certificate_passphrase: str
    token: str | TokenCall
    tell: Callable[[str], None]


OWN: Final = frozenset({"client_secret", "certificate_passphrase", "token", "tell"})
"""Those that are no options of a run."""
NAMES: Final = ClientOptions.__optional_keys__


@dataclass(frozen=True, slots=True)
class Setup:
    """A client ready to be started. words: as for run.json. tenant: its options, and its secrets. identity:
    who signs in. tell: whom to tell what."""

    words: Words
    tenant: Tenant
    identity: Identity
    tell: Callable[[str], None]

    @property
    def options(self) -> Options:
        """As they hold."""
        return self.tenant.options


def setup(given: Mapping[str, Any], environment: Mapping[str, str], profile: str = "") -> Setup:
    """What these options come to. environment: BULKEXO_* of it count as well, after `given`. profile: of
    bulkexo.toml, as `--profile`. Raises TypeError for a name that is no option, and UsageError."""
    if strange := sorted(given.keys() - NAMES):
        raise TypeError(f"A client has no option {strange[0]!r}. It has {', '.join(sorted(NAMES))}.")
    plain = {name: _plain(value) for name, value in given.items() if name not in OWN}
    words = Words({**plain, **({"profile": profile} if profile else {})}, environment, variables=environment)
    try:
        directory = Directory.look(words, Path(), names_tenants=False)
        (tenant,) = directory.tenants([])
    except JobError as error:
        raise UsageError(str(error)) from None
    options = tenant.options
    if options.on_unknown == "ask":
        raise UsageError("Give on_unknown as skip or resend in a program: nobody is there to be asked.")
    tell = given.get("tell") or LOG.warning
    by_person = options.auth in (Auth.DEVICE_CODE, Auth.BROWSER)
    secrets = Secrets(
        {**tenant.variables, **_secrets(given)},
        _Told(tell) if by_person else None,
        token=given["token"] if callable(given.get("token")) else None,
    )
    return Setup(words, tenant, Identity(options.connection, secrets), tell)


def _plain(value: Any) -> Any:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _secrets(given: Mapping[str, Any]) -> dict[str, str]:
    """Secrets that the program gives, by the names under which the environment would have them."""
    names = {"client_secret": SECRET, "certificate_passphrase": PASSPHRASE, "token": TOKEN}
    return {variable: given[name] for name, variable in names.items() if isinstance(given.get(name), str)}


@dataclass(frozen=True, slots=True)
class _Told:
    """A person who can be told where to sign in, and asked nothing."""

    tell_them: Callable[[str], None] = field(repr=False)

    def tell(self, text: str) -> None:
        """Tell them."""
        self.tell_them(text)

    def ask(self, question: str) -> str:
        """Nobody answers a program."""
        raise SignInError(f"{question.rstrip(': ')}: a program is asked nothing. Give it to the Client.")
