"""API keys: checked before they are sent, and taken out of everything that is said."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ideation.expanders.errors import BadRequest, RefusedKey

# Servers like to repeat a key, or its first and last letters, in what they say about it.
_KEY_LIKE = re.compile(r"\b(?:sk|AIza)[-\w*.]{6,}")


def checked_key(key: str, variable: str) -> str:
    """The key itself. Raises `RefusedKey`, without showing it, when it cannot be sent in a header."""
    if not key or not all("!" <= character <= "~" for character in key):
        raise RefusedKey(
            f"{variable} is empty" if not key else f"{variable} contains spaces, line breaks or letters outside ASCII",
            hint=f"set {variable} to the key alone, as its provider shows it",
        )
    return key


def without_key(text: str, key: str) -> str:
    """The text with the key, and whatever looks like one, replaced."""
    return _KEY_LIKE.sub("(key)", text.replace(key, "(key)") if key else text)


def server_of(url: str, variable: str) -> str:
    """Host and port of a server's address, to name it: an address may hold a password. Raises `BadRequest`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise BadRequest(
            f"{variable} is not the address of a server",
            hint=f"give one as in {variable}=http://127.0.0.1:11434/v1",
        )
    return f"{host}:{port}" if port else host
