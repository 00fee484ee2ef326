"""What a tenant grants to one identity, as its own module tells: the catalogue by role."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bulkexo.facts import catalogue
from bulkexo.facts.catalogue import Cmdlet, Parameter, kind_of
from bulkexo.facts.shows import STEERING

VERSION = 1


@dataclass(frozen=True)
class Granted:
    """cmdlets: by name, the parameters and their types, "" where the module does not tell. services: the
    services that were asked, as the catalogue calls them. at: when, in seconds since the epoch."""

    cmdlets: Mapping[str, Mapping[str, str]]
    services: tuple[str, ...]
    at: float
    _merged: dict[str, Cmdlet | None] = field(default_factory=dict, repr=False, compare=False)

    def cmdlet(self, name: str) -> Cmdlet | None:
        """The cmdlet as the catalogue has it, with what only the tenant knows of it; None if neither does."""
        lowered = name.lower()
        if lowered not in self._merged:
            self._merged[lowered] = self._merge(lowered)
        return self._merged[lowered]

    def withholds(self, cmdlet: str) -> bool:
        """Whether the identity may not run a cmdlet that the catalogue knows in a service that was asked."""
        known = catalogue.cmdlet(cmdlet)
        if known is None or known.rest_only or not set(known.service) <= set(self.services):
            return False
        return known.name.lower() not in self._by_name

    def withheld(self, cmdlet: str, given: Iterable[str]) -> list[str]:
        """Which of these parameters the identity may not give to a cmdlet that it may run."""
        own, known = self._by_name.get(cmdlet.lower()), catalogue.cmdlet(cmdlet)
        if own is None or known is None:
            return []
        names = {each.lower() for each in self.cmdlets[own]} | STEERING
        return [each for each in given if known.parameter(each) and each.lower() not in names]

    @cached_property
    def _by_name(self) -> Mapping[str, str]:
        return {name.lower(): name for name in self.cmdlets}

    def _merge(self, lowered: str) -> Cmdlet | None:
        shipped, own = catalogue.cmdlet(lowered), self._by_name.get(lowered)
        if own is None:
            return shipped
        known = shipped.parameters if shipped else ()
        new = [
            Parameter(name, kind, kind_of(kind), required=False, aliases=())
            for name, kind in self.cmdlets[own].items()
            if shipped is None or shipped.parameter(name) is None
        ]
        if shipped is not None and not new:
            return shipped
        name, service = (shipped.name, shipped.service) if shipped else (own, self.services)
        return catalogue.made(name, service, (*known, *new))

    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        return {"version": VERSION, "at": self.at, "services": self.services, "cmdlets": self.cmdlets}


def read(document: Any) -> Granted | None:
    """What `document` has made; None for anything else."""
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return None
    at, services, cmdlets = (document.get(name) for name in ("at", "services", "cmdlets"))
    if not isinstance(at, int | float) or not isinstance(services, list) or not isinstance(cmdlets, dict):
        return None
    if not _texts(services):
        return None
    for parameters in cmdlets.values():
        if not isinstance(parameters, dict) or not _texts(parameters.values()):
            return None
    return Granted(cmdlets, tuple(services), float(at))


def _texts(values: Collection[Any]) -> bool:
    return all(isinstance(each, str) for each in values)
