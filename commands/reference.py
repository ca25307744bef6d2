"""The reference: what the program says of itself, for the docs; `make docs` writes it there."""

from __future__ import annotations

from typing import Any

import typer

WIDTH = 78  # columns


def help_text(app: typer.Typer, *path: str) -> str:
    """The help of the program, or of the command with that name, in 80 columns."""
    return _help_of(typer.main.get_command(app), *path)


def reference(app: typer.Typer) -> str:
    """The help of every command, as Markdown; what a command consists of comes after it."""
    group: Any = typer.main.get_command(app)
    paths = [
        path
        for name, command in group.commands.items()
        for path in ((name,), *((name, part) for part in getattr(command, "commands", ())))
    ]
    return "".join(f"\n## {' '.join(path)}\n\n```text\n{_help_of(group, *path)}\n```\n" for path in paths)


def _help_of(command: Any, *path: str) -> str:
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = command.context_class(command, info_name="twinseed", **settings)
    for name in path:
        command = command.commands[name]
        context = command.context_class(command, info_name=name, parent=context, **settings)
    text: str = command.get_help(context)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
