"""What the docs have from the code: a text of Markdown each, by the name that a page calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tools.reference.commands import commands
from tools.reference.failures import causes, sign_in_remedies
from tools.reference.jobs import job_keys, run_options
from tools.reference.rooms import messages

MADE: Final[Mapping[str, Callable[[], str]]] = {
    "commands": commands,
    "options": run_options,
    "job keys": job_keys,
    "causes": causes,
    "sign-in remedies": sign_in_remedies,
    "messages": messages,
}
"""`<!-- made: NAME -->` in a page stands for the text."""
