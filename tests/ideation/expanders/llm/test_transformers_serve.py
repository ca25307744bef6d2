"""The OpenAI-compatible expander against a real server of other people's: `transformers serve` with a tiny model."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_llm import ANSWER, REQUEST, THOUGHTFUL, save_chat_model

from ideation import choose_expander
from ideation.expanders import ServerTrouble

_MISSING = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("TWINSEED_SLOW_TESTS"), reason="opt-in: set TWINSEED_SLOW_TESTS=1 (1 minute)"
    ),
    pytest.mark.skipif(bool(_MISSING), reason=f"no {_MISSING}: pip install 'transformers[serving]'"),
]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_chat_model(tmp_path_factory.mktemp("chat"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `transformers serve`, started on a free port and ended by its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("server") / "log.txt"
    command = [
        sys.executable,
        "-m",
        "transformers.cli.transformers",
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "cpu",
    ]
    with log.open("w") as lines, subprocess.Popen(command, stdout=lines, stderr=subprocess.STDOUT) as process:
        try:
            for _ in range(600):
                assert process.poll() is None, log.read_text()
                try:
                    urllib.request.urlopen(f"{url}/health", timeout=5).close()  # noqa: S310 - our own address
                    break
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.2)
            else:
                pytest.fail(f"the server did not start: {log.read_text()}")
            yield url
        finally:
            process.terminate()


def test_a_real_server_answers_the_openai_expander(server: str, model_folder: Path) -> None:
    environ = {"OPENAI_BASE_URL": f"{server}/v1", "TWINSEED_LLM_DEADLINE": "120"}
    expander = choose_expander("openai", llm_model=str(model_folder), environ=environ)
    draft = expander.draft(REQUEST)
    assert (draft.simple, draft.expanded, draft.negative) == (ANSWER["simple"], ANSWER["expanded"], ANSWER["negative"])
    # The server leaves the template's thinking on, and what was thought is not part of the prompts.
    assert list(draft.reasons) == THOUGHTFUL["reasons"]
    assert draft == expander.draft(REQUEST)


def test_a_model_that_the_server_does_not_have(server: str, tmp_path: Path) -> None:
    environ = {"OPENAI_BASE_URL": f"{server}/v1", "TWINSEED_LLM_DEADLINE": "3"}
    expander = choose_expander("openai", llm_model=str(tmp_path / "nothing"), environ=environ)
    # It says so with a 500, as if the trouble were its own.
    with pytest.raises(ServerTrouble, match="500"):
        expander.draft(REQUEST)
