"""The template sandbox: fills in a Jinja2 template, one of a stranger's in a process that is ended when it takes too
much.

This file is also that process's program, and so imports nothing of the house.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jinja2
import jinja2.sandbox

MAX_INSTRUCTION_CHARACTERS = 100_000

#: Of what an error says, as an expression can make it say anything.
MAX_SAID_CHARACTERS = 500

#: What a stranger's template may take: seconds, once its process is there, and bytes of memory, the process's own
#: among them, on systems that keep to it.
LIMIT_S = 5.0
LIMIT_BYTES = 384 * 2**20

#: How long the process may take to come up, on the busiest machine.
_START_S = 60.0

#: Jinja's name for the code of a template that comes from a string.
_OURS = "<template>"

#: Where the system looks for libraries. Nothing else of the environment goes along: there are keys in it.
_ENVIRON = ("SYSTEMROOT", "LD_LIBRARY_PATH")


class Filled(NamedTuple):
    """What came of a template: its `text`, or how it failed (`fault`), in which line and what was `said` of it."""

    fault: Literal["", "long", "missing", "syntax", "expression", "memory", "time", "end"] = ""
    text: str = ""
    line: int | None = None
    said: str = ""


def fill(source: str, folder: Path, context: dict[str, Any]) -> Filled:
    """Fills in the template `source`, which may extend and include what is in `folder`, and nothing else."""
    # A sandbox: a template from a stranger reaches no files but our templates, and nothing of Python.
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    written: list[str] = []
    size = 0
    try:
        # In pieces, so that a loop gone wild is stopped before it fills the memory.
        for piece in environment.from_string(source).generate(**context):
            written.append(piece)
            size += len(piece)
            if size > MAX_INSTRUCTION_CHARACTERS:
                return Filled("long")
    except jinja2.TemplateNotFound as error:
        return Filled("missing", said=str(error.name))
    except jinja2.TemplateSyntaxError as error:
        return Filled("syntax", line=error.lineno, said=str(error))
    except MemoryError as error:
        return Filled("memory", line=_line(error))
    except Exception as error:  # noqa: BLE001 - whatever an expression in somebody's template can come to
        said = str(error) or type(error).__name__
        return Filled("expression", line=_line(error), said=said[:MAX_SAID_CHARACTERS])
    return Filled(text="".join(written))


def fill_in_child(source: str, folder: Path, context: dict[str, Any], limit_s: float = LIMIT_S) -> Filled:
    """The same in a process of its own, where what never ends, or would fill the memory, is ended."""
    asked = json.dumps({"source": source, "folder": str(folder), "context": context, "limit_s": limit_s})
    try:
        done = subprocess.run(  # noqa: S603 - this very file
            [sys.executable, "-S", "-s", "-P", __file__],
            input=asked.encode(),
            capture_output=True,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            | {key: os.environ[key] for key in _ENVIRON if key in os.environ},
            timeout=_START_S + limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Filled("time")
    if done.returncode == 0:
        return Filled(*json.loads(done.stdout))
    said = done.stderr.decode(errors="replace").strip()
    if said.startswith("Timeout"):  # of faulthandler's watchdog
        return Filled("time")
    return Filled("end", said=said.splitlines()[-1] if said else f"exit code {done.returncode}")


def _line(error: Exception) -> int | None:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _OURS]
    return lines[-1] if lines else None


def _main() -> None:
    asked = json.load(sys.stdin.buffer)
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has none, macOS does not keep to it
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    # A thread without Python in it: it ends the process in the middle of a computation, on every system.
    faulthandler.dump_traceback_later(asked["limit_s"], exit=True)
    filled = fill(asked["source"], Path(asked["folder"]), asked["context"])
    faulthandler.cancel_dump_traceback_later()
    json.dump(filled, sys.stdout)


if __name__ == "__main__":
    _main()
