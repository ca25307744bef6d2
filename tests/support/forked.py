"""The program in a process of its own, forked from this one: it has all libraries and the model,
and its work begins at once. Its reports have no charts: what draws them does not work in a copy of a process that has
drawn some."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from typing import IO, Any

from commands.program import run_program


class Forked:
    """`twinseed` with those arguments, under way. What it says is kept; `kill` ends it without a word.

    `code` and `out`, what it put on standard output, are there when it has ended.
    """

    def __init__(self, *arguments: str) -> None:
        self.code: int | None = None
        self.out = ""
        self._out = tempfile.TemporaryFile()  # noqa: SIM115 - as the next
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():  # newer Pythons warn of threads, which the child does not have
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if not self._pid:
            self._become(["twinseed", *arguments])

    def _become(self, argv: list[str]) -> None:
        code: Any = 1
        try:
            os.dup2(self._out.fileno(), 1)
            os.dup2(self._said.fileno(), 2)
            for name in ("SIGTERM", "SIGHUP"):
                signal.signal(signal.Signals[name], signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            sys.argv = argv
            run_program()
        except SystemExit as end:
            code = end.code
        except BaseException:  # noqa: BLE001 - the process ends here, whatever happened
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code if isinstance(code, int) else 1)

    def ended(self) -> bool:
        """Whether it has ended by now."""
        if self.code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def send(self, how: signal.Signals) -> bool:
        """Sends it a signal; whether it was still at work then."""
        if self.ended():
            return False
        os.kill(self._pid, how)
        return True

    def said(self) -> str:
        """What it has said on standard error by now."""
        return _text_in(self._said)

    def kill_when(self, happened: Callable[[Forked], bool], within_s: float = 240.0) -> None:
        """Kills it as soon as that has happened."""
        deadline = time.monotonic() + within_s
        try:
            while not happened(self):
                assert time.monotonic() < deadline, self.said()
                assert not self.ended(), f"it was done before it could be killed: {self.said()}"
                time.sleep(0.003)  # to look takes processor time from it
        finally:
            self.send(signal.SIGKILL)
            self.end()

    def end(self, within_s: float = 240.0) -> str:
        """Waits until it has ended, and returns what it said on standard error."""
        deadline = time.monotonic() + within_s
        while not self.ended():
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
                deadline += within_s
            time.sleep(0.002)
        with self._said, self._out:
            self.out = _text_in(self._out)
            return self.said()


def _text_in(file: IO[bytes]) -> str:
    """All that is in it, read in place: to seek would move where the other process writes."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode(errors="replace")
