"""The key that somebody types on the page: for this one tab, and nowhere but in the server's memory."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from urllib.parse import urlsplit

import streamlit as st

from compare.page.gates.password import VARIABLE as PASSWORD
from ideation import TwinseedError, choose_expander

Provider = Literal["gemini", "openai"]
PROVIDERS: tuple[Provider, ...] = ("gemini", "openai")
MOST_CHARACTERS = 500
_BLANKS = " \t\r\n\u00a0\u200b\u2060\ufeff\u3000"
_STATE = "typed_key"


class TypedKeyError(TwinseedError):
    """A key or an address that cannot be used. It never repeats the key."""


@dataclass(frozen=True)
class TypedKey:
    """Who is asked, with which key, and at which address; "" is the provider's own, and a key of "" suits a server that
    asks for none."""

    provider: Provider
    secret: str = field(repr=False)
    address: str = ""

    @classmethod
    def of(cls, provider: Provider, secret: str, address: str) -> TypedKey:
        """What was typed, without the blanks that came along when it was copied. Raises `TypedKeyError`."""
        secret, address = secret.strip(_BLANKS), address.strip(_BLANKS)
        if not secret and not address:
            raise TypedKeyError("there is no key in the field", hint="paste the key as its provider shows it")
        if not all("!" <= character <= "~" for character in secret):
            raise TypedKeyError(
                "the key has spaces, line breaks or letters in it that no key has",
                hint="paste the key alone, as its provider shows it",
            )
        if provider == "gemini":
            if address:
                raise TypedKeyError("Gemini takes no address", hint="leave it empty, or choose the compatible server")
            if not secret:
                raise TypedKeyError("there is no key in the field", hint="paste the key as its provider shows it")
        elif address:
            _check_address(address)
        return cls(provider, secret, address)

    def environ(self, server: Mapping[str, str]) -> dict[str, str]:
        """The variables that expanders are set up from: those of the `server`, this key and address in their place."""
        if self.provider == "gemini":
            return {**server, "GEMINI_API_KEY": self.secret}
        return {**server, "OPENAI_API_KEY": self.secret, "OPENAI_BASE_URL": self.address}


def typed_key() -> TypedKey | None:
    """The one of this tab."""
    found: TypedKey | None = st.session_state.get(_STATE)
    return found


def environ_of_tab() -> Mapping[str, str]:
    """What expanders are set up from: the server's keys and addresses, or this tab's own in their place."""
    key = typed_key()
    return os.environ if key is None else key.environ(os.environ)


def chosen_for(expander: str) -> str:
    """What an expander's name stands for here: "auto" is the one that a key was typed for, else the server's."""
    if expander != "auto":
        return expander
    key = typed_key()
    return automatic_expander() if key is None else key.provider


@lru_cache(maxsize=1)
def automatic_expander() -> str:
    """Which expander "auto" stands for without a typed key. The server's environment does not change."""
    return choose_expander("auto", llm_model=None, environ=os.environ).name


def keep_typed_key(key: TypedKey | None) -> None:
    """For this tab, until it is closed or loaded again; None forgets it."""
    st.session_state[_STATE] = key


def _check_address(address: str) -> None:
    """Raises `TypedKeyError` for what is no server's address, and where a stranger would have this server ask its own
    network."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.query or parts.fragment:
        raise TypedKeyError(
            "this is not the address of a server",
            hint="give one as in https://example.org/v1, and the key in its field",
        )
    own = os.environ.get("OPENAI_BASE_URL", "").strip()
    if os.environ.get(PASSWORD) and address.rstrip("/") != own.rstrip("/") and not _is_public(host, port or 443):
        raise TypedKeyError(
            "{host} is not a public server, and this page is open to a network",
            hint="give a public server's address; whoever runs this page can name another one for everybody",
            host=host,
        )


def _is_public(host: str, port: int) -> bool:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(one[4][0]).partition("%")[0]).is_global for one in found)
