"""The server: starts Streamlit on the page's script, closed to the outside and asking nobody for anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

from compare.page.context import SHELVES
from compare.page.gates.browser_cookie import BrowserCookie
from compare.page.gates.front_page import FrontPage, front_page
from compare.page.gates.origin import SameOrigin
from compare.page.gates.password import VARIABLE as PASSWORD
from compare.page.gates.password import PasswordGate, checked_password
from compare.page.gates.public_address import BasePath, PublicAddress

SCRIPT = Path(__file__).with_name("app.py")

_SANS = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang TC", '
    '"Microsoft JhengHei", "Noto Sans CJK TC", "Noto Sans TC", sans-serif'
)
_SERIF = (
    '"Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", Georgia, "Noto Serif", "Songti TC", '
    '"Noto Serif CJK TC", "Noto Serif TC", PMingLiU, serif'
)

#: The report's colours and fonts, so that a run looks the same here and there.
_THEME: dict[str, Any] = {
    "theme.font": _SANS,
    "theme.headingFont": _SERIF,
    "theme.headingFontWeights": [500, 500, 600, 600, 600, 600],
    "theme.baseRadius": "10px",
    "theme.light.primaryColor": "#0f6b5c",
    "theme.light.backgroundColor": "#fbfaf6",
    "theme.light.secondaryBackgroundColor": "#f1eee6",
    "theme.light.textColor": "#23221f",
    "theme.light.borderColor": "#ddd8cc",
    "theme.light.sidebar.backgroundColor": "#f4f1e9",
    "theme.light.sidebar.secondaryBackgroundColor": "#fbfaf6",
    "theme.dark.primaryColor": "#3f9c87",
    "theme.dark.backgroundColor": "#161715",
    "theme.dark.secondaryBackgroundColor": "#24251f",
    "theme.dark.textColor": "#ebe8e0",
    "theme.dark.borderColor": "#3b3c35",
    "theme.dark.sidebar.backgroundColor": "#1c1d1a",
    "theme.dark.sidebar.secondaryBackgroundColor": "#26271f",
}

#: All the ways in that the page does not need; somebody's own Streamlit configuration may have opened one.
_CLOSED: dict[str, Any] = {
    "global.developmentMode": False,
    "server.enableCORS": True,
    "server.corsAllowedOrigins": [],
    "server.enableXsrfProtection": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.maxUploadSize": 64,  # MB: a file stays in memory; a photograph of the largest size that is read has half
    "client.allowedOrigins": [],  # of pages that may show this one and press its buttons
    "client.showErrorLinks": False,  # they would take an error's words to a search engine
}
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared with, not listened at


def serve(host: str, port: int, runs: Path, *, shared: bool = False, public: PublicAddress | None = None) -> None:
    """Serves the page at `http://host:port` until Ctrl-C; runs are kept in the folder `runs`. On a network each browser
    sees only the runs that it made, unless they are `shared`. `public` is where browsers find a proxy that stands
    before it.

    A job that is under way then stops at its next step, and what was finished of it is written. Raises
    `PageAddressError` where a network could reach it and no password is set.
    """
    password = checked_password(host, os.environ.get(PASSWORD))
    if public is not None:
        checked_password(public.name, password)
    import streamlit as st
    from starlette.middleware import Middleware

    from compare.page.worker import the_worker

    os.environ["TWINSEED_RUNS"] = str(runs.absolute())  # the way in which Streamlit's script gets to know
    own = front_page((Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8"))
    gates = [Middleware(BasePath, path=public.path)] if public is not None and public.path else []
    known_as = public.host if public is not None else ""
    gates.append(Middleware(SameOrigin, loopback_only=password is None, page=own, public=known_as))
    if password is not None:
        gates.append(Middleware(PasswordGate, password=password))
    gates += [Middleware(BrowserCookie), Middleware(FrontPage, page=own)]
    os.environ[SHELVES] = "" if shared or password is None else "1"
    app = st.App(SCRIPT, middleware=gates)
    try:
        app.run(
            config={
                "server.address": host,
                "server.port": port,
                "server.headless": True,  # no question for an e-mail address, no browser opened by itself
                "server.fileWatcherType": "none",
                "browser.gatherUsageStats": False,
                **({"browser.serverAddress": _own_address()} if host in _EVERYWHERE else {}),
                # Streamlit would ask a server on the web whether that name is ours, and cannot print its address.
                **({"browser.serverAddress": public.name, "logger.hideWelcomeMessage": True} if public else {}),
                **_CLOSED,
                # A network is told of a crash, and of nothing in it.
                "client.showErrorDetails": "full" if password is None else "type",
                "client.toolbarMode": "minimal",
                # With torch loaded a full collection takes a second and more, and progress is asked for all the time.
                "runner.postScriptGC": False,
                "global.disableWidgetStateDuplicationWarning": True,  # on purpose: see `held` in kept_form.py
                **_THEME,
            }
        )
    finally:
        the_worker().close()
    raise KeyboardInterrupt  # it ends only when it is told to, and does not always say so itself


def _own_address() -> str:
    """The address by which others reach this computer, as its own tables have it: Streamlit would ask a server on the
    web."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # looks up the way there; nothing is sent
        except OSError:
            return "localhost"
        return str(probe.getsockname()[0])
