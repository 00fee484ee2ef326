"""The journal: one NDJSON line per cmdlet that took effect, so that a test can prove "once"; and the
arrivals: one per cmdlet that came, whatever became of it, so that a test can prove "not sent again".

A line goes to the operating system before its reply is sent: it survives the end of either process.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from bulkexo.sandbox.parameters import Signature

_HIDDEN = "***"


class Journal:
    """Appends to `path`. Members of a line: time (UTC), tenant, cmdlet, identity, parameters,
    client_request_id, changed (false for a write that found everything as it was to be)."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(
        self,
        *,
        time: str,
        tenant: str,
        signature: Signature,
        parameters: Mapping[str, Any],
        client_request_id: str,
        changed: bool,
    ) -> None:
        """One line, complete when this returns. Values of secret parameters are not in it."""
        secret = signature.secrets()
        shown = {
            name: _HIDDEN if signature.names.get(name.lower(), name) in secret else value
            for name, value in parameters.items()
        }
        line = {
            "time": time,
            "tenant": tenant,
            "cmdlet": signature.cmdlet,
            "identity": shown.get("Identity") or shown.get("Name") or "",
            "parameters": shown,
            "client_request_id": client_request_id,
            "changed": changed,
        }
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Arrivals:
    """Appends to `path`. Members of a line: time (UTC), tenant, cmdlet, client_request_id."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, *, time: str, tenant: str, cmdlet: str, client_request_id: str) -> None:
        """One line, complete when this returns; of the parameters nothing, for it is not known which are
        secret."""
        line = {"time": time, "tenant": tenant, "cmdlet": cmdlet, "client_request_id": client_request_id}
        self._file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
