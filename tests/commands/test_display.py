"""What is shown besides text: pictures in a terminal that answers that it can, reports in a browser if there is one."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import webbrowser
from pathlib import Path

import pytest
from conftest import Twinseed
from sample_run import write_sample

from compare.runs import Gallery

pty = pytest.importorskip("pty", reason="needs a system with terminals")
termios = pytest.importorskip("termios")
ROOT = Path(__file__).parents[2]

#: What terminals are asked, and what those that can say.
SIXEL = {b"\x1b[c": b"\x1b[?62;4c"}
KITTY = {b"\x1b[c": b"\x1b[?62c", b"a=q": b"\x1b_Gi=1;OK\x1b\\", b"\x1b[16t": b"\x1b[6;20;10t"}
PLAIN = {b"\x1b[c": b"\x1b[?62c"}

PROGRAM = """
import sys
from pathlib import Path
from commands.terminal.display import show_pictures
from compare.runs import Gallery
show_pictures(Gallery(Path(sys.argv[1]).parent).open(Path(sys.argv[1]).name))
print("report.html")
"""


def on_terminal(run: Path, answers: dict[bytes, bytes], **environ: str) -> bytes:
    """All that the program writes to a terminal which answers so."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(run)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
        | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        | environ,
    ) as program:
        os.close(slave)
        written, answered = b"", 0
        while select.select([master], [], [], 60)[0]:
            try:
                written += os.read(master, 65536)
            except OSError:  # so Linux tells that nobody has the other end any more
                break
            for question, answer in answers.items():
                if question in written[answered:]:
                    answered = len(written)
                    os.write(master, answer)
    os.close(master)
    assert program.returncode == 0, written
    return written


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(Gallery(tmp_path_factory.mktemp("runs"))).folder


def test_pictures_where_the_terminal_shows_them(run: Path) -> None:
    pytest.importorskip("textual_image", reason="pip install 'twinseed[terminal]' to run this test")
    sixel, kitty = on_terminal(run, SIXEL), on_terminal(run, KITTY)
    assert b"\x1bP" in sixel
    assert b"\x1b_G" not in sixel
    assert b"f=100" in kitty
    assert kitty.count("\U0010eeee".encode()) > 100, "the cells in which kitty puts the picture"
    for written in (sixel, kitty):
        assert b"Traceback" not in written, "not even of a terminal that leaves a question open"
        assert written.endswith(b"report.html\r\n")


def test_no_pictures_elsewhere(run: Path) -> None:
    plain = on_terminal(run, PLAIN)
    assert plain.replace(b"\x1b[c", b"").count(b"\x1bP") == plain.count(b"f=100") == 0
    assert plain.endswith(b"report.html\r\n")
    assert on_terminal(run, SIXEL, NO_COLOR="1") == b"report.html\r\n", "the terminal is not even asked"


def test_a_report_is_opened(run: Path, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By a browser that notes the address, as the variable BROWSER names it."""
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n')
    browser.chmod(0o700)
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # or the browsers that were found before
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setenv("BROWSER", str(browser))
    done = twinseed("report", str(run), "--open")
    assert done.code == 0, done.err
    assert opened.read_text().strip() == (run / "report.html").resolve().as_uri()


def test_no_browser(run: Path, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The report is there all the same, and it is said where."""
    monkeypatch.setattr(webbrowser, "_tryorder", [])
    done = twinseed("report", str(run), "--open")
    assert (done.code, done.out) == (0, f"{run / 'report.html'}\n")
    assert f"no browser could be opened here; the report is one file, {run / 'report.html'}" in done.err
    done = twinseed("report", str(run), "--open", "--markdown", str(tmp_path / "x.zip"))
    assert done.code == 1


def test_the_newest_run(run: Path, twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("report", "last", "--runs", str(run.parent))
    assert (done.code, done.out) == (0, f"{run / 'report.html'}\n")
    done = twinseed("report", "last", "--runs", str(tmp_path))
    assert done.code == 1
    assert f"error: there is no run in {tmp_path} yet" in done.err


def test_a_file_called_last_is_not_the_newest_run(
    run: Path, twinseed: Twinseed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("last").write_text("no bundle")
    done = twinseed("verify", "last", "--no-render", "--runs", str(run.parent))
    assert f"note: last is the newest run, {run.name}; what is called last here is ./last" in done.err
    assert (done.code, done.out[:16]) == (0, "everything holds")
    done = twinseed("verify", "./last", "--no-render", "--runs", str(run.parent))
    assert done.code == 1
    assert "error: last is refused: it is no zip file" in done.err
