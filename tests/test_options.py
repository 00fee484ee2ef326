"""Options: command line, then environment, then YAML, then the default; and what is wrong with them."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bulkexo.cli import root
from bulkexo.connection import Auth
from bulkexo.model import JobError, Problem
from bulkexo.options import HEADINGS, NAMES, TABLE, Options, resolve
from bulkexo.says import FailureLimit
from bulkexo.schedule import OnUnknown, Order
from bulkexo.wire.hosts import CLOUDS

# option, text as it stands on the command line or in the environment, what it means, another text
VALUES: list[tuple[str, str, Any, str]] = [
    ("cmdlet", "Set-Mailbox", "Set-Mailbox", "Get-Mailbox"),
    ("set", "A=1", ("A=1",), "B=2"),
    ("select", "Alias,Office", "Alias,Office", "Alias"),
    ("sheet", "Leavers", "Leavers", "Movers"),
    ("out", "runs/x", Path("runs/x"), "runs/y"),
    ("rate", "12.5", 12.5, "3"),
    ("concurrency", "7", 7, "8"),
    ("batch_size", "3", 3, "4"),
    ("retries", "0", 0, "9"),
    ("timeout", "30", 30.0, "60"),
    ("max_failures", "50", FailureLimit(count=50), "2%"),
    ("order", "File", Order.FILE, "none"),
    ("strict", "true", True, "false"),
    ("keep_before", "true", True, "false"),
    ("skip_unchanged", "true", True, "false"),
    ("raw", "true", True, "false"),
    ("response_format", "CliXML", "clixml", "json"),
    ("on_unknown", "Ask", OnUnknown.ASK, "resend"),
    ("drain", "45s", 45.0, "1m"),
    ("offline", "5m", 300.0, "1m"),
    ("give_up_after", "2h", 7200.0, "1m"),
    ("tenant", "contoso.onmicrosoft.com", "contoso.onmicrosoft.com", "fabrikam.onmicrosoft.com"),
    ("tenant_column", "Tenant", "Tenant", "Customer"),
    ("profile", "contoso", "contoso", "fabrikam"),
    ("cloud", "GCC-High", "gcc-high", "china"),
    (
        "endpoint",
        "https://outlook.office365.us",
        "https://outlook.office365.us",
        "https://partner.outlook.cn",
    ),
    ("compliance_endpoint", "ps.test", "https://ps.test", "https://other.test"),
    (
        "authority",
        "https://login.microsoftonline.us",
        "https://login.microsoftonline.us",
        "https://login.test",
    ),
    ("ca_file", "ca.pem", Path("ca.pem"), "other"),
    ("auth", "Device-Code", Auth.DEVICE_CODE, "browser"),
    ("client_id", "id", "id", "other"),
    ("certificate", "app.pfx", Path("app.pfx"), "other"),
    ("certificate_passphrase_file", "passphrase", Path("passphrase"), "other"),
    ("client_secret_file", "secret", Path("secret"), "other"),
    ("federated_token_file", "assertion", Path("assertion"), "other"),
    ("token_file", "token", Path("token"), "other"),
    ("account", "ada@contoso.com", "ada@contoso.com", "bob@contoso.com"),
    ("workers", "3", 3, "4"),
    ("cluster", "tls://dask:8786", "tls://dask:8786", "tcp://[::1]:8786"),
    ("cluster_listen", "10.0.0.5:9000", "10.0.0.5:9000", "here"),
    ("worker_timeout", "30", 30.0, "2.5"),
    ("tenants_per_worker", "20", 20, "50"),
    ("worker_sign_in", "Worker", "worker", "coordinator"),
    ("sandbox", "yes", True, "no"),
    ("sandbox_options", "--seed 1", "--seed 1", "--seed 2"),
    ("dry_run", "1", True, "0"),
    ("export", "a.csv\nb.xlsx", (Path("a.csv"), Path("b.xlsx")), "c.csv"),
    ("compare_with", "Latest", "latest", "runs/x"),
    ("ignore", "Last*, Size", ("Last*", "Size"), "Guid"),
    ("threshold", "7.5%", 0.075, "10%"),
    ("changed_exit_code", "10", 10, "11"),
    ("report", "on", True, "off"),
    ("yes", "on", True, "off"),
    ("no_progress", "TRUE", True, "FALSE"),
    ("quiet", "true", True, "false"),
    ("json", "true", True, "false"),
    ("log_file", "run.log", Path("run.log"), "other.log"),
    ("log_level", "DEBUG", "debug", "error"),
    ("telemetry", "yes", True, "no"),
]


def test_the_table_here_has_every_option() -> None:
    assert sorted(row[0] for row in VALUES) == sorted(spec.name for spec in TABLE)
    assert {row[0] for row in VALUES} == set(NAMES)


@pytest.mark.parametrize(("name", "text", "value", "other"), VALUES, ids=[row[0] for row in VALUES])
def test_command_line_before_environment_before_yaml_before_default(
    name: str, text: str, value: Any, other: str
) -> None:
    variable = f"BULKEXO_{name.upper()}"
    default = getattr(Options(), name)
    assert getattr(resolve({}, {}, {}), name) == default
    assert value != default
    assert getattr(resolve({}, {}, {name: text}), name) == value
    assert getattr(resolve({}, {variable: text}, {name: other}), name) == value
    assert getattr(resolve({name: text}, {variable: other}, {name: other}), name) == value


@pytest.mark.parametrize("nothing", [None, ()])
def test_what_is_not_given_on_the_command_line_gives_way(nothing: object) -> None:
    assert resolve({"set": nothing}, {"BULKEXO_SET": "A=1"}).set == ("A=1",)


def test_an_empty_variable_is_not_given() -> None:
    assert resolve({}, {"BULKEXO_RATE": ""}, {"rate": 5}).rate == 5.0


def test_false_on_the_command_line_is_given() -> None:
    assert resolve({"strict": False}, {"BULKEXO_STRICT": "true"}).strict is False


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("rate", 20, 20.0),
        ("rate", "1e3", 1000.0),
        ("concurrency", 1, 1),
        ("concurrency", "1000", 1000),
        ("batch_size", 10, 10),
        ("retries", 100, 100),
        ("max_failures", "1", FailureLimit(count=1)),
        ("max_failures", 20, FailureLimit(count=20)),
        ("max_failures", "0.5%", FailureLimit(share=0.005)),
        ("max_failures", "100%", FailureLimit(share=1.0)),
        ("max_failures", "0%", FailureLimit(share=0.0)),
        ("strict", True, True),
        ("strict", " On ", True),
        ("order", " identity", Order.IDENTITY),
        ("endpoint", "outlook.office365.com", "https://outlook.office365.com"),
        ("endpoint", "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("endpoint", " https://[::1]:443 ", "https://[::1]"),
        ("set", ["A=1", "B=two\nlines"], ("A=1", "B=two\nlines")),
        ("set", "A=1\n\nB= 2 ", ("A=1", "B= 2 ")),
        ("client_id", 12, "12"),
    ],
)
def test_values_that_fit(name: str, value: Any, meant: Any) -> None:
    assert getattr(resolve({}, {}, {name: value}), name) == meant


WRONG: dict[str, list[Any]] = {
    "rate": ["0", "-1", "nan", "inf", "fast", True, None, [1]],
    "concurrency": ["0", "1001", "1.5", "-1", "", True, None, "9" * 30],
    "batch_size": ["0", "11", 0, 10.0],
    "retries": ["-1", "101", "many"],
    "timeout": ["0", "soon", None],
    "max_failures": ["0", "-1", "101%", "1.5", "%", "2 percent", True, None],
    "order": ["alphabet", None, True],
    "on_unknown": ["guess", None, True],
    "cloud": ["germany", "", None],
    "auth": ["password", "", None, True],
    "offline": ["", "soon", None, True],
    "strict": ["maybe", 2, None, []],
    "tenant": ["", "a/b", "a b", "a?b", "-x", None, 5, True],
    "endpoint": ["http://outlook.office365.com", "ftp://x", "", 5, None, ["x"]],
    "authority": ["http://login.test", True],
    "client_id": [" ", None, False],
    "token_file": ["", None, {}],
    "set": [5, None, {"A": 1}, [None], [["A=1"]]],
}
BAD = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), BAD, ids=str)
def test_a_bad_value_is_one_problem_that_names_its_place(name: str, value: Any) -> None:
    with pytest.raises(JobError) as caught:
        resolve({}, {}, {name: value}, where=lambda option: f"job.yaml, line 3 ({option})")
    (problem,) = caught.value.problems
    assert problem.where == f"job.yaml, line 3 ({name})"
    assert problem.what.endswith("does not fit.")
    assert problem.remedy.endswith(".")
    assert caught.value.exit_code == 2


def test_all_problems_come_together_each_with_its_own_place() -> None:
    with pytest.raises(JobError) as caught:
        resolve(
            {"rate": "fast", "batch_size": "11"},
            {"BULKEXO_CONCURRENCY": "none", "BULKEXO_ORDER": "up"},
            {"retries": -1, "tenant": "ok.onmicrosoft.com"},
            where=lambda option: f"job.yaml:{option}",
        )
    places = [problem.where for problem in caught.value.problems]
    assert places == ["BULKEXO_ORDER", "--rate", "BULKEXO_CONCURRENCY", "--batch-size", "job.yaml:retries"]
    assert caught.value.total == 5
    assert str(caught.value).count("\n") == 4


def test_a_cloud_says_where_and_what_is_given_says_it_better() -> None:
    there = resolve(
        {"cloud": "china", "authority": "login.test", "compliance_endpoint": "ps.test"}, {}
    ).connection
    assert there.endpoint == CLOUDS["china"].endpoint
    assert (there.authority, there.compliance) == ("https://login.test", "https://ps.test")
    assert Options().connection.endpoint == CLOUDS["worldwide"].endpoint


def test_only_the_value_in_force_has_to_fit() -> None:
    assert resolve({"rate": "5"}, {"BULKEXO_RATE": "fast"}, {"rate": "faster"}).rate == 5.0


@pytest.mark.parametrize("name", ["endpoint", "authority"])
def test_a_password_in_a_url_is_not_repeated(name: str) -> None:
    with pytest.raises(JobError) as caught:
        resolve({name: "https://ada:Sesam-1@outlook.office365.com"}, {})
    (problem,) = caught.value.problems
    assert "Sesam-1" not in str(problem)
    assert problem.where == f"--{name}"


def test_a_value_for_every_row_is_not_repeated() -> None:
    with pytest.raises(JobError) as caught:
        resolve({"set": ["Password=Sesam-1", True]}, {})
    assert caught.value.problems == (Problem("--set", "The value does not fit.", "Give a text."),)


def test_paths_of_the_yaml_start_from_its_folder() -> None:
    names = ("out", "token_file", "ca_file")
    given = {name: f"sub/{name}" for name in names}
    base = Path("jobs/here")
    from_yaml = resolve({}, {}, given, base=base)
    from_elsewhere = resolve({"out": "sub/out"}, {"BULKEXO_CA_FILE": "sub/ca_file"}, given, base=base)
    for name in names:
        assert getattr(from_yaml, name) == base / "sub" / name
    assert (from_elsewhere.out, from_elsewhere.ca_file) == (Path("sub/out"), Path("sub/ca_file"))
    assert from_elsewhere.token_file == base / "sub" / "token_file"


def test_absolute_paths_and_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    found = resolve({}, {}, {"out": str(tmp_path / "x"), "token_file": "~/token"}, base=Path("jobs"))
    assert (found.out, found.token_file) == (tmp_path / "x", tmp_path / "token")


@pytest.mark.parametrize("spec", TABLE, ids=lambda spec: spec.name)
def test_flags_are_words_with_hyphens_and_help_is_a_sentence(spec: Any) -> None:
    assert spec.flag == "--" + spec.name.replace("_", "-")
    assert spec.help.endswith(".")
    assert (spec.placeholder == "") == isinstance(getattr(Options(), spec.name), bool)


@pytest.mark.parametrize(
    ("limit", "trouble", "done", "reached"),
    [
        (FailureLimit(), 10**9, 10**9, False),
        (FailureLimit(count=3), 2, 2, False),
        (FailureLimit(count=3), 3, 3, True),
        (FailureLimit(share=0.02), 99, 99, False),  # too few to tell
        (FailureLimit(share=0.02), 2, 100, False),  # exactly the share
        (FailureLimit(share=0.02), 3, 100, True),
        (FailureLimit(share=0.0), 0, 1000, False),
        (FailureLimit(share=0.0), 1, 1000, True),
        (FailureLimit(share=1.0), 1000, 1000, False),
    ],
)
def test_when_a_limit_of_failures_is_reached(
    limit: FailureLimit, trouble: int, done: int, reached: bool
) -> None:
    assert limit.reached(trouble, done) is reached


def test_no_limit_is_infinite() -> None:
    assert FailureLimit() == FailureLimit(count=math.inf, share=math.inf)


@pytest.mark.parametrize("command", ["run", "check", "resume", "retry"])
def test_help_shows_each_option_once_and_under_a_heading(command: str) -> None:
    told = CliRunner().invoke(root, [command, "--help"]).output
    sections = told.split("\n\n")
    for spec in TABLE:
        assert len(re.findall(rf"(?m)^  {spec.flag}(?= )", told)) == 1
        (section,) = [each for each in sections if re.search(rf"(?m)^  {spec.flag} ", each)]
        assert section.partition(":")[0] in HEADINGS.values()
