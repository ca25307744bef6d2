"""Tries the wheel in an environment made for it, in a folder of its own: nothing there but what pip installs with it.

    python .ci/wheel.py                     # with the versions of constraints.txt; `make wheel`
    python .ci/wheel.py --versions oldest   # the least of each library that pyproject.toml allows; `make oldest`
    python .ci/wheel.py --versions newest   # the newest that it allows; `make newest`

A pair is rendered, its report set as PDF, the page started and asked, a notebook's cell written, a bundle verified.
The least versions are found by uv, which is installed beside it for that.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
CELL = """
import twinseed
run = twinseed.open_run("{run}")
assert run._repr_html_().count("<img") == 4
assert twinseed.__file__.startswith({prefix!r}), twinseed.__file__
"""


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--versions", choices=("pinned", "oldest", "newest"), default="pinned")
    versions = reader.parse_args().versions
    with tempfile.TemporaryDirectory(prefix="twinseed-wheel-") as folder:
        home = Path(folder)
        environment = home / "environment"
        venv.create(environment, with_pip=True)
        binaries = environment / ("Scripts" if os.name == "nt" else "bin")
        python, twinseed = binaries / "python", binaries / "twinseed"
        tools = ("build", "uv") if versions == "oldest" else ("build",)
        _run(python, "-m", "pip", "install", "--quiet", *tools)
        _run(python, "-m", "build", "--outdir", home / "dist", ROOT)
        (wheel,) = (home / "dist").glob("*.whl")
        (source,) = (home / "dist").glob("*.tar.gz")
        print(f"{wheel.name} {wheel.stat().st_size / 1e6:.1f} MB, {source.name} {source.stat().st_size / 1e6:.1f} MB")
        if versions == "oldest":
            _run(binaries / "uv", "pip", "install", "--python", python, "--resolution", "lowest-direct", wheel)
        else:
            pins = ("--constraint", ROOT / "constraints.txt") if versions == "pinned" else ()
            _run(python, "-m", "pip", "install", "--quiet", *pins, wheel)
        work = home / "work"
        work.mkdir()
        _run(twinseed, "--version", cwd=work)
        _run(twinseed, "pair", "a dog riding a bicycle", "--seed", "7", "--expander", "offline", cwd=work)
        (run,) = (path.name for path in (work / "runs").iterdir() if path.is_dir() and not path.name.startswith("."))
        _run(twinseed, "report", run, "--pdf", "pair.pdf", cwd=work)
        if not (work / "pair.pdf").read_bytes().startswith(b"%PDF"):
            sys.exit("the report as PDF is none")
        _run(twinseed, "homework", "a cat", "--bundle", "one.zip", "--expander", "offline", cwd=work)
        _run(twinseed, "verify", "one.zip", "--no-render", cwd=work)
        _run(python, "-c", CELL.format(run=run, prefix=str(environment)), cwd=work)
        _answers(twinseed, work)
    print("the wheel is whole")


def _answers(twinseed: Path, work: Path) -> None:
    """The page starts, and answers within two minutes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = subprocess.Popen([twinseed, "page", "--port", str(port)], cwd=work)  # noqa: S603 - ours
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.5)
        sys.exit("the page did not answer")
    finally:
        page.terminate()
        page.wait(30)


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    words = [str(word) for word in command]
    print("+", *words, flush=True)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if subprocess.run(words, cwd=cwd, env=environ, check=False).returncode:  # noqa: S603 - ours
        sys.exit(f"failed: {' '.join(words)}")


if __name__ == "__main__":
    main()
