"""Make bulkexo/data/property-sets.json: `build_property_sets.py SOURCE [TARGET]`.

SOURCE is JSON: Get-EXO* cmdlet to PropertySet to the names of its properties. TARGET is the same without
blanks, cmdlets and sets in their order, so that the same source gives the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "bulkexo" / "data" / "property-sets.json"


def main(arguments: list[str]) -> None:
    """Write TARGET, or the file named second."""
    if len(arguments) not in {1, 2}:
        sys.exit("usage: build_property_sets.py SOURCE [TARGET]")
    target = Path(arguments[1]) if arguments[1:] else TARGET
    sets = json.loads(Path(arguments[0]).read_bytes())
    target.write_text(json.dumps(sets, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
