"""The reference: what the program says of itself, for the docs; `make docs` writes it there."""

from __future__ import annotations

from typing import Any

import typer

WIDTH = 78  # columns


def help_text(app: typer.Typer, *path: str) -> str:
    """The help of the program, or of the command with that name, in 80 columns."""
    command: Any = typer.main.get_command(app)
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = command.context_class(command, info_name="twinseed", **settings)
    for name in path:
        command = command.commands[name]
        context = command.context_class(command, info_name=name, parent=context, **settings)
    text: str = command.get_help(context)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def reference(app: typer.Typer) -> str:
    """The help of every command, as Markdown."""
    group: Any = typer.main.get_command(app)
    return "".join(f"\n## {name}\n\n```text\n{help_text(app, name)}\n```\n" for name in group.commands)
