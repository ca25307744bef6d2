"""Many hand-ins, gathered one by one or, where they are many, by a process for each core."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from pathlib import Path

from compare.homework.archive import BundleError
from compare.homework.classroom.content import Refused, in_all_languages
from compare.homework.classroom.hand_ins.hand_in import Check, Gathered, gather
from compare.homework.verification import verify_bundle
from generate.files import PictureError
from ideation import Clause

#: For fewer, a process takes longer to begin than it saves.
FEWEST = 12
#: A hand-in waits with its pictures until all before it are in the folder.
MOST_PROCESSES = 8

OnFile = Callable[[int, Path], None]


def gather_all(names: Mapping[Path, str], check: Check | None, on_file: OnFile) -> Iterator[Gathered | Refused]:
    """What the bundles in these files have to show, each under its name, in their order; of one that cannot be opened,
    why. `check` verifies each, without rendering where it is None. `on_file` is told before each is waited for."""
    if check is not None or len(names) < FEWEST:
        for at, (path, name) in enumerate(names.items()):
            on_file(at, path)
            yield _gathered_or_refused(path, name, check)
        return
    # A new interpreter for each: a copy of this one would hold locks that nobody opens.
    processes = min(os.cpu_count() or 1, MOST_PROCESSES)
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_serve)
    try:
        waiting = [pool.submit(_gathered_or_refused, path, name, None) for path, name in names.items()]
        for at, (path, one) in enumerate(zip(names, waiting, strict=True)):
            on_file(at, path)
            yield one.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _serve() -> None:
    """In a process that works for another: it ends with that one however that ends, and not by itself at Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        if (other := parent_process()) is not None:
            other.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _gathered_or_refused(path: Path, name: str, check: Check | None) -> Gathered | Refused:
    try:
        return gather(path, name, check or (lambda bundle: verify_bundle(bundle, None)))
    except (BundleError, PictureError) as error:
        return Refused(file=name, why=in_all_languages(error.message), hint=in_all_languages(error.hint))
    except Exception as error:  # noqa: BLE001 - one stranger's file must not end the work on all others
        failed = Clause("the program failed: {error!r}", error=error)
        hint = Clause("this is a fault of the program: please report it")
        return Refused(file=name, why=in_all_languages(failed), hint=in_all_languages(hint))
