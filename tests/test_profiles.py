"""bulkexo.toml: where it is looked for, what may stand in it, and what is said when it cannot be used."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.model import JobError, UsageError
from bulkexo.options import IN_PROFILES, resolve
from bulkexo.profiles import Profiles, read_file, read_profiles
from bulkexo.says import FailureLimit

CONTOSO = '[profiles.contoso]\ntenant = "contoso.onmicrosoft.com"\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with a project folder in it."""
    (tmp_path / "home" / "work" / "jobs").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str | bytes], Profiles]:
    """What a project file of this content gives."""

    def reading(content: str | bytes) -> Profiles:
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "bulkexo.toml").write_bytes(raw)
        return read_profiles(tmp_path, tmp_path / "none.toml")

    return reading


def refused(read: Callable[[str | bytes], Profiles], content: str | bytes) -> str:
    with pytest.raises(JobError) as caught:
        read(content)
    assert all(problem.what.endswith(".") for problem in caught.value.problems)
    return str(caught.value)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_what_a_profile_says_becomes_options(read: Callable[[str], Profiles], tmp_path: Path) -> None:
    found = read(CONTOSO + 'client-id = "app"\nca_file = "certs/ca.pem"\nrate = 20\nbatch-size = "5"\n')
    profile = found.get(" Contoso ")
    assert profile.tenant == "contoso.onmicrosoft.com"
    options = resolve({}, {}, profile=profile.layer)
    assert (options.tenant, options.client_id) == ("contoso.onmicrosoft.com", "app")
    assert (options.rate, options.batch_size) == (20.0, 5)
    assert options.ca_file == tmp_path / "certs" / "ca.pem"


@pytest.mark.parametrize(
    ("command_line", "environment", "document", "rate"),
    [
        ({}, {}, {}, 4.0),
        ({}, {}, {"rate": 3}, 3.0),
        ({}, {"BULKEXO_RATE": "2"}, {"rate": 3}, 2.0),
        ({"rate": "1"}, {"BULKEXO_RATE": "2"}, {"rate": 3}, 1.0),
        ({"rate": "1"}, {}, {}, 1.0),
        ({}, {"BULKEXO_RATE": "2"}, {}, 2.0),
    ],
)
def test_command_line_environment_yaml_profile_default(
    read: Callable[[str], Profiles],
    command_line: dict[str, str],
    environment: dict[str, str],
    document: dict[str, int],
    rate: float,
) -> None:
    profile = read(CONTOSO + "rate = 4\n").get("contoso")
    options = resolve(command_line, environment, document, profile=profile.layer)
    assert (options.rate, options.retries, options.max_failures) == (rate, 5, FailureLimit())


def test_the_nearest_file_up_to_the_home_folder_and_none_above_it(home: Path) -> None:
    jobs, nowhere = home / "work" / "jobs", home / "none.toml"
    write(home.parent / "bulkexo.toml", "[profiles.above]\n")
    assert not read_profiles(jobs, nowhere).by_name
    write(home / "bulkexo.toml", "[profiles.home]\n")
    assert set(read_profiles(jobs, nowhere).by_name) == {"home"}
    assert set(read_profiles(home, nowhere).by_name) == {"home"}
    near = write(home / "work" / "bulkexo.toml", "[profiles.work]\n")
    found = read_profiles(jobs, nowhere)
    assert set(found.by_name) == {"work"}
    assert found.files == ((near, 1), (nowhere, None))


def test_outside_of_the_home_folder_up_to_the_root(home: Path) -> None:
    write(home.parent / "bulkexo.toml", "[profiles.above]\n")
    elsewhere = home.parent / "srv" / "jobs"
    elsewhere.mkdir(parents=True)
    assert set(read_profiles(elsewhere, home / "none.toml").by_name) == {"above"}


