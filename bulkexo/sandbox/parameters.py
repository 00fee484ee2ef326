"""How a cmdlet's parameters are bound: their names; `values` has their types.

`parameters.json` holds the names and types of the sandbox's cmdlets, from the catalogue of Microsoft's
public reference: `{cmdlet: {"required": [names in every parameter set], type: "Name Name …", …}}`. It is
made by `tools/build_sandbox_data.py`. Names match without case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from bulkexo.sandbox import errors
from bulkexo.sandbox.values import Unseal, convert

_COMMON_NAMES: Final = frozenset(
    [
        "debug", "erroraction", "errorvariable", "informationaction", "informationvariable", "outbuffer",
        "outvariable", "pipelinevariable", "verbose", "warningaction", "warningvariable",
    ]
)  # fmt: skip
_ALIASES = {"cf": "Confirm", "wi": "WhatIf"}


Bound = dict[str, Any]
"""Exact parameter names to values: bool, int, str or None, an Edit, a hashtable or a list of them, bytes."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of one cmdlet. types: exact name to type. names: lower-case name to exact name."""

    cmdlet: str
    types: Mapping[str, str]
    names: Mapping[str, str]
    required: tuple[str, ...]

    def secrets(self) -> frozenset[str]:
        """Names of the parameters whose values may appear nowhere."""
        return frozenset(
            name for name, kind in self.types.items() if kind in {"SecureString", "PSCredential"}
        )


def _signature(cmdlet: str, line: Mapping[str, Any]) -> Signature:
    types = {
        name: kind for kind, names in line.items() if isinstance(names, str) for name in names.split(" ")
    }
    names = {name.lower(): name for name in types}
    for alias, name in _ALIASES.items():
        if name in types:
            names[alias] = name
    return Signature(cmdlet, types, names, tuple(line["required"]))


def load() -> dict[str, Signature]:
    """Signatures of every cmdlet the sandbox has, by lower-case name."""
    text = resources.files("bulkexo.sandbox").joinpath("parameters.json").read_text(encoding="utf-8")
    return {cmdlet.lower(): _signature(cmdlet, line) for cmdlet, line in json.loads(text).items()}


CLIENT_SIDE: Final = "usecustomrouting"
"""A switch that the catalogue has and the wire has not: clients keep it to themselves (`protocol.md`,
"Request")."""


def bind(signature: Signature, given: Mapping[str, Any], unseal: Unseal) -> Bound:
    """Check names and types. Raises CmdletError as the service would answer."""
    bound: Bound = {}
    notes = {key.lower(): note for key, note in given.items() if key.endswith("@odata.type")}
    for key, value in given.items():
        if "@" in key:
            continue
        name = signature.names.get(key.lower())
        if name is None or key.lower() == CLIENT_SIDE:
            if key.lower() in _COMMON_NAMES:
                continue
            raise errors.unknown_parameter(key)
        if name in bound:
            raise errors.CmdletError(
                "System.Management.Automation.ParameterBindingException",
                f"Cannot bind parameter because parameter '{name}' is specified more than once.",
            )
        note = notes.get(f"{key.lower()}@odata.type")
        bound[name] = convert(name, signature.types[name], value, note, unseal)
    missing = [name for name in signature.required if name not in bound]
    if missing:
        raise errors.missing_parameters(" ".join(missing))
    for name in signature.required:
        if bound[name] is None or bound[name] == "":
            empty = "null" if bound[name] is None else "an empty string"
            raise errors.transformation(
                name, f"Cannot bind argument to parameter '{name}' because it is {empty}."
            )
    return bound
