"""`bulkexo completion`: a script for the shell, which then completes commands, options and their values."""

from __future__ import annotations

import os
from typing import ClassVar

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, get_completion_class

from bulkexo.cli.terminal import put

SHELLS = ("bash", "zsh", "fish", "powershell")
POWERSHELL = r"""Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.StartOffset -ge $cursorPosition) { break }
        $value = $element.Value  # of a word, without its quotes
        if ($null -ne $value) { $value } else { $element.Extent.Text }
    }
    $before = $env:COMP_WORDS, $env:COMP_WORD
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
        $env:%(complete_var)s = 'powershell_complete'
        $env:COMP_WORDS = @($words) -join "`n"
        $env:COMP_WORD = $wordToComplete
        & %(prog_name)s | ForEach-Object {
            $type, $value, $help = $_ -split "`t", 3
            if ($type -eq 'plain') {
                $text = $value
                if ($value -match '[\s''&|;()<>{}@`$]') { $text = "'" + $value.Replace("'", "''") + "'" }
                if (-not $help) { $help = $value }
                [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $help)
            }
        }
    } finally {
        Remove-Item Env:%(complete_var)s
        $env:COMP_WORDS, $env:COMP_WORD = $before
        [Console]::OutputEncoding = $encoding
    }
}
"""
"""Where nothing is returned, as for files, PowerShell completes files by itself."""


class PowerShellComplete(ShellComplete):
    """PowerShell, 5.1 and later: a tab between the type of an item, its value and its help."""

    name: ClassVar[str] = "powershell"
    source_template: ClassVar[str] = POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is typed, and that one."""
        words, incomplete = os.environ.get("COMP_WORDS", "").split("\n")[1:], os.environ.get("COMP_WORD", "")
        if incomplete and words and words[-1] == incomplete.strip("'\""):
            words.pop()
        return words, incomplete.strip("'\"")

    def format_completion(self, item: CompletionItem) -> str:
        """A line."""
        return f"{item.type}\t{item.value}\t{item.help or ''}"


add_completion_class(PowerShellComplete)


@click.command()
@click.argument("shell", type=click.Choice(SHELLS, case_sensitive=False))
def completion(shell: str) -> None:
    """Print the script by which a shell completes what is typed after `bulkexo`.

    \b
    Example:
      bash         eval "$(bulkexo completion bash)"          in ~/.bashrc
      zsh          eval "$(bulkexo completion zsh)"           in ~/.zshrc
      fish         bulkexo completion fish | source           in config.fish
      PowerShell   bulkexo completion powershell | Out-String | Invoke-Expression
                                                              in $PROFILE

    A new shell then completes commands, options, cmdlets after --cmdlet, the folders of runs, profiles.
    """
    from bulkexo.cli import COMPLETE, root

    found = get_completion_class(shell.lower())
    if found is None:
        raise click.BadParameter(shell)
    source = found(root, {}, "bulkexo", COMPLETE)
    put((source.source_template % source.source_vars()).encode())
