"""The expansion cache: nothing is asked twice, nothing broken is believed, and no answer is lost for its sake."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Twinseed
from loopback import KEY, WIRES, LoopbackServer, OpenAIWire, Reply, Wire

from compare import Gallery, PairRequest, Session
from generate.settings import RenderSettings
from ideation import DraftedPrompts, ExpansionCache, cache_folder, typed_concept
from ideation.expanders.cache import MAX_ENTRY_BYTES

CONCEPT = "three dogs riding a bicycle"
GOOD = json.dumps(
    {
        "language": "en",
        "simple": CONCEPT,
        "expanded": f"{CONCEPT}, on a beach, warm light",
        "negative": "blurry",
        "reasons": ["a beach is wide"],
    }
)
COUNT_LOST = GOOD.replace("three dogs riding a bicycle, on", "dogs riding a bicycle, on")
DRAFT = DraftedPrompts("en", CONCEPT, f"{CONCEPT}, on a beach", "blurry", ("a beach is wide",))
NAME = "0" * 64
OPENAI = OpenAIWire()

both_wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@pytest.fixture
def cache() -> ExpansionCache:
    """The one that the command line uses in this test."""
    folder = cache_folder()
    folder.mkdir(exist_ok=True)
    return ExpansionCache(folder)


def environment(wire: Wire, url: str) -> dict[str, str]:
    if wire.name == "gemini":
        return {"GEMINI_API_KEY": KEY, "GEMINI_API_ENDPOINT": url}
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url.replace('http://', 'http://user:pass-word@')}/v1"}


def set_up(monkeypatch: pytest.MonkeyPatch, wire: Wire, url: str) -> None:
    for name, value in environment(wire, url).items():
        monkeypatch.setenv(name, value)


@both_wires
def test_two_identical_expansions_are_one_request(
    wire: Wire, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, cache: ExpansionCache
) -> None:
    command = ("expand", CONCEPT, "--llm-model", "m", "--json")
    with LoopbackServer([wire.says(GOOD)]) as server:
        set_up(monkeypatch, wire, server.url)
        first, second = twinseed(*command), twinseed(*command)
        assert len(server.requests) == 1
    after_the_server_has_gone = twinseed(*command)
    assert first.code == 0, first.err
    assert json.loads(first.out)["expanded"] == f"{CONCEPT}, on a beach, warm light"
    assert first.out == second.out == after_the_server_has_gone.out
    assert "nothing was asked" not in first.err
    assert "nothing was asked; --no-cache asks again" in second.err
    (file,) = cache.folder.iterdir()
    for secret in (KEY, "pass-word"):
        assert secret not in file.read_text()
        assert secret not in first.err + second.err


@pytest.mark.parametrize(
    "other",
    [
        (CONCEPT + " at night",),
        (CONCEPT, "--seed", "1"),
        (CONCEPT, "--llm-model", "n"),
        (CONCEPT, "--template", "concise"),
        (CONCEPT, "--tokens", "truncate"),
        (CONCEPT, "--no-cache"),
    ],
    ids=lambda other: " ".join(other[1:]) or "concept",
)
def test_another_request_is_asked(other: tuple[str, ...], twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer([OPENAI.says(GOOD.replace("bicycle", "bicycle at night"))]) as server:
        set_up(monkeypatch, OPENAI, server.url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        model = () if "--llm-model" in other else ("--llm-model", "m")
        assert twinseed("expand", CONCEPT, "--llm-model", "m").code == 0
        assert twinseed("expand", *other, *model).code == 0
        assert len(server.requests) == 2
        assert twinseed("expand", *other, *model).code == 0
        assert len(server.requests) == (3 if "--no-cache" in other else 2)


def test_another_server_another_path_and_another_renderer_are_asked(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tiny_folder: Path
) -> None:
    command = ("expand", CONCEPT, "--llm-model", "m")
    with LoopbackServer([OPENAI.says(GOOD)]) as one, LoopbackServer([OPENAI.says(GOOD)]) as other:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{one.url}/v1")
        twinseed(*command)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.url}/v1")
        twinseed(*command)
        assert (len(one.requests), len(other.requests)) == (1, 1)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{other.url}/v2")
        twinseed(*command)
        twinseed(*command, "--model", str(tiny_folder))  # which has no list of words
        assert (len(one.requests), len(other.requests)) == (1, 3)


def test_the_model_that_answered_is_remembered_where_none_was_named(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = Reply(body=json.dumps({"object": "list", "data": [{"id": "qwen", "object": "model"}]}))
    with LoopbackServer([models, OPENAI.says(GOOD)]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        told = [json.loads(twinseed("expand", CONCEPT, "--json").out)["llm_model"] for _ in range(2)]
        assert told == ["qwen", "qwen"]
        assert len(server.requests) == 2  # the list of models and the answer, once


@both_wires
def test_what_mended_an_unusable_answer_is_kept_in_its_place(
    wire: Wire, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer([wire.says("Here is your prompt!"), wire.says(GOOD)]) as server:
        set_up(monkeypatch, wire, server.url)
        first, second = (twinseed("expand", CONCEPT, "--llm-model", "m", "--json") for _ in range(2))
        assert first.out == second.out
        assert len(server.requests) == 2


@both_wires
def test_a_repair_that_failed_is_asked_for_again_and_the_first_answer_is_not(
    wire: Wire, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer([wire.says(COUNT_LOST), wire.fails(403, "not now"), wire.says(GOOD)]) as server:
        set_up(monkeypatch, wire, server.url)
        lost = [json.loads(twinseed("expand", CONCEPT, "--llm-model", "m", "--json").out)["lost"] for _ in range(3)]
        assert lost == [["count: three dogs"], [], []]
        assert len(server.requests) == 3


def test_what_no_prompts_can_be_made_of_is_not_kept(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, cache: ExpansionCache
) -> None:
    command = ("expand", CONCEPT, "--llm-model", "m")
    tags = OPENAI.says(json.dumps(json.loads(GOOD) | {"expanded": "<lora:ink:0.7>"}))
    with LoopbackServer([tags]) as server:
        set_up(monkeypatch, OPENAI, server.url)
        failed = twinseed(*command)
        assert (failed.code, len(server.requests), list(cache.folder.glob("*"))) == (1, 2, [])
        assert "the LLM's expanded prompt has no words in it: <lora:ink:0.7>" in failed.err
    with LoopbackServer([tags, OPENAI.says(GOOD)]) as server:
        set_up(monkeypatch, OPENAI, server.url)
        assert twinseed(*command).code == twinseed(*command).code == 0
        assert len(server.requests) == 2, "what mended it stands in its place"


def test_an_error_is_not_kept(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, cache: ExpansionCache) -> None:
    with LoopbackServer([OPENAI.fails(403, "no"), OPENAI.says(GOOD)]) as server:
        set_up(monkeypatch, OPENAI, server.url)
        assert twinseed("expand", CONCEPT, "--llm-model", "m").code == 1
        assert not list(cache.folder.iterdir())
        assert twinseed("expand", CONCEPT, "--llm-model", "m").code == 0


def test_a_session_asks_again_only_for_what_is_different(tmp_path: Path) -> None:
    settings = RenderSettings(seed=3, num_inference_steps=1, width=64, height=64)
    wish = PairRequest(typed_concept(CONCEPT), settings, expander="openai", llm_model="m")
    others = (wish, replace(wish, cache=False), replace(wish, tokens="truncate"), replace(wish, template="teaching"))
    with LoopbackServer([OPENAI.says(GOOD)]) as server:
        session = Session(Gallery(tmp_path), environ=environment(OPENAI, server.url))
        for changed, requests in zip((wish, *others), (1, 1, 2, 3, 4), strict=True):
            session.run(changed)
            assert len(server.requests) == requests
    told = [OPENAI.told(request) for request in server.requests]
    assert ["At most 45 words" in text for text in told] == [True, True, False, True]
    assert ["exactly one phrase of each" in text for text in told] == [False, False, False, True]


@pytest.mark.parametrize("made_by", ["offline", "auto"])
def test_what_costs_nothing_is_not_kept(made_by: str, twinseed: Twinseed, cache: ExpansionCache) -> None:
    assert twinseed("expand", CONCEPT, "--expander", made_by).code == 0
    assert not list(cache.folder.iterdir())


def entry(**changes: object) -> str:
    draft = {"language": "en", "simple": "s", "expanded": "e", "negative": "", "reasons": [], "warnings": []}
    return json.dumps({"version": 1, "key": NAME, "llm_model": None, "draft": draft} | changes)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not an entry"),
        (b'{"version": 1', "not an entry"),
        (b"\xff\xfe\x00", "not an entry"),
        (b"[]", "not an entry"),
        (entry(version=2).encode(), "not an entry"),
        (entry(added="by somebody").encode(), "not an entry"),
        (entry(draft={"simple": "s", "expanded": "e"}).encode(), "not an entry"),
        (entry(draft=["s", "e"]).encode(), "not an entry"),
        (entry(key="1" * 64).encode(), "another request"),
        (b" " * (MAX_ENTRY_BYTES + 1), "too large"),
        (b"[" * 50_000, "not an entry"),
    ],
    ids=["empty", "half", "bytes", "list", "version", "extra", "missing", "shape", "copied", "large", "deep"],
)
def test_a_broken_entry_is_passed_over_and_replaced(
    content: bytes, told: str, cache: ExpansionCache, caplog: pytest.LogCaptureFixture
) -> None:
    file = cache.folder / f"{NAME}.json"
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert cache.find(NAME) is None
    assert f"{file} is passed over" in caplog.text
    assert told in caplog.text
    cache.keep(NAME, DRAFT, "m")
    assert cache.find(NAME) == (DRAFT, "m")
    assert [path.name for path in cache.folder.iterdir()] == [file.name]  # no half-written file beside it


def test_an_entry_in_the_right_form_is_read(cache: ExpansionCache) -> None:
    (cache.folder / f"{NAME}.json").write_text(entry())
    assert cache.find(NAME) == (DraftedPrompts("en", "s", "e"), None)


def test_a_broken_entry_is_asked_for_again(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, cache: ExpansionCache
) -> None:
    with LoopbackServer([OPENAI.says(GOOD)]) as server:
        set_up(monkeypatch, OPENAI, server.url)
        first = twinseed("expand", CONCEPT, "--llm-model", "m", "--json")
        (file,) = cache.folder.iterdir()
        file.write_text("{")
        assert [twinseed("expand", CONCEPT, "--llm-model", "m", "--json").out for _ in range(2)] == [first.out] * 2
        assert len(server.requests) == 2


@pytest.mark.parametrize("trouble", ["a file in the way", "a folder in the way", "a draft of numbers"])
def test_a_failure_to_write_loses_nothing(trouble: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = ExpansionCache(tmp_path / "file" if trouble == "a file in the way" else tmp_path / "cache")
    if trouble == "a folder in the way":
        (tmp_path / "cache" / f"{NAME}.json" / "x").mkdir(parents=True)
    draft = replace(DRAFT, simple=7) if trouble == "a draft of numbers" else DRAFT  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        cache.keep(NAME, draft, "m")
    assert "could not be cached" in caplog.text
    assert cache.find(NAME) is None
    assert not list(tmp_path.rglob("*.part"))


def test_an_answer_survives_a_cache_that_cannot_be_written(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TWINSEED_CACHE", str(tmp_path / "file" / "cache"))
    with LoopbackServer([OPENAI.says(GOOD)]) as server:
        set_up(monkeypatch, OPENAI, server.url)
        done = twinseed("expand", CONCEPT, "--llm-model", "m", "--json")
    assert (done.code, json.loads(done.out)["simple"]) == (0, CONCEPT)


def test_clearing_deletes_the_entries_and_says_how_many(twinseed: Twinseed, cache: ExpansionCache) -> None:
    for number in range(3):
        cache.keep(f"{number:064x}", DRAFT, None)
    (cache.folder / "notes.json").write_text("mine")
    done = twinseed("expand", "--clear-cache")
    assert (done.code, done.out) == (0, f"3 cached answers deleted from {cache.folder}\n")
    assert [path.name for path in cache.folder.iterdir()] == ["notes.json"]
    assert json.loads(twinseed("expand", "--clear-cache", "--json").out) == {"deleted": 0, "folder": str(cache.folder)}
    refused = twinseed("expand", CONCEPT, "--clear-cache")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: --clear-cache does nothing else")


def test_a_cache_that_was_never_made_is_empty(
    twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TWINSEED_CACHE", str(tmp_path / "nowhere"))
    assert twinseed("expand", "--clear-cache").out.startswith("0 cached answers")
    assert not (tmp_path / "nowhere").exists()


def test_without_a_folder_of_ones_own_it_is_the_usual_one() -> None:
    assert cache_folder({}).parts[-2:] == ("twinseed", "expansions")
    assert cache_folder({"TWINSEED_CACHE": ""}) == cache_folder({})
    assert cache_folder() == Path(os.environ["TWINSEED_CACHE"])
