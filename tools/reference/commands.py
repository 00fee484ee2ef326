"""Every command of bulkexo with its options, as click knows them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from bulkexo.cli import COMMANDS, root
from bulkexo.options import NAMES
from tools.reference.tables import code, escaped, table

EXAMPLE = re.compile(r"^(Examples?|Start with):\s*")


def commands() -> str:
    """A section for each command."""
    context = click.Context(root, info_name="bulkexo")
    return "\n".join(part for name in COMMANDS for part in _command(context, name))


def _command(above: click.Context, name: str) -> Iterator[str]:
    command = above.command.get_command(above, name) if isinstance(above.command, click.Group) else None
    if command is None:
        raise LookupError(f"There is no command {name}.")
    context = click.Context(command, info_name=name, parent=above)
    yield f"{'#' * (len(context.command_path.split()))} {context.command_path}\n"
    yield f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    yield _words(command)
    own = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    shared = {each.name for each in own} >= NAMES
    shown = [each for each in own if not (shared and each.name in NAMES) and "--help" not in each.opts]
    records = [record for each in shown if (record := each.get_help_record(context)) is not None]
    if records:
        yield table(["option", "what it does"], [(code(flags), escaped(help)) for flags, help in records])
    if shared:
        yield "And the [options of a run](options.md).\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _command(context, inner)


def _words(command: click.Command) -> str:
    """The text of its --help, the examples in it as code."""
    parts = []
    for paragraph in inspect.cleandoc(command.help or "").replace("\b\n", "").split("\n\n"):
        if EXAMPLE.match(paragraph):
            lines = [line.strip() for line in EXAMPLE.sub("", paragraph).splitlines()]
            parts.append("```console\n" + "\n".join(f"$ {line}" for line in lines if line) + "\n```")
        else:
            parts.append(escaped(paragraph))
    return "\n\n".join(parts) + "\n"
