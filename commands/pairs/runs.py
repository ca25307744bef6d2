"""`twinseed runs`: the gallery from the shell. What is deleted goes to a trash folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from commands.terminal import completion
from commands.terminal.console import print_table, say
from commands.terminal.options import AsJson, OptionError, Runs, run_of, runs_folder

LIST = "list"


class ListUnlessNamed(TyperGroup):
    """A group of commands that lists where none of them is named: what is typed then are words to look for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        if first not in self.commands and first not in ctx.help_option_names:
            if first.startswith("-") and (named := [word for word in args if word in self.commands]):
                raise OptionError(
                    "the options stand before the command {command}",
                    hint="name the command first, as in twinseed runs {command} ...; or look for that word with "
                    "twinseed runs list {command}",
                    command=named[0],
                )
            args = [LIST, *args]
        return super().parse_args(ctx, args)


runs_app = typer.Typer(
    cls=ListUnlessNamed,
    help="List the runs there are, delete some, or make their index anew.\n\n"
    "Without a command it lists: twinseed runs dog bicycle is twinseed runs list dog bicycle.",
    rich_markup_mode=None,
    subcommand_metavar="[WORDS]... | COMMAND [ARGS]...",
)


@runs_app.command(LIST)
def list_runs(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORDS", help="Each must be in the concept, a prompt, the settings or the name."),
    ] = None,
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """List the runs that have all these words in them, the newest first."""
    from compare.runs import Gallery

    gallery = Gallery(runs_folder(runs))
    listing = gallery.listing(limit=-1, query=" ".join(words or ()))
    for one in listing.left_out:
        say(f"note: {one.name} is left out: {one.problem.message}; {one.problem.hint}")
    if as_json:
        rows = [asdict(row) | {"folder": str(gallery.root / row.name)} for row in listing.rows]
        print(json.dumps(rows, ensure_ascii=False))
    elif listing.rows:
        print_table(
            [
                {"name": row.name, "pairs": row.images, "model": row.model, "concept": row.concept}
                for row in listing.rows
            ]
        )
    else:
        say(f"note: there are no {'such runs' if words else 'runs'} in {gallery.root}")


@runs_app.command("delete")
def delete_runs(
    names: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Names of runs, their folders, or last.", autocompletion=completion.runs),
    ],
    runs: Runs = None,
) -> None:
    """Move runs into the folder .trash beside them; moved back from there, they are as they were."""
    found = [run_of(name, runs) for name in names]
    wanted = {gallery.require_run(name): (gallery, name) for gallery, name in found}  # all, before the first is moved
    for gallery, name in wanted.values():
        print(gallery.delete(name))
        say(f"deleted {name}; to have it back, move it to {gallery.root}")


@runs_app.command("rebuild")
def rebuild_index(runs: Runs = None) -> None:
    """Make the index of the runs anew from their folders, and put away what killed programs have left."""
    from compare.runs import Gallery

    gallery = Gallery(runs_folder(runs))
    count = gallery.rebuild()
    print(f"{count} {'run' if count == 1 else 'runs'} in the index of {gallery.root}")
