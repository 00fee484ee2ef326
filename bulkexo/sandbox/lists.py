"""How Get- cmdlets read: one object by its identity, or all of a kind, filtered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bulkexo.sandbox import errors
from bulkexo.sandbox.opath import compile_filter
from bulkexo.sandbox.people import Facts
from bulkexo.sandbox.tenant import Result, Run
from bulkexo.sandbox.views import Row, render

_NONE_OF_THEM = frozenset(
    {"Archive", "GroupMailbox", "InactiveMailboxOnly", "Migration", "PublicFolder", "IsVIP"}
)
"""Switches that ask for kinds of mailboxes that this tenant has none of."""
Template = dict[str, Any]


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

    def scan(after: int) -> Iterator[tuple[int, Row]]:
        for identifier in _identifiers(run, after, mailboxes=mailboxes, groups=groups, removed=removed):
            facts = run.tenant.facts(identifier)
            if test(facts):
                yield identifier, render(template, facts, run.select)

    return limited(run, Result(scan=_sorted(run, template, scan, test)))


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
    test: Callable[[Facts], bool],
) -> Callable[[int], Iterator[tuple[int, Row]]]:
    by = run.bound.get("SortBy") or run.bound.get("Sortby")
    name = next((name for name in template if name.lower() == str(by).lower()), None)
    if name is None:
        return scan

    def in_order(after: int) -> Iterator[tuple[int, Row]]:
        found = [identifier for identifier, _ in scan(0)]
        facts = {identifier: run.tenant.facts(identifier) for identifier in found}
        found.sort(key=lambda identifier: str(facts[identifier].get(name, template[name])).casefold())
        for position, identifier in enumerate(found[after:], after + 1):
            if test(facts[identifier]):
                yield position, render(template, facts[identifier], run.select)

    return in_order


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
