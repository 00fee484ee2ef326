"""Instructions that bulkexo spends on an item, which no load of the machine changes.

    python benchmarks/counted.py

valgrind counts them, in `inside.py`'s runs of 100 and of 700 rows; the difference is what 600 items take. The
first run of each process, 100 rows, is not counted: Python makes itself at home in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

FEW, MANY = 100, 700


def per_item(folder: Path) -> float:
    """Instructions of an item. Both runs are made at once, each in a process of its own."""
    runs = {}
    for rows in (FEW, MANY):
        out = folder / f"{rows}.callgrind"
        words = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        command = [*words, sys.executable, __file__, str(rows), str(folder / str(rows))]
        env = {name: text for name, text in os.environ.items() if not name.startswith("BULKEXO_")}
        env |= {"PYTHONHASHSEED": "0", "BULKEXO_LOOP": "asyncio", "XDG_CACHE_HOME": str(folder)}
        runs[rows] = subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
    counts = {}
    for rows, process in runs.items():
        told, _ = process.communicate()
        found = re.search(r"Collected : (\d+)", told)
        if process.returncode or found is None:
            raise SystemExit(f"valgrind did not count:\n{told}")
        counts[rows] = int(found[1])
    return (counts[MANY] - counts[FEW]) / (MANY - FEW)


def count(rows: int, folder: Path) -> None:
    """In a process under valgrind: run a job that is not counted, then one that is."""
    import inside  # noqa: PLC0415 - the parent needs none of it
    from speed.jobs import write_csv  # noqa: PLC0415

    import bulkexo.cli.start  # noqa: F401, PLC0415

    folder.mkdir()
    for number, (size, instrument) in enumerate(((FEW, "off"), (rows, "on"))):
        job = write_csv(folder / f"{number}.csv", size)
        control = ["callgrind_control", f"--instr={instrument}", str(os.getpid())]
        subprocess.run(control, check=True, stdout=subprocess.DEVNULL)
        inside.run(job, folder / str(number), "--cmdlet", "Set-Mailbox")
    subprocess.run(
        ["callgrind_control", "--instr=off", str(os.getpid())], check=True, stdout=subprocess.DEVNULL
    )


def main() -> None:
    """Run it as the command line says."""
    if len(sys.argv) == 3:
        count(int(sys.argv[1]), Path(sys.argv[2]))
        return
    if shutil.which("valgrind") is None:
        raise SystemExit("This needs valgrind (apt-get install valgrind).")
    with tempfile.TemporaryDirectory() as folder:
        print(f"{per_item(Path(folder)):,.0f} instructions an item")


if __name__ == "__main__":
    main()