@pytest.mark.skipif(os.name != "posix", reason="owners of files")
def test_a_file_of_another_user_is_not_taken_from_above(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(home / "work" / "bulkexo.toml", CONTOSO)
    monkeypatch.setattr(os, "getuid", lambda: file.stat().st_uid + 1)
    if file.stat().st_uid == 0:
        os.chown(file, 4242, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        read_profiles(home / "work" / "jobs", home / "none.toml")
    assert read_profiles(home / "work", home / "none.toml").by_name


def test_the_users_own_file_and_the_project_wins_as_a_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setattr("bulkexo.profiles.user_config_path", lambda name, **_: home / "config" / name)
    own = write(
        home / "config" / "bulkexo" / "bulkexo.toml", CONTOSO + "rate = 4\n[profiles.mine]\nrate = 5\n"
    )
    write(home / "work" / "bulkexo.toml", '[profiles.Contoso]\nclient-id = "app"\n')
    found = read_profiles(home / "work")
    assert dict(found.get("contoso").values) == {"client_id": "app"}
    assert found.get("mine").file == own
    assert found.get("mine").values == {"rate": 5}


def test_an_unknown_profile_names_the_nearest_and_the_files(home: Path) -> None:
    file = write(home / "work" / "bulkexo.toml", CONTOSO + "[profiles.fabrikam]\n")
    found = read_profiles(home / "work" / "jobs", home / "none.toml")
    with pytest.raises(UsageError) as caught:
        found.get("contosso")
    assert str(caught.value) == (
        f"There is no profile 'contosso'. Did you mean contoso? Profiles were looked for in {file} "
        f"(2 profiles) and {home / 'none.toml'} (not there). Name one of these, "
        "or write it there."
    )
    assert "Did you mean" not in found.hint("zzzz")


@pytest.mark.parametrize(
    "raw",
    [
        codecs.BOM_UTF8 + CONTOSO.encode(),
        CONTOSO.encode("utf-16"),
        CONTOSO.replace("\n", "\r\n").encode(),
    ],
    ids=["UTF-8 with a mark", "UTF-16", "line ends of Windows"],
)
def test_encodings_of_windows(read: Callable[[bytes], Profiles], raw: bytes) -> None:
    assert read(raw).get("contoso").tenant == "contoso.onmicrosoft.com"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTOSO + "rate 4\n", "bulkexo.toml, line 3: This is no TOML: "),
        (CONTOSO + 'certificate = "C:\\certs\\x.pfx"\n', "Write a Windows path in single quotes"),
        (CONTOSO + "[profiles.contoso]\n", "line 3: This is no TOML: "),
        (CONTOSO + 'ca-file = "', "line 3: This is no TOML: "),
        (CONTOSO.encode() + b"# \xe4\n", "line 3: There are bytes here that are not UTF-8. Save"),
        ("[profile.contoso]\n", "There is no key 'profile'. Did you mean profiles?"),
        ("profiles = 7\n", "profiles is no table. Write [profiles.contoso]."),
        ("[profiles]\ncontoso = 7\n", "profile contoso: This is no table."),
        (
            CONTOSO + 'clent-id = "x"\n',
            "profile contoso: There is no key 'clent-id'. Did you mean client-id?",
        ),
        (CONTOSO + 'quux = "x"\n', "There is no key 'quux'. Known are "),
        (CONTOSO + "rate = 0\n", "profile contoso, rate: The value does not fit. Give a number above 0."),
        (CONTOSO + "rate = 1979-05-27\n", "profile contoso, rate: The value does not fit."),
        (CONTOSO + 'client-id = "a"\nclient_id = "b"\n', "The key client_id is given twice."),
        ('[profiles."con toso"]\n', "Give it another name."),
        ("[profiles.a-b]\n[profiles.'a.b']\n", "a-b and a.b would share the variables BULKEXO_A_B_…."),
        ("[profiles.Abc]\n[profiles.abc]\n", "Abc and abc would share"),
        ("a = " + "[" * 5000, "bulkexo.toml"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence(
    read: Callable[[str | bytes], Profiles], content: str | bytes, said: str
) -> None:
    assert said in refused(read, content)


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("client-secret", "BULKEXO_CONTOSO_CLIENT_SECRET, or into a file that client-secret-file names."),
        ("CLIENT_SECRET", "BULKEXO_CONTOSO_CLIENT_SECRET, or into a file that client-secret-file names."),
        ("token", "BULKEXO_CONTOSO_TOKEN, or into a file that token-file names."),
        (
            "certificate-passphrase",
            "BULKEXO_CONTOSO_CERTIFICATE_PASSPHRASE, or into a file that certificate-",
        ),
        ("password", "BULKEXO_CONTOSO_CLIENT_SECRET, or"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(
    read: Callable[[str | bytes], Profiles], key: str, remedy: str
) -> None:
    said = refused(read, f'{CONTOSO}{key} = "Sesam-1"\n')
    assert f"profile contoso: {key} is a secret, and secrets do not belong in this file." in said
    assert remedy in said
    assert "Sesam" not in said


def test_files_of_secrets_may_be_named(read: Callable[[str], Profiles]) -> None:
    assert read(CONTOSO + 'token-file = "token"\n').get("contoso").values["token_file"] == "token"


def test_a_folder_and_a_large_file_are_no_profiles(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(tmp_path)
    (tmp_path / "bulkexo.toml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(UsageError, match="larger than 4 MB"):
        read_profiles(tmp_path, tmp_path / "none.toml")


def test_one_profile_is_read_anew(tmp_path: Path) -> None:
    file = write(tmp_path / "bulkexo.toml", CONTOSO)
    assert read_file(file)["contoso"].tenant == "contoso.onmicrosoft.com"
    assert not read_file(tmp_path / "gone.toml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_is_answered_with_a_traceback(raw: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "bulkexo.toml")
        for start in (b"", b"[profiles.a]\n", b"[profiles.a]\nrate = "):
            path.write_bytes(start + raw)
            with suppress(JobError, UsageError):
                read_file(path)


VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.sampled_from(["1979-05-27", "07:32:00", "nan", "1e9", '"x"', '""', "'~no/x'"]),
    lambda inner: st.lists(inner, max_size=2) | st.just("{a = 1}"),
    max_leaves=3,
)


@given(st.sampled_from(sorted(IN_PROFILES)), VALUES.map(lambda value: str(value).replace("True", "true")))
def test_no_value_is_answered_with_a_traceback(option: str, value: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "bulkexo.toml")
        path.write_text(f"[profiles.a]\n{option} = {value}\n", encoding="utf-8")
        with suppress(JobError):
            read_file(path)
