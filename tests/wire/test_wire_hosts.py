"""Where a token may go: endpoints as people write them, links as a hostile reply may write them."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from bulkexo.wire.hosts import (
    CLOUDS,
    another_service,
    home,
    local_name,
    loopback,
    origin,
    redirected,
    regional,
    scope,
    trusted,
)

HOME = "https://outlook.office365.com"


def test_the_clouds() -> None:
    assert {name: (cloud.endpoint, cloud.authority) for name, cloud in CLOUDS.items()} == {
        "worldwide": (HOME, "https://login.microsoftonline.com"),
        "gcc-high": ("https://outlook.office365.us", "https://login.microsoftonline.us"),
        "dod": ("https://outlook-dod.office365.us", "https://login.microsoftonline.us"),
        "china": ("https://partner.outlook.cn", "https://login.partner.microsoftonline.cn"),
    }
    assert CLOUDS["worldwide"].compliance == "https://ps.compliance.protection.outlook.com"
    for cloud in CLOUDS.values():
        assert all(origin(url) == url for url in (cloud.endpoint, cloud.compliance, cloud.authority))
    assert scope(HOME) == f"{HOME}/.default"


@pytest.mark.parametrize(
    ("audience", "refused"),
    [(HOME, True), (f"{HOME}/", True), (f"{HOME.upper().replace('HTTPS', 'https')}:443", True),
     ("https://ps.compliance.protection.outlook.com", False), ("https://elsewhere.example", False),
     ("00000002-0000-0ff1-ce00-000000000000", False), ("", False), ("https://[", False)],
)  # fmt: skip
def test_a_token_for_another_service_is_known_by_its_audience(audience: str, refused: bool) -> None:
    compliance = CLOUDS["worldwide"].compliance
    assert another_service(audience, compliance, {HOME}) is refused


@pytest.mark.parametrize(
    ("url", "is_origin"),
    [
        (HOME, HOME),
        ("outlook.office365.com", HOME),
        ("HTTPS://Outlook.Office365.COM/adminapi?x#y", HOME),
        ("https://outlook.office365.com:443", HOME),
        ("https://outlook.office365.com:/", HOME),
        ("https://outlook.office365.com:8443/x", f"{HOME}:8443"),
        ("https://outlook.office365.com:80", f"{HOME}:80"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8080/x", "http://localhost:8080"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]/", "https://[2001:db8::1]"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, is_origin: str) -> None:
    assert origin(url) == is_origin


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "://x",
        "/path",
        "https:///path",
        "http://outlook.office365.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://127.1.evil",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "ftp://localhost",
        "ws://localhost",
        "file://localhost/x",
        "javascript:alert(1)",
        "https://outlook.office365.com:port",
        "https://outlook.office365.com:99999",
        "https://[::1",
        "https://[::1]evil",
        "https://user@outlook.office365.com",
        "https://user:word@outlook.office365.com",
        "https://:word@outlook.office365.com",
        "https://@outlook.office365.com",
        "https://outlook.office365.com@evil.example",
        r"https://evil.example\@outlook.office365.com",
        r"https://outlook.office365.com\.evil.example",
        r"https://outlook.office365.com\evil",
        "https://outlook office365.com",
        "https://outlook%2eoffice365.com",
        "https://outlook。office365.com",
        "https://bücher.example",
        "https://outloo\u212a.office365.com",
        "https://оutlook.office365.com",
        "https://outlook.office365.com／.evil.example",
    ],
)
def test_anything_else_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        origin(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:Passw0rd@host",
        "http://user:Passw0rd@host",
        "https://user:Passw0rd/@host:x",
        "u:Passw0rd@h",
    ],
)
def test_a_password_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"name or password|not a URL") as refusal:
        origin(url)
    assert "Passw0rd" not in str(refusal.value)


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.255.0.3", True),
        ("::1", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.evil", False),
        ("127.0.0.1.nip.example", False),
        ("outlook.office365.com", False),
        ("2130706433", False),
    ],
)
def test_loopback(host: str, own: bool) -> None:
    assert loopback(host) is own


@pytest.mark.parametrize(
    ("link", "absolute"),
    [
        (f"{HOME}/adminapi/beta/t/InvokeCommand?$skiptoken=a%2Bb==", None),
        (f"{HOME}:443/adminapi/beta/t/x?y", f"{HOME}/adminapi/beta/t/x?y"),
        ("https://OUTLOOK.Office365.com/Path", f"{HOME}/Path"),
        ("//outlook.office365.com/x", f"{HOME}/x"),
        ("/adminapi/beta/t/x?y=1&z=2", f"{HOME}/adminapi/beta/t/x?y=1&z=2"),
        (f"{HOME}/x#fragment", f"{HOME}/x"),
        (f"{HOME}/a@b?c=d@e", f"{HOME}/a@b?c=d@e"),
        (f"{HOME}?only=query", f"{HOME}/?only=query"),
    ],
)
def test_links_of_the_endpoint_are_followed(link: str, absolute: str | None) -> None:
    assert trusted(link, HOME) == (absolute or link)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/adminapi",
        "https://outlook.office365.com.evil.example/x",
        "https://evil.outlook.office365.com/x",
        "https://outlook.office365.com./x",
        "https://outlook.office365.us/x",
        "//evil.example/x",
        "http://outlook.office365.com/x",
        "https://outlook.office365.com:444/x",
        "https://outlook.office365.com:80/x",
        "https://outlook.office365.com:0/x",
        "https://outlook.office365.com:evil/x",
        "https://outlook.office365.com@evil.example/x",
        "https://user:word@outlook.office365.com/x",
        "https://@outlook.office365.com/x",
        r"https://evil.example\@outlook.office365.com/x",
        r"https://outlook.office365.com\@evil.example/x",
        r"https://outlook.office365.com\evil.example/x",
        "https://outloo\u212a.office365.com/x",
        "https://outlook。office365.com/x",
        "https://[/x",
        "https://[::1/x",
        "ftp://outlook.office365.com/x",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://127.0.0.1/x",
    ],
)
def test_links_elsewhere_are_not(link: str) -> None:
    assert trusted(link, HOME) is None


@pytest.mark.parametrize("link", [r"/\evil.example/x", r"\\evil.example\x", "///evil.example/x"])
def test_tricks_with_slashes_end_at_home_or_nowhere(link: str) -> None:
    followed = trusted(link, HOME)
    assert followed is None or followed.startswith(f"{HOME}/")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:8080", "http://[::1]:8080", "https://localhost:1"])
def test_a_sandbox_keeps_to_its_port(endpoint: str) -> None:
    assert trusted(f"{endpoint}/next", endpoint) == f"{endpoint}/next"
    assert trusted("https://127.0.0.1:9/next", endpoint) is None
    assert trusted(f"{endpoint[:-1]}9/next", endpoint) is None


AWKWARD = st.text(st.sampled_from("htps:/\\@.#?[]%\t\n abc0outlook.office365com"), max_size=40)


@given(st.text(max_size=40) | AWKWARD | AWKWARD.map(lambda text: HOME + text))
def test_no_link_leads_away_or_raises(link: str) -> None:
    followed = trusted(link, HOME)
    assert followed is None or followed.startswith(f"{HOME}/")
    if followed is not None:
        assert origin(followed) == HOME


SC = "https://ps.compliance.protection.outlook.com"


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "A.b.LocalHost", "localhost."])
def test_names_of_this_machine(host: str) -> None:
    assert local_name(host)


@pytest.mark.parametrize("host", ["", "localhost.evil.example", "notlocalhost", "127.0.0.1"])
def test_names_of_others(host: str) -> None:
    assert not local_name(host)


def test_a_region_stands_before_the_host() -> None:
    assert regional("EUR01b", SC) == "https://eur01b.ps.compliance.protection.outlook.com"
    assert regional("eur01b", "https://localhost:8443") == "https://eur01b.localhost:8443"


@pytest.mark.parametrize(
    "label", ["", "a.b", "-a", "a-", "a/b", "a@b", "a:1", "a\\b", "a b", "\u00e9", "a" * 64]
)
def test_what_is_no_label_is_no_region(label: str) -> None:
    with pytest.raises(ValueError, match="region"):
        regional(label, SC)


@pytest.mark.parametrize("endpoint", ["https://127.0.0.1:8443", "https://[::1]:8443", "https://[::1]"])
def test_an_address_has_no_regions(endpoint: str) -> None:
    with pytest.raises(ValueError, match="region"):
        regional("eur", endpoint)
    assert home(endpoint.replace("//", "//eur.") + "/x", [endpoint]) is None


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("https://eur01b.ps.compliance.protection.outlook.com/adminapi/x?y", "eur01b"),
        ("https://EUR01b.admin.protection.outlook.com:446/adminapi", "eur01b"),
        ("/elsewhere", ""),
        (f"{SC}:443/x", ""),
    ],
)
def test_a_redirect_to_a_region(location: str, leads_to: str) -> None:
    assert redirected(location, SC) == (regional(leads_to, SC) if leads_to else SC)


@pytest.mark.parametrize(
    "location",
    [
        "https://eur01b.ps.compliance.protection.outlook.com.evil.example/",
        "https://evil.example/",
        "//evil.example/x",
        "http://eur01b.ps.compliance.protection.outlook.com/",
        "https://eur01b.ps.compliance.protection.outlook.com@evil.example/",
        "https://outlook.com/",
        "https://eur01b.notoutlook.com/",
        "https://eur01b_.admin.protection.outlook.com/",
        "",
        "eur01b.ps.compliance.protection.outlook.com",
        r"\\eur01b.ps.compliance.protection.outlook.com",
        "https://eur01b.admin.protection.\u043eutlook.com/",
    ],
)
def test_a_redirect_elsewhere(location: str) -> None:
    assert redirected(location, SC) in (None, SC)
    assert redirected(location, SC) is None or not location.startswith(("http", "//"))


@pytest.mark.parametrize(
    ("url", "is_home"),
    [
        (f"{SC}/x", SC),
        ("https://eur01b.ps.compliance.protection.outlook.com/x", SC),
        (f"{HOME}/x", HOME),
        (HOME, None),
        (f"{HOME}:443/x", None),
        (f"{HOME}\\.evil.example/x", None),
        (f"{HOME}.evil.example/x", None),
        (f"{HOME}@evil.example/x", None),
        ("https://a.b.ps.compliance.protection.outlook.com/x", None),
        ("https://evil.example\\.outlook.office365.com/x", None),
        ("https://evil.example?.outlook.office365.com/x", None),
        ("http://outlook.office365.com/x", None),
        ("https:///outlook.office365.com/x", None),
    ],
)
def test_the_session_goes_only_home(url: str, is_home: str | None) -> None:
    assert home(url, [HOME, SC]) == is_home


ALPHABET = st.sampled_from(
    [
        *(
            "https:",
            "http:",
            "HTTPS:",
            "//",
            "/",
            "\\",
            "\\\\",
            "@",
            ":",
            "?",
            "#",
            ".",
            "..",
            ";",
            "%",
            "%2f",
            "%5c",
        ),
        *("outlook.office365.com", "evil.example", ":443", ":8443", "[::1]", "[", "]", "user", "javascript:"),
        *(
            "\t",
            "\n",
            "\r",
            " ",
            "\x00",
            "\u3002",
            "\uff0f",
            "\u2100",
            "\u00ad",
            "\u200b",
            "xn--",
            "&",
            "=",
            "$skiptoken",
        ),
    ]
)


@given(st.lists(ALPHABET, max_size=9).map("".join) | st.text(max_size=40))
@example("https:\\\\evil.example\\x")
@example("\t//evil.example/")
@example("https://outlook.office365.com\t@evil.example/")
def test_whatever_a_link_says_the_client_reads_it_as_the_services_own(link: str) -> None:
    """What the session goes by is yarl's reading, not this module's."""
    absolute = trusted(link, HOME)
    if absolute is None:
        return
    assert absolute.startswith(HOME + "/")
    assert home(absolute, [HOME]) == HOME
    encoded = re.fullmatch(r"[!-~]+", absolute) is not None
    read = URL(absolute, encoded=encoded)
    assert (read.scheme, read.raw_host, read.port, read.user) == ("https", "outlook.office365.com", 443, None)


@given(st.lists(ALPHABET, max_size=9).map("".join) | st.text(max_size=40))
def test_wherever_a_redirect_points_only_a_region_is_taken_of_it(location: str) -> None:
    leads_to = redirected(location, HOME)
    assert leads_to is None or home(leads_to + "/x", [HOME]) == HOME


@pytest.mark.parametrize(
    "link", [r"https:\\evil.example\x", r"\\evil.example/x", "https:///evil.example/x", r"/\evil.example"]
)
def test_a_link_that_readers_disagree_about_is_refused(link: str) -> None:
    assert trusted(link, HOME) is None


def test_a_backslash_in_a_cursor_is_its_own_affair() -> None:
    assert trusted(f"{HOME}/x?$skiptoken=a\\b", HOME) == f"{HOME}/x?$skiptoken=a\\b"
