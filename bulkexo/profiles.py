"""Profiles: tenants by name, each with how it is reached and who signs in, from `bulkexo.toml`.

    [profiles.contoso]
    tenant = "contoso.onmicrosoft.com"
    client-id = "00000000-0000-0000-0000-000000000000"
    certificate = "contoso.pfx"
    rate = 20

Two files are read. The project's is the nearest `bulkexo.toml`, from the current folder upwards to the home
folder, or to the root where the current folder lies elsewhere: what is above everybody's home is nobody's
project. The user's lies in the user's configuration folder. Of two profiles of one name the project's holds,
as a whole. No secret stands in either: secrets come from variables of the profile's name, or from files.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from bulkexo.facts.catalogue import nearest
from bulkexo.model import JobError, Problem, UsageError
from bulkexo.options import ENVIRONMENT, IN_PROFILES, TABLE, Layer

FILE = "bulkexo.toml"
SECRETS = ("CLIENT_SECRET", "CERTIFICATE_PASSPHRASE", "TOKEN")
"""What the environment may hold of an identity, for all (`BULKEXO_TOKEN`) or for a profile
(`BULKEXO_CONTOSO_TOKEN`)."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SECRET_KEY = re.compile(r"(secret|passphrase|password|token|assertion|key)(?!.*_file$)")
LIMIT = 4 << 20
"""Bytes of a file; a larger one is no list of profiles."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. values: options by name, as they stand there. file: where; paths start from its folder."""

    name: str
    values: Mapping[str, Any]
    file: Path

    @property
    def tenant(self) -> str | None:
        """Its tenant, None for one that serves several."""
        tenant = self.values.get("tenant")
        return None if tenant is None else str(tenant).strip().lower()

    @property
    def layer(self) -> Layer:
        """What it says, as a layer of options."""
        return Layer(self.values, self.where, self.file.parent)

    @property
    def prefix(self) -> str:
        """What its variables begin with: `BULKEXO_CONTOSO_`."""
        return ENVIRONMENT + re.sub(r"[.-]", "_", self.name).upper() + "_"

    def where(self, option: str) -> str:
        """Where an option of it stands, as messages write it."""
        return f"{self.file}, profile {self.name}, {option.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles, by name in lower case. files: those looked at, with the number of profiles, None where
    there is no such file."""

    by_name: Mapping[str, Profile]
    files: tuple[tuple[Path, int | None], ...]

    def find(self, name: str) -> Profile | None:
        """The profile of this name, in any case."""
        return self.by_name.get(name.strip().lower())

    def get(self, name: str) -> Profile:
        """The profile of this name. Raises UsageError that tells where it was looked for."""
        if profile := self.find(name):
            return profile
        raise UsageError(
            f"There is no profile {name!r}. {self.hint(name)}{self.looked()} Name one of these, or "
            "write it there."
        )

    def hint(self, name: str) -> str:
        """The name that may be meant, as the start of a sentence; "" where none is like it."""
        like = nearest(name, (profile.name for profile in self.by_name.values()))
        return f"Did you mean {like}? " if like else ""

    def of_tenant(self, tenant: str) -> list[Profile]:
        """Those for this tenant, as they name it."""
        return [profile for profile in self.by_name.values() if profile.tenant == tenant]

    def looked(self) -> str:
        """The files that were looked at, as a sentence."""
        told = (
            f"{path} ({'not there' if count is None else f'{count:,} profiles'})"
            for path, count in self.files
        )
        return f"Profiles were looked for in {' and '.join(told)}."


def read_profiles(folder: Path, user_file: Path | None = None) -> Profiles:
    """The profiles that hold in a folder. user_file: instead of the user's own.

    Raises JobError with all that is wrong in the files, UsageError for a file that cannot be read.
    """
    own = user_file or user_config_path("bulkexo", appauthor=False) / FILE
    try:
        folder = folder.absolute()
    except OSError as error:  # somebody has deleted it
        raise UsageError(
            f"The current folder cannot be found ({error.strerror}). Go to one that exists."
        ) from None
    project = _project_file(folder)
    by_name: dict[str, Profile] = {}
    files: list[tuple[Path, int | None]] = []
    problems: list[Problem] = []
    for path in (own, project or folder / FILE):
        found = _read(path, problems)
        files.append((path, None if found is None else len(found)))
        by_name |= {profile.name.lower(): profile for profile in found or ()}
    problems += [problem for problem in _sharing(by_name.values()) if problem not in problems]
    if problems:
        raise JobError(problems[:20], len(problems))
    return Profiles(by_name, tuple(reversed(files)))


def read_file(file: Path) -> dict[str, Profile]:
    """The profiles of this very file, by name in lower case; none if it is gone. Raises as read_profiles."""
    problems: list[Problem] = []
    found = _read(file, problems) or []
    if problems:
        raise JobError(problems[:20], len(problems))
    return {profile.name.lower(): profile for profile in found}


def _sharing(profiles: Iterable[Profile]) -> Iterator[Problem]:
    """Names that would take each other's secrets."""
    names: dict[str, str] = {}
    for profile in profiles:
        other = names.setdefault(profile.prefix, profile.name)
        if other != profile.name:
            what = f"The profiles {other} and {profile.name} would share the variables {profile.prefix}…."
            yield Problem(str(profile.file), what, "Give one of them another name.")


