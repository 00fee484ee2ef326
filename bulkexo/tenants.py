"""The tenants of a run before it starts: which profile each has, its options, and its own secrets.

A row can name a profile, or a tenant: then the one profile of that tenant is taken, and without one the
options of the run. Among several tenants a profile's own word on who signs in, and on where, stands before
every other, as a whole: what is said elsewhere is for the tenants that have no profile. The rest (rate and so
on) keeps its order: command line, environment, YAML, profile, default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bulkexo.model import UsageError
from bulkexo.options import ENVIRONMENT, IDENTITY, PLACE, Layer, Options, resolve, said, stated
from bulkexo.profiles import SECRETS, Profile, Profiles, read_file, read_profiles


@dataclass(frozen=True, slots=True)
class Words:
    """What was said of a run, and where: the layers of its options but the profile. variables: the whole
    environment, where secrets may be; environment: where options may be."""

    command_line: Mapping[str, Any]
    environment: Mapping[str, str]
    document: Layer = field(default_factory=lambda: Layer({}))
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def options(self, profile: Profile | None = None) -> Options:
        """The options in force. Raises JobError."""
        document = self.document
        layer = profile.layer if profile else None
        return resolve(
            self.command_line, self.environment, document.values, document.where, document.base, layer
        )

    def stated(self) -> dict[str, Any]:
        """The options for run.json: see options.stated."""
        return stated(self.command_line, self.environment, self.document.values, self.document.base)

    def said(self, name: str) -> tuple[str, str]:
        """What was said of an option, and where; "" where nothing was."""
        value, place = said(name, self.command_line, self.environment, self.document)
        return ("" if value is None else str(value).strip()), place

    def without(self, names: Collection[str]) -> Words:
        """The same, but nothing of these options."""
        variables = {ENVIRONMENT + name.upper() for name in names}
        kept = {name: value for name, value in self.document.values.items() if name not in names}
        return Words(
            {name: value for name, value in self.command_line.items() if name not in names},
            {name: value for name, value in self.environment.items() if name not in variables},
            replace(self.document, values=kept),
            self.variables,
        )


@dataclass(frozen=True, slots=True)
class Tenant:
    """One tenant of a run. name: as its rows name it, "" for the only one of a job that names none.
    options: as they hold for it. variables: the environment, as those who sign in to it may see it."""

    name: str
    options: Options
    profile: Profile | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known of profiles where a run starts. profile: the one of `--profile`. Make it by `look`."""

    words: Words
    profiles: Profiles
    profile: Profile | None
    options: Options

    @classmethod
    def look(
        cls, words: Words, folder: Path, *, names_tenants: bool, recorded: Mapping[str, Any] | None = None
    ) -> Directory:
        """Read the profiles, if the run can have any. recorded: `record` of the run that is gone on with.

        Raises UsageError or JobError for a profile that cannot be, and for one of another tenant.
        """
        name, _ = words.said("profile")
        if not name and not names_tenants:
            return cls(words, Profiles({}, ()), None, words.options())
        recorded = recorded or {}
        profiles = _as_before(read_profiles(folder), recorded)
        profile = profiles.get(name) if name else None
        if profile is not None and not names_tenants:
            for entry in recorded.values():
                _require_as_before(profile, entry)
        found = cls(words, profiles, profile, words.options(profile))
        if profile is not None:
            found._require_same_tenant(profile)
        return found

    def tenants(self, names: Sequence[str]) -> list[Tenant]:
        """The tenants of these names, or the only one. Raises UsageError where one cannot be told."""
        if not names:
            return [Tenant("", self.options, self.profile, self._variables(self.profile, self.options))]
        found = [self._tenant(name, alone=len(names) == 1) for name in names]
        same: dict[tuple[str | None, str], str] = {}
        for tenant in found:
            known = (tenant.options.tenant, tenant.profile.name if tenant.profile else "")
            other = same.setdefault(known, tenant.name)
            if other != tenant.name:
                raise UsageError(
                    f"{other} and {tenant.name} are one tenant by one profile. Name it one way in all rows, "
                    "so that it has one pace and the rows of one mailbox keep their order."
                )
        return found

    def _tenant(self, name: str, *, alone: bool) -> Tenant:
        profile = self.profiles.find(name) or self._of_tenant(name)
        if profile is None:
            own = self.profile.tenant if self.profile else None
            if self.profile is not None and own not in (None, name):
                raise UsageError(
                    f"The profile {self.profile.name} is for {own}, and the job names {name}, which has no "
                    "profile. Write one for it, or give a --profile without a tenant."
                )
            options = replace(self.options, tenant=name)
            return Tenant(name, options, self.profile, self._variables(self.profile, options))
        if profile.tenant is None:
            raise UsageError(
                f"The job names {name}, and that profile ({profile.file}) has no tenant. Give it one, or "
                "name the tenant itself in the job and this profile with --profile."
            )
        values = profile.values
        groups = ({"tenant"}, {"ca_file"}, IDENTITY, PLACE)
        own_words = self.words.without({each for group in groups if values.keys() & group for each in group})
        options = own_words.options(profile)
        app = options.client_id
        shared = not values.keys() & IDENTITY or (app is not None and app == self.options.client_id)
        return Tenant(name, options, profile, self._variables(profile, options, plain=alone or shared))

    def _of_tenant(self, name: str) -> Profile | None:
        """The profile for a tenant that is named itself."""
        found = self.profiles.of_tenant(name)
        if self.profile in found:
            return self.profile
        if len(found) > 1:
            names = ", ".join(sorted(profile.name for profile in found))
            raise UsageError(
                f"Several profiles are for {name}: {names}. Write the name of the one that is meant in the "
                "job, or give it with --profile."
            )
        return found[0] if found else None

    def _require_same_tenant(self, profile: Profile) -> None:
        tenant, place = self.words.said("tenant")
        if tenant and profile.tenant not in (None, tenant.lower()):
            others = [other.name for other in self.profiles.of_tenant(tenant.lower())]
            remedy = f"Give --profile {others[0]}" if others else "Take one of the two away"
            raise UsageError(
                f"The profile {profile.name} is for {profile.tenant}, and {place} says {tenant}. Nothing was "
                f"sent. {remedy}; if both are the same tenant, write it the same way."
            )

    def _variables(self, profile: Profile | None, options: Options, *, plain: bool = True) -> dict[str, str]:
        """The environment with the secrets of a profile in the place of the plain ones, which serve only
        where it has none of its own and they may be for its app (`plain`). Those of a profile are for its
        own app, and not for another that the command line names."""
        environment = self.words.variables
        if profile is None:
            return dict(environment)
        kept = {name: value for name, value in environment.items() if name not in PLAIN}
        if profile.values.get("client_id") in (None, options.client_id):
            own = {ENVIRONMENT + each: environment.get(profile.prefix + each, "") for each in SECRETS}
            if any(own.values()):
                return kept | {name: value for name, value in own.items() if value}
        return dict(environment) if plain else kept


