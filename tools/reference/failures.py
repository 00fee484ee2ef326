"""Why items fail and what to do, and what the sign-in service's codes mean, from the program's own tables."""

from __future__ import annotations

from collections.abc import Sequence

from bulkexo.facts.causes import OTHER, OWN, SERVICE, STATUSES
from bulkexo.facts.ruling import Rule
from bulkexo.net.identity.remedies import PLAIN, REMEDIES
from tools.reference.tables import code, plain, table


def causes() -> str:
    """A table for each source of failures."""
    parts = [
        ("What bulkexo says itself", OWN),
        ("What Exchange Online says", SERVICE),
        ("Where only the HTTP status tells", STATUSES),
    ]
    made = [f"### {title}\n\n{_table(rules)}" for title, rules in parts]
    return "\n".join([*made, f"Anything else is {OTHER.words}. {plain(OTHER.remedy)}\n"])


def _table(rules: Sequence[Rule]) -> str:
    rows = [(plain(each.cause.words), plain(each.cause.remedy), _known_by(each)) for each in rules]
    return table(["what happened", "what to do", "known by"], rows)


def _known_by(rule: Rule) -> str:
    """By what a failure is known, as it stands in results.ndjson."""
    found = [code(name) for name in (*sorted(rule.codes), *sorted(filter(None, rule.types)))]
    found += [f"“{plain(text)}”" for text in (*rule.texts, *rule.spoken)]
    statuses = sorted(rule.statuses)
    if len(statuses) > 12:
        found.append(f"HTTP {statuses[0]} to {statuses[-1]}")
    elif statuses:
        found.append(f"HTTP {', '.join(map(str, statuses))}")
    return ", ".join(found)


def sign_in_remedies() -> str:
    """A table of AADSTS codes, and of OAuth's own."""
    by_words: dict[str, list[str]] = {}
    for name, words in {**REMEDIES, **PLAIN}.items():
        by_words.setdefault(words, []).append(name)
    rows = [(", ".join(map(code, names)), plain(words)) for words, names in by_words.items()]
    return table(["code", "what it means, and what to do"], rows)
