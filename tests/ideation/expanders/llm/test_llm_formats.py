"""What each wire format has of its own: how Gemini, OpenAI and the servers like it are asked, and what they refuse."""

from __future__ import annotations

import json

import pytest
from loopback import KEY, GeminiWire, LoopbackServer, OpenAIWire, Reply
from test_llm_expanders import ANSWER, GOOD, REQUEST, draft_of, error_of
from test_llm_expanders import packages_loaded as packages_loaded  # for every test here, too

from ideation.expanders import QuotaExceeded, Refusal, RefusedKey, UnknownLLMModel
from ideation.expanders.llm.gemini import GeminiExpander
from ideation.expanders.llm.openai_compatible import OpenAIExpander


def test_gemini_asks_for_json_and_falls_back_to_text() -> None:
    wire = GeminiWire()
    no_json = wire.fails(400, "JSON mode is not enabled for models/gemma-3")
    draft, server = draft_of(wire, [no_json, wire.says(GOOD)])
    assert draft.simple
    first, second = (request.body["generationConfig"] for request in server.requests)
    assert first["responseMimeType"] == "application/json"
    assert sorted(first["responseSchema"]["required"]) == sorted(ANSWER)
    assert "responseMimeType" not in second
    request = server.requests[0]
    assert request.path.startswith("/v1beta/models/gemini-3.5-flash-lite:generateContent")
    assert KEY not in request.path
    assert KEY in request.headers.values()


def test_gemini_says_an_invalid_key_with_400() -> None:
    wire = GeminiWire()
    raised, _ = error_of(wire, [wire.fails(400, "API key not valid. Please pass a valid API key.")])
    assert type(raised) is RefusedKey


def test_two_gemini_expanders_keep_their_keys_apart() -> None:
    wire = GeminiWire()
    with LoopbackServer([wire.says(GOOD)]) as server:
        first, second = (GeminiExpander(key, endpoint=server.url) for key in ("first-key", "second-key"))
        for expander in (first, second, first):
            expander.draft(REQUEST)
    keys = [next(v for k, v in r.headers.items() if k.lower() == "x-goog-api-key") for r in server.requests]
    assert keys == ["first-key", "second-key", "first-key"]


def test_openai_goes_down_from_schema_to_object_to_text_once() -> None:
    wire = OpenAIWire()
    refused = wire.fails(400, "'response_format.type' is not supported")
    rejected = wire.fails(422, "Unexpected keys in the request: {'response_format'}")
    with LoopbackServer([refused, rejected, wire.says(GOOD)]) as server:
        expander = wire.expander(server.url, 2.0)
        expander.draft(REQUEST)
        expander.draft(REQUEST)
    formats = [request.body.get("response_format", {}).get("type") for request in server.requests]
    assert formats == ["json_schema", "json_object", None, None]


def test_openai_takes_the_first_chat_model_of_a_server_without_a_key() -> None:
    wire = OpenAIWire()
    listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in ("nomic-embed-text", "llama3.2")]}
    with LoopbackServer([Reply(body=json.dumps(listed)), wire.says(GOOD)]) as server:
        expander = OpenAIExpander(None, None, f"{server.url}/v1", 2.0)
        expander.draft(REQUEST)
        expander.draft(REQUEST)
    assert expander.llm_model == "llama3.2"
    assert [request.path for request in server.requests] == [
        "/v1/models",
        "/v1/chat/completions",
        "/v1/chat/completions",
    ]


def test_openai_without_any_model_on_the_server() -> None:
    none = Reply(body='{"object": "list", "data": []}')
    with LoopbackServer([none]) as server, pytest.raises(UnknownLLMModel, match="lists no models"):
        OpenAIExpander(None, None, f"{server.url}/v1", 2.0).draft(REQUEST)


def test_a_router_reports_trouble_inside_a_200() -> None:
    body = json.dumps({"error": {"code": 429, "message": f"upstream is rate limited for {KEY}"}})
    raised, _ = error_of(OpenAIWire(), [Reply(body=body)], deadline_s=0.5)
    assert type(raised) is QuotaExceeded
    assert "upstream" in raised.message


def test_a_refusal_field_is_a_refusal() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I will not draw this."}
    body = json.dumps(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
    )
    raised, _ = error_of(OpenAIWire(), [Reply(body=body)])
    assert type(raised) is Refusal
    assert "I will not draw this." in raised.message
