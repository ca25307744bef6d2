"""The front page: the one file that a browser loads first, whatever screen it asks for."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from compare.page.gates.origin import language_of
from templates import LANGUAGES

#: Tells Streamlit's script where its server is: beside the screen. By itself it would look below the screen first.
_SCRIPT = "<script>window.__streamlit = {BACKEND_BASE_URL: new URL('./', location.href).href}</script>"
_SCREEN = re.compile(r"/([a-z]*)(/?)")


def front_page(streamlits: str) -> str:
    """Streamlit's own page, made ours.

    >>> front_page("<head><title>Streamlit</title>")[-23:]
    '<title>Twinseed</title>'
    """
    return streamlits.replace("<head>", f"<head>\n    {_SCRIPT}", 1).replace(
        "<title>Streamlit</title>", "<title>Twinseed</title>", 1
    )


class FrontPage:
    """Answers for every screen with `page`, in the reader's language as far as a file can be; all else is `app`'s."""

    def __init__(self, app: ASGIApp, page: str) -> None:
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        screen = _SCREEN.fullmatch(scope["path"]) if scope["type"] == "http" else None
        if screen is None or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
        elif screen[1] and screen[2]:  # its own files lie beside it, not below; relative, for whatever stands before us
            query = scope["query_string"].decode("latin-1")
            there = RedirectResponse(f"../{screen[1]}{'?' if query else ''}{query}", 307)
            await there(scope, receive, send)
        else:
            request = Request(scope)
            asked = request.query_params.get("lang")
            language = asked if asked in LANGUAGES else language_of(request)
            page = self._page.replace('<html lang="en">', f'<html lang="{language}">', 1)
            await HTMLResponse(page, headers={"cache-control": "no-cache"})(scope, receive, send)
