"""What the program prints: foreign words give no orders to the terminal, and closed or narrow outputs lose nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Twinseed
from loopback import LoopbackServer, OpenAIWire

from commands.terminal.console import visible

REPOSITORY = Path(__file__).parents[2]
ORDERS = ["\x1b]0;owned\x07", "\x9b2J", "\u202e", "\u2067", "\x00", "\r", "\x7f", "\udc80", "\u2028"]
EVIL = "x\x1b[2J\x9b31m\u202e.png"


@pytest.mark.parametrize("order", ORDERS)
def test_orders_are_written_out_as_json_does(order: str) -> None:
    shown = visible(f"a {order}dog\n\t繁體中文 👩\u200d🚀")
    assert order not in shown
    assert shown.endswith("dog\n\t繁體中文 👩\u200d🚀")
    assert json.loads(f'"{visible(order)}"') == order


def test_an_order_in_the_name_of_a_file(twinseed: Twinseed) -> None:
    done = twinseed("pair", "--like", EVIL)
    assert done.code == 1
    assert "x\\u001b[2J\\u009b31m\\u202e.png" in done.err
    assert not {"\x1b", "\x9b", "\u202e"} & set(done.err + done.out)


def test_an_order_in_what_a_server_says(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer([OpenAIWire().fails(400, f"no such model {EVIL}")]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        done = twinseed("expand", "a dog", "--expander", "openai", "--llm-model", "x\x1b[2J")
    assert done.code == 1
    assert "\\u001b[2J" in done.err
    assert not {"\x1b", "\x9b", "\u202e"} & set(done.err + done.out)


def test_an_order_in_a_name_of_a_list(twinseed: Twinseed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{EVIL}.safetensors").write_bytes(b"no model")
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    for words in (("list", "models"), ("list", "models", "--json")):
        done = twinseed(*words)
        assert done.code == 0, done.err
        assert not {"\x1b", "\x9b", "\u202e"} & set(done.out + done.err)
    assert "x\\u001b[2J" in twinseed("list", "models").out


def started(*words: str, closed: int | None = None, **environ: str) -> subprocess.CompletedProcess[bytes]:
    def close() -> None:
        if closed is not None:
            os.close(closed)

    return subprocess.run(
        [sys.executable, "twinseed.py", *words],
        cwd=REPOSITORY,
        env=os.environ | environ,
        capture_output=True,
        preexec_fn=close,
        check=False,
    )


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs a system with closed file descriptors")
@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_output(closed: int) -> None:
    done = started("ideas", "-n", "1", "--json", closed=closed)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert closed == 1 or json.loads(done.stdout)["index"] == 0


def test_chinese_without_a_locale() -> None:
    poor = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = started("ideas", "-n", "1", "--topic", "貓", "--language", "zh-TW", "--json", **poor)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["topic"] == "貓"
