"""The download of an answer: at most 1 MB of it, packed or unpacked, as text in UTF-8, before the deadline is over.

Both HTTP clients hand each response over before they read it, so whatever a server sends goes through here: answers,
errors, lists of models and the bodies of redirects.
"""

from __future__ import annotations

import codecs
import json
import re
import time
import zlib
from collections.abc import Iterable, Mapping
from urllib.parse import urljoin, urlsplit

from ideation.expanders.errors import DeadlineExceeded, NotTrusted, UnreadableResponse, shortened

#: An answer is some thousand bytes, the longest lists of models are some hundred thousand.
MAX_BYTES = 1_000_000

#: What to ask servers for: these can be unpacked bit by bit.
ACCEPTED_ENCODINGS = "gzip, deflate"

#: A shorter key may be a word that belongs into the answer.
_SHORTEST_SECRET = 16

#: Codecs that are no charset of a page, or that take a minute for a megabyte.
_NO_CHARSETS = frozenset(("idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "utf-7"))

_PORTS = {"http": 80, "https": 443}


class Download:
    """What comes back from `server` for one request, whose address stands in `variable`, until `timeout_s` are over."""

    def __init__(self, *, server: str, variable: str, key: str, timeout_s: float) -> None:
        self._server = server
        self._variable = variable
        self._key = key
        self._end = time.monotonic() + timeout_s

    def read(self, headers: Mapping[str, str], chunks: Iterable[bytes]) -> bytes:
        """The body in UTF-8 without the key, from the `chunks` that come over the wire.

        Raises `UnreadableResponse` where it is too long or cannot be unpacked, `DeadlineExceeded`, and what the chunks
        raise.
        """
        length = headers.get("content-length", "").strip().lstrip("0")
        if length.isdecimal() and (len(length) > 9 or int(length) > MAX_BYTES):
            raise self._too_long()
        content = bytearray()
        for chunk in chunks:
            content += chunk
            if len(content) > MAX_BYTES:
                raise self._too_long()
            if time.monotonic() > self._end:
                raise DeadlineExceeded(
                    "{server} gave no answer in time",
                    hint="set TWINSEED_LLM_DEADLINE to more seconds, or try again later",
                    server=self._server,
                )
        text = _text(self._unpacked(bytes(content), headers.get("content-encoding", "")), headers)
        if len(self._key) >= _SHORTEST_SECRET:
            text = text.replace(self._key, "(key)")
        return text.encode("utf-8", "replace")

    def check_redirect(self, url: str, location: str) -> None:
        """Raises `NotTrusted` where an answer sends on to what is no server, or another than was asked: the key and the
        concept are for that one alone. From http to https on the same host is fine."""
        try:
            old, new = urlsplit(url), urlsplit(urljoin(url, location))
            same = old.hostname == new.hostname and (
                (old.scheme, old.port or _PORTS.get(old.scheme)) == (new.scheme, new.port or _PORTS.get(new.scheme))
                or (old.scheme, new.scheme) == ("http", "https")
            )
        except ValueError:
            same = False
        if not same:
            raise NotTrusted(
                "{server} sends on to another address, to which neither concept nor key may go: {location}",
                hint="write the address of the server that answers into {variable}",
                server=self._server,
                location=shortened(location.replace(self._key, "(key)") if self._key else location),
                variable=self._variable,
            )

    def _unpacked(self, content: bytes, encodings: str) -> bytes:
        """Without the layers that are named, the last one first, of which none may be too long."""
        for encoding in reversed([name.strip().casefold() for name in encodings.split(",")]):
            if not content or encoding in ("", "identity"):
                continue
            if encoding in ("gzip", "x-gzip"):
                bits = 16 + zlib.MAX_WBITS
            elif encoding == "deflate":  # some leave out the header that it ought to have
                bits = zlib.MAX_WBITS if content[0] & 15 == 8 else -zlib.MAX_WBITS
            else:
                raise self._unreadable(encoding)
            stream = zlib.decompressobj(bits)
            try:
                content = stream.decompress(content, MAX_BYTES + 1)
            except zlib.error:
                raise self._unreadable(encoding) from None
            if len(content) > MAX_BYTES:
                raise self._too_long()
            if not stream.eof:
                raise self._unreadable(encoding)
        return content

    def _too_long(self) -> UnreadableResponse:
        return UnreadableResponse(
            "{server} sends more than {limit} MB, which is no answer of a language model",
            hint="check {variable}",
            server=self._server,
            limit=MAX_BYTES // 1_000_000,
            variable=self._variable,
        )

    def _unreadable(self, encoding: str) -> UnreadableResponse:
        return UnreadableResponse(
            "{server} packed its answer so that it cannot be unpacked ({encoding})",
            hint="check {variable}, and what stands between",
            server=self._server,
            encoding=shortened(encoding),
            variable=self._variable,
        )


def _text(content: bytes, headers: Mapping[str, str]) -> str:
    """By its first bytes, as JSON is read; and by the charset that the server names where it is no UTF-8."""
    encoding = json.detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        named = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", headers.get("content-type", ""), re.IGNORECASE)
    try:
        name = codecs.lookup(named[1]).name if named else encoding
        return content.decode(encoding if name in _NO_CHARSETS else name, "replace")
    except LookupError:  # of a name that is no charset's
        return content.decode(encoding, "replace")
