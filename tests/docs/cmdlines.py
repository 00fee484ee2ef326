"""What cannot be run here is read: command lines in unit files and pipelines, PowerShell, YAML of others."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import click

from bulkexo.cli import root
from bulkexo.facts.catalogue import cmdlet as known

STARTS = re.compile(r"""(?:^|[\s;&|(='"/])bulkexo(?:\.exe)? (?P<rest>[^\n]*)""")
ENDS = re.compile(r"(?:\s(?:&&|\|\||[|;&>]|2>)|\)).*$")

OWN = frozenset(
    """
    Add-Content Compare-Object Connect-ExchangeOnline Connect-MgGraph ConvertFrom-Json ConvertTo-Json
    ConvertTo-SecureString Disconnect-ExchangeOnline Export-Certificate Export-Csv Export-PfxCertificate
    ForEach-Object Format-Table Get-ChildItem Get-Content Get-Date Get-Item Get-MgServicePrincipal Get-Random
    Group-Object Import-Csv Import-Module Install-Module Invoke-Expression Join-Path Measure-Object
    New-Item New-MgApplication New-MgServicePrincipal New-MgServicePrincipalAppRoleAssignment
    New-MgRoleManagementDirectoryRoleAssignment New-Object New-ScheduledTaskAction New-ScheduledTaskPrincipal
    New-ScheduledTaskSettingsSet New-ScheduledTaskTrigger New-SelfSignedCertificate Out-File Out-Null
    Out-String Read-Host Register-ArgumentCompleter Register-ScheduledTask Remove-Item Select-Object
    Set-Content Set-ScheduledTask Sort-Object Start-Sleep Test-Path Where-Object Write-Host Write-Output
    Write-Warning
    """.split()  # noqa: SIM905
)
"""Cmdlets of PowerShell itself and of other modules than Exchange Online's."""
COMMON = frozenset(
    """
    confirm debug erroraction errorvariable outvariable usecustomrouting verbose warningaction whatif
    """.split()  # noqa: SIM905
)
CMDLET = re.compile(r"^[A-Z][a-z]+-[A-Z]\w+$")
WORDS = re.compile(
    r"""@'\n.*?\n'@|@"\n.*?\n"@|'[^']*'|"(?:[^"`]|`.)*"|\#[^\n]*|`\n"""
    r"""|[\w.\-:$\\/%*+?!^~]+|[|;(){}\n&=@,\[\]<>]""",
    re.DOTALL,
)
"""A here-string, a text, a comment, a line that goes on, a word, a sign."""


def bulkexo_lines(text: str) -> Iterator[str]:
    """What stands after `bulkexo` wherever a line of a text calls it."""
    joined = re.sub(r"[\\`^]\n\s*", " ", text)
    for found in STARTS.finditer(joined):
        rest = ENDS.sub("", found["rest"]).strip()
        yield rest[:-1] if rest[-1:] in ("'", '"') and rest.count(rest[-1]) % 2 else rest


def parse_line(rest: str) -> None:
    """Reads a command line of bulkexo as it would, and runs nothing. Raises click.UsageError."""
    words = shlex.split(rest.replace("\\", "/"), comments=True)
    command: click.Command = root
    context = click.Context(root, info_name="bulkexo")
    while isinstance(command, click.Group):
        name = words.pop(0) if words else ""
        if name in ("--help", "--version"):
            return
        inner = command.get_command(context, name)
        if inner is None:
            raise click.UsageError(f"{command.name} has no command {name!r}.")
        command = inner
    if "--help" not in words:
        command.make_context(command.name, words, parent=context)


def command_lists(document: Any) -> Iterator[str]:
    """The command lines in a YAML document of others: lists that begin with `bulkexo`, and texts."""
    if isinstance(document, str):
        yield from bulkexo_lines(document)
    elif isinstance(document, list):
        if document and str(document[0]) == "bulkexo":
            yield shlex.join(map(str, document[1:]))
            return
        for member in document:
            yield from command_lists(member)
    elif isinstance(document, dict):
        if document.get("command") == ["bulkexo"]:
            yield shlex.join(map(str, document.get("args", [])))
        for name, member in document.items():
            if name not in ("command", "args") or document.get("command") != ["bulkexo"]:
                yield from command_lists(member)


def wrong_powershell(text: str) -> list[str]:
    """The cmdlets and parameters of a script that the catalogue does not know."""
    wrong, cmdlet = [], None
    for word in WORDS.findall(text):
        if word in ("|", ";", "\n", "{", "}", "("):
            cmdlet = None
        elif CMDLET.match(word):
            cmdlet = known(word)
            if cmdlet is None and word not in OWN:
                wrong.append(word)
        elif cmdlet is not None and re.match(r"^-[A-Za-z]", word):
            name = word[1:].partition(":")[0]
            if name.lower() not in COMMON and cmdlet.parameter(name) is None:
                wrong.append(f"{cmdlet.name} {word}")
    return wrong
