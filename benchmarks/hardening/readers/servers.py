"""Servers of language models: the bodies of their answers, by way of the packages that ask them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import WIRES, LoopbackServer, Reply, Wire

from benchmarks.hardening.readers.reader import Reader
from benchmarks.hardening.readers.words import ANSWER
from ideation import DraftRequest, typed_concept


def _server(wire: Wire, status: int) -> Callable[[Path], Callable[[str], Any]]:
    def build(_: Path) -> Callable[[str], Any]:
        server = LoopbackServer([Reply()]).__enter__()
        expander = wire.expander(server.url, 4.0)

        def read(text: str) -> None:
            server._replies[:] = [Reply(status, text)]
            server.requests.clear()
            expander.draft(DraftRequest(typed_concept("a dog"), 7, 77))

        return read

    return build


SERVERS = tuple(
    Reader(f"the body of {wire.name}'s answer, status {status}", _server(wire, status), (sample.body,))
    for wire in WIRES
    for status, sample in ((200, wire.says(json.dumps(ANSWER))), (400, wire.fails(400, "no such model")))
)
