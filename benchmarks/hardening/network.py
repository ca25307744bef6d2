"""Servers that hang, flood, lie or break off: each fault is asked by both expanders that speak to servers.

    python benchmarks/hardening/network.py [--only WORD] [--write docs/security.md]

Every trial runs in a process of its own, against a real server on the loopback interface that knows nothing of HTTP but
what the fault needs. It must end within the deadline and a second, in less than 200 MB more than before, with the draft
where the answer is only odd, and with an error that names the true reason where it is none; nothing that is said may
hold the key, in plain.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import re
import tempfile
import traceback
import warnings

from loopback import KEY, WIRES, RawServer, Wire

from benchmarks.hardening.child import Outcome, in_child
from benchmarks.hardening.fixtures.faults import DEADLINE_S, Fault, everything
from benchmarks.hardening.table import Table, arguments
from ideation import DraftRequest, TwinseedError, typed_concept
from ideation.expanders.llm.gemini import GeminiExpander
from ideation.expanders.llm.openai_compatible import OpenAIExpander

LIMIT_MB = 200.0


def ask(fault: Fault, wire: Wire, url: str) -> bool:
    """Whether there was a draft. Raises `TwinseedError`, which holds no key."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    os.environ.update(fault.environ)
    try:
        expander = wire.expander(url, fault.deadline_s)
        assert isinstance(expander, GeminiExpander | OpenAIExpander)
        if fault.lists and wire.name == "openai":
            expander = OpenAIExpander(KEY, None, f"{url}/v1", fault.deadline_s)
        if fault.shows:
            return bool(expander.ask(["What is this?", b"\x89PNG"]))
        draft = expander.draft(DraftRequest(typed_concept("a dog"), seed=7, token_limit=77))
    except TwinseedError as error:
        said = "".join(traceback.format_exception(error)) + error.message + error.hint
        if KEY in said:
            raise AssertionError("the key is told") from None
        raise
    return draft.simple == "a dog"


def lost(fault: Fault, outcome: Outcome) -> str:
    """What went wrong with it, or ""."""
    if outcome.crashed:
        return outcome.crashed.strip()[-300:]
    if fault.named and not re.search(fault.named, outcome.refused):
        return f"named no true reason: {outcome.refused or 'there was a draft'}"
    if not fault.named and outcome.value is not True:
        return f"no draft: {outcome.refused}"
    if outcome.seconds > fault.deadline_s + 1:
        return f"took {outcome.seconds:.1f} s"
    return f"took {outcome.megabytes:.0f} MB" if outcome.megabytes > LIMIT_MB else ""


def tried(fault: Fault, wire: Wire) -> Outcome:
    with RawServer(fault.answers(wire), tls=fault.tls, host=fault.host, reads=fault.reads) as server:
        url = fault.url.replace("{here}", server.address) or server.url
        return in_child(lambda: ask(fault, wire, url), DEADLINE_S + 10)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", metavar="WORD", help="the faults that have it in their kind or name")
    parser.add_argument("--verbose", action="store_true", help="say of each how it ended")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package announces its own end of life
        import google.ai.generativelanguage
        import google.generativeai  # noqa: F401
        import openai  # noqa: F401
    table = Table("network", ("MB", "seconds"))
    with tempfile.TemporaryDirectory() as folder:
        for fault in everything(Path(folder)):
            if options.only and options.only not in f"{fault.kind} {fault.name}":
                continue
            for wire in WIRES:
                outcome = tried(fault, wire)
                if wrong := lost(fault, outcome):
                    wrong = f"{fault.name}, {wire.name}: {wrong}"
                if options.verbose:
                    ended = outcome.refused or outcome.crashed[-200:] or "a draft"
                    figures = f"{outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"
                    print(f"{fault.kind}: {fault.name}, {wire.name}: {figures}: {ended[:160]}", flush=True)
                table.add(fault.kind, wrong, MB=outcome.megabytes, seconds=outcome.seconds)
    return table.finish("python benchmarks/hardening/network.py", options.write)


if __name__ == "__main__":
    sys.exit(main())
