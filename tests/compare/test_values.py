"""What is the same to Exchange, as tables; and what must hold of all values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkexo.compare import Sort, difference, same, sort_of

ADA = frozenset({"ada lovelace", "ada", "ada@contoso.com", "8f3c6a5e0d1b4c7a9e2f1a2b3c4d5e6f"})
NAMES = {"ada@contoso.com": ADA, "ada": ADA, "bob@contoso.com": frozenset({"bob", "bob@contoso.com"})}

SAME: list[tuple[Sort, Any, Any]] = [
    (Sort.TEXT, "CC-4711", "CC-4711"),
    (Sort.TEXT, "", None),
    (Sort.TEXT, None, ""),
    (Sort.TEXT, [], None),
    (Sort.TEXT, ["b", "a"], ["a", "b"]),
    (Sort.TEXT, ["a"], "a"),
    (Sort.TEXT, ["a"], ["a", "a"]),
    (Sort.TEXT, 7, "7"),
    (Sort.NAME, "External", "external"),
    (Sort.NAME, "Default MRM Policy", "default mrm policy"),
    (Sort.NAME, ["Update", "SoftDelete"], ["softdelete", "update"]),
    (Sort.BOOL, True, True),
    (Sort.BOOL, "False", False),
    (Sort.NUMBER, "99 GB (106,300,440,576 bytes)", "99GB"),
    (Sort.NUMBER, "99 GB (106,300,440,576 bytes)", "106300440576"),
    (Sort.NUMBER, "99 GB (106,300,440,576 bytes)", 106300440576),
    (Sort.NUMBER, "49.5 GB (53,150,220,288 bytes)", "49.5gb"),
    (Sort.NUMBER, "Unlimited", "unlimited"),
    (Sort.NUMBER, "500", 500),
    (Sort.NUMBER, "14.00:00:00", "14"),
    (Sort.NUMBER, "14.00:00:00", 14),
    (Sort.NUMBER, "01:00:00", "1:00:00"),
    (Sort.NUMBER, "01:00:00", "0.01:00"),
    (Sort.DATE, "2026-11-24T00:00:00Z", "2026-11-24"),
    (Sort.DATE, "2026-11-24T09:30:00Z", "2026-11-24T10:30:00+01:00"),
    (Sort.DATE, "2026-11-24T00:00:00", "11/24/2026"),
    (Sort.GUID, "8f3c6a5e-0d1b-4c7a-9e2f-1a2b3c4d5e6f", "{8F3C6A5E-0D1B-4C7A-9E2F-1A2B3C4D5E6F}"),
    (Sort.GUID, "8f3c6a5e-0d1b-4c7a-9e2f-1a2b3c4d5e6f", "8F3C6A5E0D1B4C7A9E2F1A2B3C4D5E6F"),
    (Sort.ADDRESS, "smtp:ada@contoso.com", "Ada@Contoso.com"),
    (Sort.PROXIES, ["SMTP:a@x.y", "smtp:b@x.y"], ["smtp:B@x.y", "SMTP:a@x.y"]),
    (Sort.PROXIES, ["SMTP:a@x.y", "smtp:b@x.y"], ["SMTP:a@x.y", "b@x.y"]),
    (Sort.PROXIES, ["SMTP:a@x.y", "SIP:a@x.y"], ["sip:a@x.y", "SMTP:a@x.y"]),
    (Sort.RECIPIENT, "Ada Lovelace", "ada@contoso.com"),
    (Sort.RECIPIENT, "CN=Ada Lovelace,OU=contoso,DC=PROD", "ada@contoso.com"),
    (Sort.RECIPIENT, "EURPR07A003.PROD.OUTLOOK.COM/Hosted/contoso/Ada Lovelace", "ada@contoso.com"),
    (Sort.RECIPIENT, "8F3C6A5E-0D1B-4C7A-9E2F-1A2B3C4D5E6F", "ada@contoso.com"),
    (Sort.RECIPIENT, ["Bob", "Ada Lovelace"], ["ada@contoso.com", "bob@contoso.com"]),
    (Sort.HTML, "<html>\r\n<body>\r\nI am away.\r\n</body>\r\n</html>\r\n", "I am away."),
    (Sort.KIND, "SharedMailbox", "Shared"),
    (Sort.KIND, "UserMailbox", "Regular"),
]
DIFFERENT: list[tuple[Sort, Any, Any]] = [
    (Sort.TEXT, "ada", "Ada"),
    (Sort.TEXT, "a", None),
    (Sort.TEXT, ["a"], ["a", "b"]),
    (Sort.TEXT, ["a", "b"], "a"),
    (Sort.BOOL, None, False),
    (Sort.BOOL, True, False),
    (Sort.NUMBER, "99 GB (106,300,440,576 bytes)", "98GB"),
    (Sort.NUMBER, "Unlimited", "50GB"),
    (Sort.NUMBER, "14.00:00:00", "14:00:00"),
    (Sort.DATE, "2026-11-24T00:00:00Z", "2026-11-25"),
    (Sort.PROXIES, ["SMTP:a@x.y", "smtp:b@x.y"], ["smtp:a@x.y", "SMTP:b@x.y"]),
    (Sort.PROXIES, ["SMTP:a@x.y", "smtp:b@x.y"], ["SMTP:a@x.y"]),
    (Sort.RECIPIENT, "Bob", "ada@contoso.com"),
    (Sort.RECIPIENT, ["Bob", "Ada Lovelace"], ["ada@contoso.com"]),
    (Sort.KIND, "UserMailbox", "Shared"),
]
UNTOLD: list[tuple[Sort, Any, Any]] = [
    (Sort.RECIPIENT, "Carl", "carl@contoso.com"),
    (Sort.RECIPIENT, ["Carl"], ["carl@contoso.com"]),
    (Sort.DATE, "2026-11-24T00:00:00Z", "24. November"),
    (Sort.NUMBER, "99 GB (106,300,440,576 bytes)", "a lot"),
    (Sort.TEXT, "a", {"a": 1}),
]


@pytest.mark.parametrize(("sort", "before", "after"), SAME)
def test_same(sort: Sort, before: Any, after: Any) -> None:
    assert same(sort, before, after, NAMES) is True


@pytest.mark.parametrize(("sort", "before", "after"), DIFFERENT)
def test_different(sort: Sort, before: Any, after: Any) -> None:
    assert same(sort, before, after, NAMES) is False


@pytest.mark.parametrize(("sort", "before", "after"), UNTOLD)
def test_not_to_be_told(sort: Sort, before: Any, after: Any) -> None:
    assert same(sort, before, after, NAMES) is None


EDITS: list[tuple[Sort, Any, Any, Any, bool | None]] = [
    (Sort.TEXT, ["a", "b"], {"Add": "c"}, ["a", "b", "c"], False),
    (Sort.TEXT, ["a", "b"], {"Add": ["A"]}, ["a", "b"], True),
    (Sort.TEXT, ["a", "b"], {"Remove": ["z"]}, ["a", "b"], True),
    (Sort.TEXT, ["a", "b"], {"add": "c", "remove": "B", "@odata.type": "#x"}, ["a", "c"], False),
    (Sort.TEXT, None, {"Add": "c"}, ["c"], False),
    (Sort.TEXT, ["a"], "a", ["a"], True),
    (Sort.PROXIES, ["SMTP:a@x.y"], {"Add": "b@x.y"}, ["SMTP:a@x.y", "smtp:b@x.y"], False),
    (Sort.PROXIES, ["SMTP:a@x.y", "smtp:b@x.y"], {"Add": "smtp:B@x.y"}, ["SMTP:a@x.y", "smtp:b@x.y"], True),
    (Sort.PROXIES, ["SMTP:a@x.y"], {"Add": "SMTP:c@x.y"}, ["SMTP:c@x.y", "smtp:a@x.y"], False),
    (Sort.PROXIES, ["SMTP:a@x.y", "smtp:b@x.y"], {"Remove": "smtp:b@x.y"}, ["SMTP:a@x.y"], False),
    (Sort.PROXIES, ["SMTP:a@x.y"], ["a@x.y"], ["SMTP:a@x.y"], True),
    (Sort.RECIPIENT, ["Ada Lovelace"], {"Remove": "ada@contoso.com"}, [], False),
    (Sort.RECIPIENT, ["Ada Lovelace"], {"Add": "ada@contoso.com"}, ["Ada Lovelace"], True),
    (Sort.RECIPIENT, ["Carl"], {"Remove": "carl@contoso.com"}, ["Carl"], None),
    (Sort.RECIPIENT, [], {"Remove": "carl@contoso.com"}, [], True),
    (Sort.RECIPIENT, [], {"Add": "carl@contoso.com"}, ["carl@contoso.com"], False),
]


@pytest.mark.parametrize(("sort", "before", "value", "after", "equal"), EDITS)
def test_hashtables_of_add_and_remove(sort: Sort, before: Any, value: Any, after: Any, equal: bool) -> None:
    found = difference("P", sort, before, value, NAMES)
    assert (found.after, found.same) == (after, equal)


@pytest.mark.parametrize(
    ("name", "type_name", "sort"),
    [
        ("EmailAddresses", "ProxyAddressCollection", Sort.PROXIES),
        ("GrantSendOnBehalfTo", "MultiValuedProperty", Sort.RECIPIENT),
        ("Languages", "MultiValuedProperty", Sort.NAME),
        ("ForwardingAddress", "RecipientIdParameter", Sort.RECIPIENT),
        ("RetentionPolicy", "MailboxPolicyIdParameter", Sort.NAME),
        ("AddressBookPolicy", "AddressBookMailboxPolicyIdParameter", Sort.NAME),
        ("User", "SecurityPrincipalIdParameter", Sort.RECIPIENT),
        ("ExternalOofOptions", "ExternalOofOptions", Sort.NAME),
        ("ProhibitSendQuota", "Unlimited", Sort.NUMBER),
        ("RetainDeletedItemsFor", "Microsoft.Exchange.Data.EnhancedTimeSpan", Sort.NUMBER),
        ("SubjectContainsWords", "Word[]", Sort.TEXT),
        ("Whatever", "", Sort.TEXT),
        ("Type", "ConvertibleMailboxSubType", Sort.KIND),
    ],
)
def test_what_sort_a_parameter_is(name: str, type_name: str, sort: Sort) -> None:
    assert sort_of(name, type_name) is sort


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=12)
values = scalars | st.lists(scalars, max_size=4)
sorts = st.sampled_from(list(Sort))
words = st.lists(st.text("abcAB", min_size=1, max_size=2), max_size=5)
edits = st.fixed_dictionaries({}, optional={"Add": words, "Remove": words})


@given(sorts, values)
def test_a_value_never_differs_from_itself(sort: Sort, value: Any) -> None:
    assert same(sort, value, value) is not False


@given(sorts, values, values)
def test_nothing_makes_it_fall(sort: Sort, one: Any, other: Any) -> None:
    assert same(sort, one, other) in (True, False, None)
    difference("P", sort, one, other)


@given(st.sampled_from([Sort.TEXT, Sort.NAME, Sort.PROXIES]), words, edits)
def test_what_was_done_is_nothing_to_do(sort: Sort, before: list[str], edit: dict[str, list[str]]) -> None:
    """After a change has been carried out, the same change finds nothing to change."""
    added = {word.casefold() for word in edit.get("Add", ())}
    edit = {
        **edit,
        **({"Remove": [w for w in edit["Remove"] if w.casefold() not in added]} if "Remove" in edit else {}),
    }
    after = difference("P", sort, before, edit).after
    assert difference("P", sort, after, edit).same is True


@given(words, st.randoms())
def test_order_makes_no_difference(before: list[str], random: Any) -> None:
    shuffled = list(before)
    random.shuffle(shuffled)
    assert same(Sort.TEXT, before, shuffled) is True
