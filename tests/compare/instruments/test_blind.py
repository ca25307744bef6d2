"""The blind description against real servers, on both wire formats: what is sent, and every kind of answer."""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from loopback import KEY, WIRES, GeminiWire, LoopbackServer, OpenAIWire, Reply, Request, Wire
from PIL import Image
from tiny_context import EXPANDED, SETTINGS, SIMPLE, tiny_context

from compare.instruments.blind import BlindError, BlindOptions, BlindRecord, describe_blind
from compare.instruments.context import Context
from generate.models import OpenModel

ANSWER = {"a": "A dog on grey ground.", "b": "A dog in a dark wood.", "differences": ["A is grey, B has trees."]}
GOOD = json.dumps(ANSWER)

both_wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling, settings=replace(SETTINGS, images=1), clip=False)


@pytest.fixture(autouse=True, scope="module")
def packages_loaded() -> None:
    """The first import takes a second that no single test should account for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import google.generativeai  # noqa: F401
        import openai  # noqa: F401


def environ(wire: Wire, url: str) -> Mapping[str, str]:
    if isinstance(wire, GeminiWire):
        return {"GEMINI_API_KEY": KEY, "GEMINI_API_ENDPOINT": url, "TWINSEED_LLM_DEADLINE": "5"}
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{url}/v1", "TWINSEED_LLM_DEADLINE": "5"}


def asked(context: Context, expander: str, llm_model: str | None, environ: Mapping[str, str]) -> BlindRecord:
    return describe_blind(replace(context, environ=environ), BlindOptions(expander=expander, llm_model=llm_model))


def described(context: Context, wire: Wire, replies: list[Reply]) -> tuple[Any, list[Request]]:
    with LoopbackServer(replies) as server:
        return asked(context, wire.name, "eyes-1", environ(wire, server.url)), server.requests


def failed(context: Context, wire: Wire, replies: list[Reply]) -> tuple[BlindError, list[Request]]:
    with LoopbackServer(replies) as server:
        with pytest.raises(BlindError) as caught:
            asked(context, wire.name, "eyes-1", environ(wire, server.url))
        assert KEY not in caught.value.message + caught.value.hint
        assert "--expander offline" not in caught.value.hint
        return caught.value, server.requests


def seen(wire: Wire, request: Request) -> tuple[list[str], list[bytes]]:
    """The texts and the pictures of a request."""
    if isinstance(wire, GeminiWire):
        parts = request.body["contents"][0]["parts"]
        pictures = [part["inlineData"] for part in parts if "inlineData" in part]
        assert {picture["mimeType"] for picture in pictures} <= {"image/png"}
        return [part["text"] for part in parts if "text" in part], [base64.b64decode(p["data"]) for p in pictures]
    parts = request.body["messages"][0]["content"]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    texts = [part["text"] for part in parts if part["type"] == "text"]
    return texts, [base64.b64decode(url.partition(",")[2]) for url in urls]


@both_wires
def test_both_pictures_are_shown_in_the_drawn_order_and_nothing_tells_them_apart(wire: Wire, context: Context) -> None:
    record, requests = described(context, wire, [wire.says(GOOD)])
    assert (record.expander, record.llm_model, record.seed) == (wire.name, "eyes-1", 5)
    texts, pictures = seen(wire, requests[-1])
    assert texts[1:] == ["Picture A:", "Picture B:"]
    second = "expanded" if record.first == "simple" else "simple"
    for arm, picture in zip((record.first, second), pictures, strict=True):
        image = Image.open(io.BytesIO(picture))
        assert image.size == (512, 512)
        drawn = context.pictures[arm, 5]
        assert image.resize(drawn.size, Image.Resampling.NEAREST).tobytes() == drawn.tobytes()
        assert image.info == {}
    sent = json.dumps([request.body for request in requests])
    sent = re.sub("[A-Za-z0-9+/=]{200,}", "", sent).casefold()  # the pictures' letters spell any short word by chance
    for telling in (SIMPLE, EXPANDED, "simple", "expanded", "prompt", "seed"):
        assert telling not in sent.replace("prompts", "", 1)  # the name of the schema, which is that of the expander's
    said = {record.first: ANSWER["a"], second: ANSWER["b"]}
    assert (record.simple, record.expanded) == (said["simple"], said["expanded"])
    assert record.differences == ("A is grey, B has trees.",)


def test_the_order_is_the_seeds_and_either_comes_up(context: Context) -> None:
    wire = OpenAIWire()
    first = []
    for seed in range(8):
        own = replace(context, pictures={(arm, seed): image for (arm, _), image in context.pictures.items()})
        record, _ = described(own, wire, [wire.says(GOOD)])
        again, _ = described(own, wire, [wire.says(GOOD)])
        assert record == again
        first.append(record.first)
    assert set(first) == {"simple", "expanded"}


@both_wires
@pytest.mark.parametrize(
    "text",
    [
        f"Sure, this is what I see:\n```json\n{GOOD}\n```",
        f"<think>{{A dog?}}</think>{GOOD}",
        json.dumps({"answer": ANSWER}),
        json.dumps(ANSWER | {"note": "both are lovely"}),
        GOOD.replace("A dog on grey", "A dog \\n on  grey"),
        f'{{"a": "no"}} {GOOD}',
    ],
)
def test_what_is_meant_as_an_answer_is_taken_for_one(wire: Wire, text: str, context: Context) -> None:
    record, requests = described(context, wire, [wire.says(text)])
    assert {record.simple, record.expanded} == {ANSWER["a"], ANSWER["b"]}
    assert len([request for request in requests if request.method == "POST"]) == 1


def test_an_answer_in_parts_is_put_together(context: Context) -> None:
    wire = OpenAIWire()
    record, _ = described(
        context, wire, [wire.says(json.dumps(ANSWER | {"a": {"content": "A dog.", "light": "Dim."}}))]
    )
    assert "A dog. Dim." in (record.simple, record.expanded)


@both_wires
@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ("I see two dogs.", "I see two dogs."),
        (json.dumps({"a": "A dog."}), "b: field required"),
        (json.dumps(ANSWER | {"b": ""}), "b: string should have at least 1 character"),
        (json.dumps(ANSWER | {"differences": "none"}), "differences: "),
        ("{" * 5000, "no description"),
    ],
)
def test_an_answer_in_the_wrong_form_is_mended_once(wire: Wire, bad: str, complaint: str, context: Context) -> None:
    record, requests = described(context, wire, [wire.says(bad), wire.says(GOOD)])
    assert record.differences
    texts, pictures = seen(wire, requests[-1])
    assert complaint in texts[0]
    assert len(pictures) == 2
    error, requests = failed(context, wire, [wire.says(bad)])
    assert "no description" in error.message
    assert len(requests) == 2


@both_wires
@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (401, "bad key", "answered 401"),
        (404, "no such model", "eyes-1"),
        (400, "this model does not support image input", "does not support image input"),
        (429, "insufficient_quota: nothing left", "answered 429"),
    ],
)
def test_a_servers_trouble_is_told_with_a_way_out(
    wire: Wire, status: int, message: str, told: str, context: Context
) -> None:
    error, _ = failed(context, wire, [wire.fails(status, message)])
    assert told in error.message
    assert error.hint.endswith("or leave it out")


@both_wires
def test_a_refusal_points_to_another_model(wire: Wire, context: Context) -> None:
    error, _ = failed(context, wire, [wire.filters("no")])
    assert "--llm-model" in error.hint


@both_wires
def test_a_server_that_says_nothing_is_not_waited_for(wire: Wire, context: Context) -> None:
    with LoopbackServer([Reply(pause=True)]) as server, pytest.raises(BlindError, match="no answer"):
        asked(context, wire.name, "eyes-1", {**environ(wire, server.url), "TWINSEED_LLM_DEADLINE": "0.5"})


def test_a_server_that_is_not_there_is_named(context: Context) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
    with pytest.raises(BlindError, match=r"127\.0\.0\.1"):
        asked(context, "openai", "eyes-1", {"OPENAI_BASE_URL": url, "TWINSEED_LLM_DEADLINE": "5"})


@pytest.mark.parametrize(
    ("expander", "llm_model", "told"),
    [
        ("offline", None, "'offline' cannot look at pictures"),
        ("auto", None, "'offline' cannot look at pictures"),
        ("local", "a-folder", "'local' cannot look at pictures"),
        ("gemini", None, "no key for Gemini"),
        ("nobody", None, "no expander 'nobody'"),
    ],
)
def test_who_cannot_see_is_not_asked(context: Context, expander: str, llm_model: str | None, told: str) -> None:
    with pytest.raises(BlindError, match=told) as caught:
        asked(context, expander, llm_model, {})
    assert caught.value.hint


def test_a_large_picture_is_sent_smaller(context: Context) -> None:
    wire = OpenAIWire()
    large = replace(context, pictures={key: image.resize((2048, 1024)) for key, image in context.pictures.items()})
    _, requests = described(large, wire, [wire.says(GOOD)])
    _, pictures = seen(wire, requests[-1])
    assert [Image.open(io.BytesIO(picture)).size for picture in pictures] == [(1024, 512)] * 2
