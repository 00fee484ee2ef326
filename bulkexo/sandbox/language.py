"""Messages in the tenant's language for who does not ask for English (`protocol.md`, "Second reading:
Request": `Accept-Language: en-US`, or messages come localised). The types of errors stay what they are;
only the texts change.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from bulkexo.sandbox.errors import CmdletError

_TEXTS: Final = (
    (
        re.compile(
            r"The operation couldn't be performed because object '(.*)' couldn't be found on '(.*)'\."
        ),
        r"Der Vorgang konnte nicht ausgeführt werden, da das Objekt '\1' auf '\2' nicht gefunden wurde.",
    ),
    (
        re.compile(r"The command completed successfully but no settings of '(.*)' have been modified\."),
        r"Der Befehl wurde erfolgreich abgeschlossen, es wurden aber keine Einstellungen von '\1' geändert.",
    ),
    (
        re.compile(r'The recipient "(.*)" is already a member of the group "(.*)"\.'),
        r'Der Empfänger "\1" ist bereits Mitglied der Gruppe "\2".',
    ),
)
_ANY_OTHER: Final = "Der Vorgang konnte nicht ausgeführt werden."


def localised(text: str) -> str:
    """A message in German."""
    for pattern, words in _TEXTS:
        if pattern.fullmatch(text):
            return pattern.sub(words, text)
    return _ANY_OTHER


def speaks(language: str, accepted: str) -> bool:
    """Whether messages come in the tenant's language. accepted: the header Accept-Language, "" without."""
    return language != "en" and not accepted.strip().lower().startswith("en")


def error_in(error: CmdletError) -> CmdletError:
    """The same complaint in German."""
    return replace(error, text=localised(error.text))
