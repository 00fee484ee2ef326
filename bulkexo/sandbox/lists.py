"""How Get- cmdlets read: one object by its identity, or all of a kind, filtered."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.opath import compile_filter
from bulkexo.sandbox.people import Facts
from bulkexo.sandbox.tenant import Result, Run
from bulkexo.sandbox.views import Row, narrowed, render

_NONE_OF_THEM = frozenset(
    {"Archive", "GroupMailbox", "InactiveMailboxOnly", "Migration", "PublicFolder", "IsVIP"}
)
"""Switches that ask for kinds of mailboxes that this tenant has none of."""
Template = dict[str, Any]
_MOST_ORDERS = 4
"""Sorted lists that are kept while their pages are asked for: each is 8 bytes an object."""


def read(run: Run, template: Template, *, mailboxes: bool = True, groups: bool = False) -> Result:
    """Get-Something: with `Identity` that object, else all of them as a scan."""
    identity = run.bound.get("Identity")
    removed = run.switch("SoftDeletedMailbox")
    test = _test(run, template)
    if identity is not None:
        suits = {(True, False): _is_mailbox, (False, True): _is_group}.get((mailboxes, groups), _is_any)
        if any(run.switch(name) for name in _NONE_OF_THEM):
            raise errors.not_found(identity)
        facts = run.tenant.facts(run.tenant.directory.find(identity, suits, removed=removed))
        if not test(facts):
            raise errors.not_found(identity)
        return Result([render(template, facts, run.select)])
    if any(run.switch(name) for name in _NONE_OF_THEM):
        return Result()

    shown = narrowed(template, run.select)

    def scan(after: int) -> Iterator[tuple[int, Row]]:
        for identifier in _identifiers(run, after, mailboxes=mailboxes, groups=groups, removed=removed):
            facts = run.tenant.facts(identifier)
            if test(facts):
                yield identifier, render(shown, facts)

    return limited(run, Result(scan=_sorted(run, template, scan)))


def limited(run: Run, result: Result) -> Result:
    """Note what `ResultSize` asks for."""
    size = run.bound.get("ResultSize")
    if size is None:
        return result
    if str(size).strip().lower() == "unlimited":
        result.unlimited = True
    elif str(size).strip().isdecimal():
        result.result_size = int(size)
    else:
        raise errors.transformation(
            "ResultSize", f'Cannot convert value "{size}" to type "Unlimited`1[System.UInt32]".'
        )
    return result


def in_memory(rows: list[Row]) -> Result:
    """A list that is at hand, given in pages all the same."""
    return Result(scan=lambda after: enumerate(rows[after:], after + 1))


def _identifiers(run: Run, after: int, *, mailboxes: bool, groups: bool, removed: bool) -> Iterator[int]:
    directory = run.tenant.directory
    if mailboxes and after >= 0:
        yield from directory.identifiers(groups=False, after=after, removed=removed)
        after = 0
    if groups:
        yield from directory.identifiers(groups=True, after=after, removed=removed)


def _sorted(
    run: Run,
    template: Template,
    scan: Callable[[int], Iterator[tuple[int, Row]]],
) -> Callable[[int], Iterator[tuple[int, Row]]]:
    by = run.bound.get("SortBy") or run.bound.get("Sortby")
    name = next((name for name in template if name.lower() == str(by).lower()), None)
    if name is None:
        return scan

    shown = narrowed(template, run.select)
    key = repr((run.signature.cmdlet, run.bound))

    def in_order(after: int) -> Iterator[tuple[int, Row]]:
        orders = run.tenant.orders
        if after == 0 or key not in orders:
            orders[key] = _order(run, scan, lambda facts: str(facts.get(name, template[name])))
        while len(orders) > _MOST_ORDERS:
            del orders[next(iter(orders))]
        for position, identifier in enumerate(orders[key][after:], after + 1):
            yield position, render(shown, run.tenant.facts(identifier))

    return in_order


def _order(
    run: Run, scan: Callable[[int], Iterator[tuple[int, Row]]], value: Callable[[Facts], str]
) -> array[int]:
    found = [identifier for identifier, _ in scan(0)]
    keys = {identifier: value(run.tenant.facts(identifier)).casefold() for identifier in found}
    return array("q", sorted(found, key=keys.__getitem__))


def _test(run: Run, template: Template) -> Callable[[Facts], bool]:
    """Whether an object is among those that the parameters ask for."""
    tests: list[Callable[[Facts], bool]] = []
    for name in ("RecipientTypeDetails", "RecipientType"):
        if name in run.bound:
            wanted = {part.strip().lower() for text in run.bound[name].replace for part in text.split(",")}
            tests.append(lambda facts, name=name, wanted=wanted: facts[name].lower() in wanted)  # type: ignore[misc]
    if run.bound.get("Anr"):
        start = run.bound["Anr"].casefold()
        tests.append(lambda facts: _anr(facts, start))
    if run.bound.get("Filter"):
        matches = compile_filter(run.bound["Filter"])
        names = {name.lower(): name for name in template}

        def by_filter(facts: Facts) -> bool:
            def lookup(name: str) -> Any:
                exact = names.get(name.lower())
                if exact is None:
                    raise errors.transformation(
                        "Filter", f'"{name}" is not a recognized filterable property.'
                    )
                return facts.get(exact, template[exact])

            return matches(lookup)

        tests.append(by_filter)
    return lambda facts: all(test(facts) for test in tests)


def _anr(facts: Facts, start: str) -> bool:
    """Ambiguous name resolution: one of the names begins so."""
    names = ("DisplayName", "Name", "Alias", "FirstName", "LastName", "PrimarySmtpAddress")
    return any(str(facts.get(name, "")).casefold().startswith(start) for name in names)


def _is_mailbox(identifier: int) -> bool:
    return identifier > 0


def _is_group(identifier: int) -> bool:
    return identifier < 0


def _is_any(identifier: int) -> bool:
    return identifier != 0
