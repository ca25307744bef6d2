"""`twinseed page`: the Streamlit page."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.terminal.console import say
from commands.terminal.options import Runs, runs_folder


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
    shared: Annotated[
        bool, typer.Option("--shared", help="Behind a password, show everybody all runs, not only their own.")
    ] = False,
    address: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where browsers find the page when a proxy stands before it, as of Colab, Jupyter or nginx. Any but "
            "this computer's own needs the password.",
        ),
    ] = None,
) -> None:
    """Open the Streamlit page."""
    from compare.page.gates.public_address import PublicAddress
    from compare.page.server import serve

    public = None if address is None else PublicAddress.parse(address)
    if public is not None:
        say(f"The page listens at {host}:{port} and is opened at {public}")
    serve(host=host, port=port, runs=runs_folder(runs), shared=shared, public=public)
