"""`twinseed page`: the Streamlit page."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import Runs, runs_folder

_HOST = "The address to listen at. Any but this computer's own needs a password in TWINSEED_PAGE_PASSWORD."


def page(
    host: Annotated[
        str,
        typer.Option(
            metavar="H",
            help="The address to listen at. Any but this computer's own needs a password in TWINSEED_PAGE_PASSWORD.",
            show_default=True,
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="P", min=0, max=65535, show_default=True)] = 8501,
    runs: Runs = None,
) -> None:
    """Open the Streamlit page."""
    from compare.page.server import serve

    serve(host=host, port=port, runs=runs_folder(runs))
