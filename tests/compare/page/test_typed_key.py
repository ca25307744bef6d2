"""A key of one's own, typed on the page: it writes the prompts, and is nowhere afterwards."""

from __future__ import annotations

import json
import logging
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback import KEY, LoopbackServer, OpenAIWire
from streamlit.testing.v1 import AppTest

from compare.page.typed_key import TypedKey, TypedKeyError, automatic_expander
from compare.runs.gallery import Gallery
from compare.session import Session
from ideation import Expander, OfflineExpander
from ideation.expanders import MissingKey

SCRIPT = Path(__file__).parents[3] / "compare" / "page" / "app.py"
ANSWER = {
    "language": "en",
    "simple": "a dog riding a bicycle",
    "expanded": "a dog riding a red bicycle down a steep street at dusk, long shadows",
    "negative": "blur",
    "reasons": ["a place and an hour"],
}
VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL")

pytestmark = pytest.mark.usefixtures("components_found_once", "opened_once")


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], AppTest]]:
    for name, value in {"RUNS": "runs", "MODELS": "models", "CACHE": "cache"}.items():
        monkeypatch.setenv(f"TWINSEED_{name}", str(tmp_path / value))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    automatic_expander.cache_clear()
    yield lambda: AppTest.from_file(SCRIPT, default_timeout=60).run()
    automatic_expander.cache_clear()


def _give(page: AppTest, provider: str, key: str, address: str = "") -> AppTest:
    page.segmented_control(key="key_provider-en").set_value(provider).run()
    page.text_input(key="own_key_typed").set_value(key)
    if address:
        page.text_input(key="own_key_address").set_value(address)
    page.button(key="use-key").click().run()
    assert not page.exception
    return page


def _all_that_is_sent(page: AppTest) -> str:
    return "\n".join(str(element.proto) for element in page if hasattr(element, "proto"))


def test_a_typed_key_writes_the_prompts_and_is_nowhere_afterwards(
    page: Callable[[], AppTest], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with LoopbackServer([OpenAIWire().says(json.dumps(ANSWER))]) as server:
        mine, another = page(), page()
        _give(mine, "openai", f" {KEY}\n", f"{server.url}/v1")
        assert "automatic takes: OpenAI-compatible server" in [caption.value for caption in mine.caption]
        assert not mine.text_input(key="own_key_typed").value, "the field is emptied"
        mine.text_input(key="llm_model").set_value("stand-in")
        mine.text_input(key="concept").set_value("a dog riding a bicycle").run()
        mine.button(key="write").click().run()
        assert mine.text_area(key="expanded").value == ANSWER["expanded"]
        mine.number_input(key="steps").set_value(1).run()
        mine.button(key="generate").click().run()
        job = mine.session_state["visitor"].job
        run = job.future.result(timeout=200)
        mine.run()
        assert run.record.prompts.expander == "openai"
        assert [
            {name.lower(): told for name, told in request.headers.items()}["authorization"]
            for request in server.requests
        ] == [f"Bearer {KEY}"]

        another.text_input(key="concept").set_value("a dog riding a bicycle").run()
        assert "automatic takes: offline" in [caption.value for caption in another.caption]
        another.button(key="write").click().run()
        assert another.text_area(key="expanded").value != ANSWER["expanded"]
        assert len(server.requests) == 1

    kept = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {file.name for file in kept} >= {"record.json", "report.html", "twinseed.db"}
    assert [file for file in kept if KEY.encode() in file.read_bytes()] == []
    assert KEY not in caplog.text
    assert KEY not in _all_that_is_sent(mine)
    assert KEY not in os.environ.values()
    assert KEY not in repr(mine.session_state["typed_key"])
    mine.button(key="forget-key").click().run()
    assert "automatic takes: offline" in [caption.value for caption in mine.caption]


def test_a_key_that_is_refused_is_not_repeated(page: Callable[[], AppTest]) -> None:
    with LoopbackServer([OpenAIWire().fails(401, f"Incorrect API key provided: {KEY}")]) as server:
        mine = _give(page(), "openai", KEY, f"{server.url}/v1")
        mine.text_input(key="llm_model").set_value("stand-in")
        mine.text_input(key="concept").set_value("a dog riding a bicycle").run()
        mine.button(key="write").click().run()
    assert mine.error
    assert KEY not in _all_that_is_sent(mine)
    assert KEY not in repr(mine.session_state["problem"])
    assert KEY.encode() not in pickle.dumps(mine.session_state["problem"])


@pytest.mark.parametrize(
    ("provider", "key", "address", "said"),
    [
        ("gemini", "", "", "no key in the field"),
        ("gemini", KEY, "https://example.org", "takes no address"),
        ("gemini", "a key", "", "spaces, line breaks"),
        ("openai", "金鑰", "", "spaces, line breaks"),
        ("openai", "", "", "no key in the field"),
        ("openai", KEY, "example.org/v1", "not the address"),
        ("openai", KEY, f"https://me:{KEY}@example.org/v1", "not the address"),
        ("openai", KEY, f"https://example.org/v1?key={KEY}", "not the address"),
        ("openai", KEY, "https://example.org:port/v1", "not the address"),
    ],
)
def test_what_is_no_key_or_address_is_refused(provider: str, key: str, address: str, said: str) -> None:
    with pytest.raises(TypedKeyError, match=said) as refused:
        TypedKey.of(provider, key, address)  # type: ignore[arg-type]
    assert KEY not in f"{refused.value.told('en')} {refused.value.told('zh-TW')}"


def test_a_strangers_address_on_an_open_page_is_a_public_one(monkeypatch: pytest.MonkeyPatch) -> None:
    local = "http://127.0.0.1:11434/v1"
    assert TypedKey.of("openai", "", local).address == local
    monkeypatch.setenv("TWINSEED_PAGE_PASSWORD", "long enough")
    for inside in (local, "http://169.254.169.254/v1", "http://[::1]/v1", "http://10.0.0.7/v1", "http://localhost/v1"):
        with pytest.raises(TypedKeyError, match="not a public server"):
            TypedKey.of("openai", KEY, inside)
    assert TypedKey.of("openai", KEY, "https://8.8.8.8/v1").address
    monkeypatch.setenv("OPENAI_BASE_URL", local)
    assert TypedKey.of("openai", "", local).address == local


def test_an_expander_of_one_key_is_not_another_ones(tmp_path: Path) -> None:
    seen: list[str | None] = []

    def choose(name: str, *, environ: dict[str, str], **_: object) -> Expander:
        seen.append(environ.get("OPENAI_API_KEY"))
        if name == "openai" and seen[-1] is None:
            raise MissingKey("there is no key", hint="give one")
        return OfflineExpander()

    from compare.request import PairOptions, PairRequest

    request, _ = PairRequest.from_options(PairOptions(concept="a dog", expander="openai"))
    session = Session(Gallery(tmp_path), environ={}, choose=choose)  # type: ignore[arg-type]
    with session.acting_for({"OPENAI_API_KEY": KEY}):
        session.check(request)
    with pytest.raises(MissingKey):
        session.check(request)
    assert seen == [KEY, None]
