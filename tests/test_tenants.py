"""Which profile a tenant of a run has, whose options hold for it, and whose secrets it may see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bulkexo.model import UsageError
from bulkexo.options import Layer
from bulkexo.tenants import Directory, Tenant, Words, record

TOML = """
[profiles.contoso]
tenant = "contoso.onmicrosoft.com"
client-id = "app-contoso"
certificate = "contoso.pfx"
rate = 20

[profiles.fabrikam]
tenant = "fabrikam.onmicrosoft.com"
client-id = "app-fabrikam"
cloud = "gcc-high"
ca-file = "fabrikam.pem"

[profiles.reader]
tenant = "contoso.onmicrosoft.com"
client-id = "app-reader"

[profiles.plain]
tenant = "plain.onmicrosoft.com"
concurrency = 3

[profiles.partner]
client-id = "app-partner"
"""
PLAIN = {"BULKEXO_CLIENT_SECRET": "plain-secret", "BULKEXO_TOKEN": "plain-token"}
SECRET, TOKEN = "BULKEXO_CLIENT_SECRET", "BULKEXO_TOKEN"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with profiles, and no others."""
    (tmp_path / "bulkexo.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.setattr("bulkexo.profiles.user_config_path", lambda *_, **__: tmp_path / "nobody")
    return tmp_path


def look(
    folder: Path,
    command_line: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    document: Mapping[str, Any] | None = None,
    *,
    several: bool = False,
    recorded: Mapping[str, Any] | None = None,
) -> Directory:
    where = Layer(document or {}, lambda name: f"job.yaml, {name}")
    words = Words(command_line or {}, environment or {}, where, environment or {})
    return Directory.look(words, folder, names_tenants=several, recorded=recorded)


def one(found: Directory) -> Tenant:
    (tenant,) = found.tenants([])
    return tenant


def secrets(tenant: Tenant) -> dict[str, str]:
    return {name: value for name, value in tenant.variables.items() if name in (SECRET, TOKEN)}


@pytest.mark.parametrize(
    ("command_line", "environment", "document"),
    [
        ({"profile": "contoso"}, {"BULKEXO_PROFILE": "fabrikam"}, {"profile": "reader"}),
        ({}, {"BULKEXO_PROFILE": "Contoso"}, {"profile": "reader"}),
        ({}, {}, {"profile": "contoso"}),
    ],
)
def test_the_profile_is_named_as_any_option(
    project: Path, command_line: dict[str, str], environment: dict[str, str], document: dict[str, str]
) -> None:
    tenant = one(look(project, command_line, environment, document))
    assert tenant.options.tenant == "contoso.onmicrosoft.com"
    assert tenant.options.client_id == "app-contoso"
    assert tenant.options.certificate == project / "contoso.pfx"
    assert tenant.options.rate == 20.0


def test_without_a_profile_no_file_is_read(project: Path) -> None:
    (project / "bulkexo.toml").write_text("broken", encoding="utf-8")
    assert one(look(project, {"tenant": "a.com"})).options.tenant == "a.com"


@pytest.mark.parametrize(
    ("command_line", "environment", "document", "place"),
    [
        ({"tenant": "other.com"}, {}, {}, "--tenant"),
        ({}, {"BULKEXO_TENANT": "other.com"}, {}, "BULKEXO_TENANT"),
        ({}, {}, {"tenant": "other.com"}, "job.yaml, tenant"),
    ],
)
def test_another_tenant_than_the_profiles_is_refused(
    project: Path,
    command_line: dict[str, str],
    environment: dict[str, str],
    document: dict[str, str],
    place: str,
) -> None:
    with pytest.raises(UsageError) as caught:
        look(project, {**command_line, "profile": "contoso"}, environment, document)
    assert str(caught.value) == (
        f"The profile contoso is for contoso.onmicrosoft.com, and {place} says other.com. Nothing was sent. "
        "Take one of the two away; if both are the same tenant, write it the same way."
    )


def test_the_profile_that_is_meant_is_told_and_the_same_tenant_is_no_other(project: Path) -> None:
    with pytest.raises(UsageError, match="Give --profile fabrikam"):
        look(project, {"profile": "contoso", "tenant": "Fabrikam.onmicrosoft.com"})
    found = look(project, {"profile": "contoso", "tenant": "Contoso.onmicrosoft.com"})
    assert one(found).options.client_id == "app-contoso"


def test_a_profile_without_a_tenant_serves_any(project: Path) -> None:
    found = look(project, {"profile": "partner"}, several=True)
    tenants = found.tenants(["one.com", "two.com"])
    assert [each.options.tenant for each in tenants] == ["one.com", "two.com"]
    assert {each.options.client_id for each in tenants} == {"app-partner"}


def test_rows_name_profiles_tenants_with_a_profile_and_tenants_without(project: Path) -> None:
    base = {"client_id": "app-base", "rate": "5", "cloud": "china"}
    found = look(project, base, several=True)
    contoso, fabrikam, plain, other = found.tenants(
        ["contoso", "fabrikam.onmicrosoft.com", "plain", "other.com"]
    )
    assert [each.profile and each.profile.name for each in (contoso, fabrikam, plain, other)] == [
        "contoso",
        "fabrikam",
        "plain",
        None,
    ]
    assert [each.options.client_id for each in (contoso, fabrikam, plain, other)] == [
        "app-contoso",
        "app-fabrikam",
        "app-base",
        "app-base",
    ]
    assert contoso.options.certificate == project / "contoso.pfx"
    assert (fabrikam.options.certificate, fabrikam.options.ca_file) == (None, project / "fabrikam.pem")
    assert [each.options.cloud for each in (contoso, fabrikam)] == ["china", "gcc-high"]
    assert {each.options.rate for each in (contoso, fabrikam, plain, other)} == {5.0}
    assert plain.options.concurrency == 3
    assert [each.options.tenant for each in (contoso, other)] == ["contoso.onmicrosoft.com", "other.com"]


def test_who_signs_in_is_said_by_the_profile_as_a_whole(project: Path) -> None:
    outside = {"BULKEXO_AUTH": "managed-identity", "BULKEXO_TOKEN_FILE": "token", "BULKEXO_CLIENT_ID": "x"}
    fabrikam, _ = look(project, {}, outside, several=True).tenants(["fabrikam", "other.com"])
    assert (fabrikam.options.auth, fabrikam.options.token_file) == (None, None)
    assert fabrikam.options.client_id == "app-fabrikam"


def test_several_profiles_of_a_tenant_have_to_be_told_apart(project: Path) -> None:
    with pytest.raises(
        UsageError, match=r"Several profiles are for contoso.onmicrosoft.com: contoso, reader"
    ):
        look(project, several=True).tenants(["contoso.onmicrosoft.com"])
    found = look(project, {"profile": "reader"}, several=True)
    assert found.tenants(["contoso.onmicrosoft.com"])[0].options.client_id == "app-reader"


@pytest.mark.parametrize(
    ("profile", "names", "said"),
    [
        (
            "contoso",
            ["other.com"],
            "The profile contoso is for contoso.onmicrosoft.com, and the job names other",
        ),
        (None, ["partner"], "has no tenant"),
        (None, ["fabrikam", "fabrikam.onmicrosoft.com"], "are one tenant by one profile"),
    ],
)
def test_names_that_cannot_be(project: Path, profile: str | None, names: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        look(project, {"profile": profile}, several=True).tenants(names)


def test_a_tenant_under_two_profiles_is_two_apart(project: Path) -> None:
    writer, reader = look(project, several=True).tenants(["contoso", "reader"])
    assert writer.options.tenant == reader.options.tenant
    assert writer.options.client_id != reader.options.client_id


# secrets in the environment, how the run is told of contoso, what its sign-in sees
SEEN: list[tuple[dict[str, str], dict[str, str], list[str], dict[str, str]]] = [
    ({**PLAIN}, {"profile": "contoso"}, [], {**PLAIN}),
    (
        {**PLAIN, "BULKEXO_CONTOSO_CLIENT_SECRET": "Sesam-own"},
        {"profile": "contoso"},
        [],
        {SECRET: "Sesam-own"},
    ),
    ({**PLAIN, "BULKEXO_CONTOSO_TOKEN": "Sesam-own"}, {"profile": "contoso"}, [], {TOKEN: "Sesam-own"}),
    ({**PLAIN, "BULKEXO_CONTOSO_CLIENT_SECRET": ""}, {"profile": "contoso"}, [], {**PLAIN}),
    ({**PLAIN, "BULKEXO_FABRIKAM_CLIENT_SECRET": "Sesam-other"}, {"profile": "contoso"}, [], {**PLAIN}),
    (
        {**PLAIN, "BULKEXO_CONTOSO_CLIENT_SECRET": "Sesam-own"},
        {"profile": "contoso", "client_id": "another app"},
        [],
        {**PLAIN},
    ),
    ({**PLAIN}, {}, ["contoso"], {**PLAIN}),
    ({**PLAIN}, {}, ["contoso", "fabrikam"], {}),
    ({**PLAIN}, {"client_id": "app-base"}, ["contoso", "fabrikam"], {}),
    ({**PLAIN}, {"client_id": "app-contoso"}, ["contoso", "fabrikam"], {**PLAIN}),
    ({**PLAIN, "BULKEXO_FABRIKAM_TOKEN": "Sesam-other"}, {}, ["contoso", "fabrikam"], {}),
    (
        {
            **PLAIN,
            "BULKEXO_CONTOSO_CLIENT_SECRET": "Sesam-own",
            "BULKEXO_FABRIKAM_CLIENT_SECRET": "Sesam-other",
        },
        {},
        ["contoso", "fabrikam"],
        {SECRET: "Sesam-own"},
    ),
    ({**PLAIN}, {}, ["plain", "fabrikam"], {**PLAIN}),
    ({**PLAIN}, {}, ["other.com", "fabrikam"], {**PLAIN}),
]


@pytest.mark.parametrize(("environment", "command_line", "names", "seen"), SEEN)
def test_a_secret_is_seen_by_whom_it_is_for_alone(
    project: Path,
    environment: dict[str, str],
    command_line: dict[str, str],
    names: list[str],
    seen: dict[str, str],
) -> None:
    first = look(project, command_line, environment, several=bool(names)).tenants(names)[0]
    assert secrets(first) == seen
    assert not any(value in repr(first) for value in environment.values() if value)


def test_a_run_that_goes_on_reads_its_profiles_anew_from_where_they_were(project: Path) -> None:
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()
    before = record(look(project, {"profile": "contoso"}).tenants([]))
    assert before == {"contoso": {"tenant": "contoso.onmicrosoft.com", "file": str(project / "bulkexo.toml")}}
    (elsewhere / "bulkexo.toml").write_text('[profiles.contoso]\ntenant = "x.com"\n', encoding="utf-8")
    (project / "bulkexo.toml").write_text(TOML.replace("app-contoso", "new-app"), encoding="utf-8")
    found = look(elsewhere, {"profile": "contoso"}, recorded=before)
    assert one(found).options.client_id == "new-app"


def test_a_run_that_goes_on_does_not_change_its_tenant(project: Path) -> None:
    before = record(look(project, {"profile": "contoso"}).tenants([]))
    assert one(look(project, {"profile": "reader"}, recorded=before)).options.client_id == "app-reader"
    with pytest.raises(UsageError, match=r"fabrikam.*began with contoso.onmicrosoft.com. Nothing was sent"):
        look(project, {"profile": "fabrikam"}, recorded=before)
    (project / "bulkexo.toml").write_text(TOML.replace("contoso.onm", "contoso2.onm"), encoding="utf-8")
    for several in (True, False):
        with pytest.raises(
            UsageError, match=r"is for contoso2.onmicrosoft.com, and the run began with contoso."
        ):
            look(project, {"profile": "contoso"}, recorded=before, several=several)


def test_a_profile_that_is_gone_is_told(project: Path) -> None:
    before = record(look(project, several=True).tenants(["contoso", "fabrikam"]))
    (project / "bulkexo.toml").unlink()
    with pytest.raises(UsageError, match=r"There is no profile 'contoso'.*not there"):
        look(project, recorded=before, several=True)