def record(tenants: Sequence[Tenant]) -> dict[str, dict[str, Any]]:
    """The profiles of a run for run.json, by name: their tenant and their file, and not what is in them."""
    profiles = {tenant.profile.name: tenant.profile for tenant in tenants if tenant.profile}
    return {
        name: {"tenant": profile.tenant, "file": str(profile.file.absolute())}
        for name, profile in profiles.items()
    }


PLAIN = frozenset(ENVIRONMENT + each for each in SECRETS)
"""Variables whose secrets are for the app of the plain options."""


def _as_before(profiles: Profiles, recorded: Mapping[str, Any]) -> Profiles:
    """The same, with those of an earlier run from the files where it found them, as they are there now.
    Raises UsageError for one whose tenant is another now."""
    by_name = dict(profiles.by_name)
    files = {file: read_file(Path(file)) for file in {entry["file"] for entry in recorded.values()}}
    for name, entry in recorded.items():
        profile = files[entry["file"]].get(name.lower()) or profiles.get(name)
        _require_as_before(profile, entry)
        by_name[name.lower()] = profile
    return replace(profiles, by_name=by_name)


def _require_as_before(profile: Profile, entry: Mapping[str, Any]) -> None:
    if profile.tenant != entry["tenant"]:
        raise UsageError(
            f"The profile {profile.name} in {profile.file} is for {profile.tenant or 'no one tenant'}, and "
            f"the run began with {entry['tenant'] or 'none'}. Nothing was sent. Put back what it was, or run "
            "the job anew."
        )
