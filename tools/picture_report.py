"""Makes docs/report.png: the head of the report of a run on the sandbox, which takes about a minute.

.venv/bin/python tools/picture_report.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browser import ARGUMENTS, executable

ROOT = Path(__file__).parent.parent
FAULTS = """
transient: 20
complaint: 6
503: 10
"""


def bulkexo(folder: str, *arguments: str) -> None:
    """A command of this tree; one that ends with items that failed is as good as any."""
    subprocess.run([sys.executable, "-m", "bulkexo", *arguments], cwd=folder, check=False)  # noqa: S603


def main() -> None:
    """Run the job of `make demo`, with more that fails, and take the picture."""
    with tempfile.TemporaryDirectory() as scratch:
        (Path(scratch) / "faults.yaml").write_text(FAULTS, encoding="utf-8")
        options = "--allowance 40/s --faults faults.yaml"
        run = Path(scratch) / "runs" / "department"
        job = str(ROOT / "jobs" / "department.yaml")
        bulkexo(scratch, "run", job, "--sandbox", "--sandbox-options", options, "--out", "runs/department")
        told = (run / "run.json").read_text(encoding="utf-8")
        (run / "run.json").write_text(told.replace(f"{ROOT}/", ""), encoding="utf-8")  # nobody's machine
        bulkexo(scratch, "report", "runs/department")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
            page = browser.new_page(viewport={"width": 1000, "height": 1000})
            page.goto((run / "report.html").as_uri())
            page.wait_for_selector(".live")
            page.screenshot(path=ROOT / "docs" / "report.png")
            browser.close()


if __name__ == "__main__":
    main()
