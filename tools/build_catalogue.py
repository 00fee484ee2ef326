"""Make bulkexo/data/catalogue.tsv from Microsoft's reference: `build_catalogue.py SOURCE [TARGET]`.

SOURCE is NDJSON, one cmdlet a line: cmdlet, service, rest_only, and parameters (name, type, required,
sets, aliases). The same source gives the same bytes. TARGET, UTF-8, lines end in \\n:

    #types <TAB> type <TAB> type ...                      types by frequency; parameters point at them
    Cmdlet-Name <TAB> flags <TAB> parameter <TAB> ...     one line a cmdlet, sorted

flags: `e` Exchange Online, `s` Security & Compliance, `r` REST only. A parameter is `Name:type`, type a
position in the first line from 0, then `!` if every parameter set requires it, then `,alias` for each alias.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "bulkexo" / "data" / "catalogue.tsv"
SERVICES = {"exchange-online": "e", "security-compliance": "s"}


def build(source: bytes) -> bytes:
    """The catalogue's bytes for the source's bytes."""
    cmdlets = [json.loads(line) for line in source.decode("utf-8").splitlines() if line.strip()]
    cmdlets.sort(key=lambda cmdlet: str(cmdlet["cmdlet"]).lower())
    counts = Counter(parameter["type"] for cmdlet in cmdlets for parameter in cmdlet["parameters"])
    types = sorted(counts, key=lambda name: (-counts[name], name))
    numbers = {name: number for number, name in enumerate(types)}
    lines = ["\t".join(["#types", *types])]
    lines += [_line(cmdlet, numbers) for cmdlet in cmdlets]
    return ("\n".join(lines) + "\n").encode("utf-8")


def _line(cmdlet: dict[str, Any], numbers: dict[str, int]) -> str:
    flags = "".join(sorted(SERVICES[service] for service in cmdlet["service"]))
    parameters = cmdlet["parameters"]
    every_set = {name for parameter in parameters for name in parameter.get("sets", ())}
    fields = [cmdlet["cmdlet"], flags + ("r" if cmdlet["rest_only"] else "")]
    for parameter in parameters:
        everywhere = parameter.get("required") and set(parameter.get("sets", every_set)) >= every_set
        text = f"{parameter['name']}:{numbers[parameter['type']]}{'!' if everywhere else ''}"
        fields.append(",".join([text, *parameter.get("aliases", ())]))
    return "\t".join(fields)


def main(arguments: list[str]) -> None:
    """Write TARGET, or the file named second."""
    if len(arguments) not in {1, 2}:
        sys.exit("usage: build_catalogue.py SOURCE [TARGET]")
    target = Path(arguments[1]) if arguments[1:] else TARGET
    target.write_bytes(build(Path(arguments[0]).read_bytes()))


if __name__ == "__main__":
    main(sys.argv[1:])