def _project_file(folder: Path) -> Path | None:
    """The nearest file, from the folder upwards. Raises UsageError for one of somebody else's above it: it
    could send our secrets to a sign-in service of its own."""
    try:
        home = Path.home()
    except RuntimeError:  # of an account that has none
        home = None
    for place in (folder, *folder.parents):
        file = place / FILE
        if os.path.isfile(file):  # noqa: PTH113 (a folder above that may not be looked into has none)
            if place != folder and _foreign(file):
                raise UsageError(
                    f"{file} belongs to another user, so its profiles are not trusted from a folder below. "
                    f"Start bulkexo in {place} itself, or put a {FILE} of your own nearer."
                )
            return file
        if place == home:
            return None
    return None


def _foreign(file: Path) -> bool:
    """Whether it is another's, who is not the administrator; where that can be asked (POSIX)."""
    return os.name == "posix" and file.stat().st_uid not in (0, os.getuid())


def _read(path: Path, problems: list[Problem]) -> list[Profile] | None:
    """The profiles of one file, None if it is not there; what is wrong in it is told."""
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}). Check who may read it.") from None
    if len(raw) > LIMIT:
        raise UsageError(f"{path} is larger than {LIMIT >> 20} MB: it is no file of profiles. Move it away.")
    document = _parse(path, raw, problems)
    for key in document:
        if key != "profiles":
            _unknown(problems, str(path), key, ("profiles",))
    tables = document.get("profiles", {})
    if not isinstance(tables, dict):
        problems.append(Problem(str(path), "profiles is no table.", "Write [profiles.contoso]."))
        return []
    found = [_profile(path, name, table, problems) for name, table in tables.items()]
    problems += _sharing(found)
    return found


def _parse(path: Path, raw: bytes, problems: list[Problem]) -> dict[str, Any]:

    import tomllib  # noqa: PLC0415 (where there is such a file)

    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
        return tomllib.loads(text.replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        what = "There are bytes here that are not UTF-8."
        problems.append(Problem(f"{path}, line {line}", what, "Save the file as UTF-8."))
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax(path, str(error), text))
    except RecursionError:
        problems.append(Problem(str(path), "Its tables go too deep.", "Write [profiles.contoso]."))
    return {}


def _syntax(path: Path, said: str, text: str) -> Problem:
    """An error of tomllib, whose words end with `(at line 3, column 5)` or `(at end of document)`."""
    words, _, place = said.partition(" (at ")
    found = re.match(r"line (\d+), column (\d+)", place)
    number = int(found[1]) if found else text.count("\n") + 1
    lines = text.splitlines()
    remedy = "Check the quotes, the brackets and the = there."
    if 0 < number <= len(lines) and "\\" in lines[number - 1]:
        remedy = r"Write a Windows path in single quotes: certificate = 'C:\certs\contoso.pfx'."
    return Problem(f"{path}, line {number}", f"This is no TOML: {words}.", remedy)


def _profile(path: Path, name: str, table: Any, problems: list[Problem]) -> Profile:
    where = f"{path}, profile {name[:100]}"
    values: dict[str, Any] = {}
    if not NAME.fullmatch(name):
        what = "The name of a profile has letters, digits, dots, - and _, for its variables are made of it."
        problems.append(Problem(where, what, "Give it another name."))
    if not isinstance(table, dict):
        problems.append(Problem(where, "This is no table.", f"Write [profiles.{name}] and its keys below."))
        return Profile(name, values, path)
    profile = Profile(name, values, path)
    for key, value in table.items():
        option = key.replace("-", "_").lower()
        if option in values:
            problems.append(Problem(where, f"The key {key} is given twice.", "Keep one of the two."))
        elif option in IN_PROFILES:
            values[option] = value
        elif SECRET_KEY.search(option):
            problems.append(_secret(profile, where, key, option))
        else:
            _unknown(problems, where, key, [each.replace("_", "-") for each in sorted(IN_PROFILES)])
    problems += _misfits(profile)
    return profile


def _secret(profile: Profile, where: str, key: str, option: str) -> Problem:
    """What to do about a secret in the file; its value is not repeated."""
    suffix = next((each for each in SECRETS if each.lower() == option), SECRETS[0])
    return Problem(
        where,
        f"{key[:60]} is a secret, and secrets do not belong in this file.",
        f"Put it into the environment as {profile.prefix}{suffix}, or into a file that "
        f"{suffix.lower().replace('_', '-')}-file names.",
    )


def _unknown(problems: list[Problem], where: str, key: str, known: list[str] | tuple[str, ...]) -> None:
    like = nearest(key, known)
    remedy = f"Did you mean {like}?" if like else f"Known are {', '.join(known)}."
    problems.append(Problem(where, f"There is no key {key[:60]!r}.", remedy))


def _misfits(profile: Profile) -> Iterator[Problem]:
    for spec in TABLE:
        if spec.name in profile.values:
            try:
                spec.parse(profile.values[spec.name])
            except ValueError as error:
                yield Problem(profile.where(spec.name), "The value does not fit.", str(error))
