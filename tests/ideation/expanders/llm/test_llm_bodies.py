"""Servers that answer in a form of their own, or fail in one: what was said is used, and what was wrong is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from loopback import KEY, GeminiWire, LoopbackServer, OpenAIWire, Reply
from test_llm_expanders import ANSWER, GOOD, REQUEST, draft_of, error_of

from ideation import ExpanderError, choose_expander, typed_concept
from ideation.expanders import (
    BadRequest,
    MissingKey,
    QuotaExceeded,
    Refusal,
    RefusedKey,
    TruncatedResponse,
    UnknownLLMModel,
    UnusableResponse,
)
from ideation.expanders.llm import read_response
from ideation.expanders.llm.openai_compatible import OpenAIExpander
from ideation.expanders.llm.refusal import declines

OPENAI, GEMINI = OpenAIWire(), GeminiWire()
HALF = len(GOOD) // 2


def choice(message: object, finish: str = "stop") -> str:
    return json.dumps({"choices": [{"index": 0, "finish_reason": finish, "message": message}]})


def chunk(delta: object, finish: str | None = None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def stream(*events: str, line: str = "\n\n", comment: str = "") -> str:
    return comment + line.join(f"data: {event}" for event in (*events, "[DONE]")) + line


CALL = {"type": "function", "function": {"name": "draft", "arguments": GOOD}}


PIECES = [
    chunk({"role": "assistant"}),
    chunk({"content": GOOD[:HALF]}),
    chunk({"content": GOOD[HALF:]}),
    chunk({}, "stop"),
]


@pytest.mark.parametrize(
    "body",
    [
        choice({"content": [{"type": "text", "text": GOOD[:HALF]}, {"type": "text", "text": GOOD[HALF:]}]}),
        choice(
            {"content": [{"type": "thinking", "thinking": [{"text": "{hm"}]}, {"type": "output_text", "text": GOOD}]}
        ),
        choice({"content": [GOOD]}),
        choice({"content": {"type": "text", "text": {"value": GOOD}}}),
        choice({"content": ANSWER}),
        choice({"content": "", "reasoning_content": f"A dog. So: {GOOD}"}),
        choice({"content": None, "reasoning": GOOD}),
        choice({"content": None, "tool_calls": [CALL]}),
        choice({"content": "", "tool_calls": [{"function": {"arguments": ANSWER}}]}),
        choice({"content": "I call the tool.", "tool_calls": [CALL]}),
        choice({"function_call": {"name": "draft", "arguments": GOOD}}),
        choice({"content": GOOD}, "length"),
        choice({"content": f"Sure!\n```json\n{GOOD}\n```"}, "length"),
        stream(*PIECES),
        stream(*PIECES, line="\n"),
        stream(
            *PIECES,
            line="\r\n\r\n",
            comment=": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\nevent: message\nid: 7\n",
        ),
        stream(choice({"content": GOOD})),
        stream(chunk({"reasoning_content": "hm {"}), *PIECES),
        stream(
            chunk({"tool_calls": [{"index": 0, "function": {"name": "draft", "arguments": GOOD[:HALF]}}]}),
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": GOOD[HALF:]}}]}),
        ),
        "\n".join(PIECES),
        json.dumps({"choices": [{"text": GOOD, "finish_reason": "stop"}]}),
        json.dumps({"message": {"role": "assistant", "content": GOOD}, "done": True, "done_reason": "stop"}),
        "\n".join(json.dumps({"message": {"content": piece}, "done": False}) for piece in (GOOD[:HALF], GOOD[HALF:])),
        json.dumps({"model": "m", "response": GOOD, "done": True}),
        json.dumps(
            {"output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "output_text", "text": GOOD}]}]}
        ),
        json.dumps({"type": "message", "content": [{"type": "text", "text": GOOD}], "stop_reason": "end_turn"}),
        json.dumps({"type": "message", "content": [{"type": "tool_use", "input": ANSWER}]}),
        f"\ufeff{choice({'content': GOOD})}",
        GOOD,
    ],
)
def test_an_answer_in_another_form_is_read(body: str) -> None:
    draft, server = draft_of(OPENAI, [Reply(body=body)])
    assert (draft.simple, draft.expanded) == (ANSWER["simple"], ANSWER["expanded"])
    assert len(server.requests) == 1


def gemini(parts: object, finish: object = "STOP", **more: object) -> str:
    return json.dumps({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": finish} | more]})


@pytest.mark.parametrize(
    "body",
    [
        gemini([{"text": "I think {so}.", "thought": True}, {"text": GOOD}]),
        gemini([{"text": GOOD[:HALF]}, {"text": GOOD[HALF:]}], 1),
        gemini([{"text": GOOD}], "MAX_TOKENS"),
        gemini([{"functionCall": {"name": "draft", "args": ANSWER}}]),
        gemini([{"text": GOOD}], "A_REASON_OF_NEXT_YEAR"),
        f"[{gemini([{'text': GOOD[:HALF]}], None)}, {gemini([{'text': GOOD[HALF:]}])}]",
        stream(gemini([{"text": GOOD[:HALF]}], None), gemini([{"text": GOOD[HALF:]}])),
    ],
)
def test_an_answer_of_gemini_in_another_form_is_read(body: str) -> None:
    draft, _ = draft_of(GEMINI, [Reply(body=body)])
    assert (draft.simple, draft.expanded) == (ANSWER["simple"], ANSWER["expanded"])


SPACED = json.dumps(ANSWER, indent=1)


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace('"', "“"),
        GOOD.replace('{"', "{“").replace('": ', "”: ").replace('"', "“"),
        GOOD.replace('": ', '"：').replace('", "', '"，"'),
        GOOD.replace("{", "｛").replace("}", "｝").replace('"', "＂").replace(":", "："),
        GOOD.replace('"blurry"', "None"),
        GOOD.replace('"blurry",', '"blurry", // no more\n /* than this */'),
        SPACED.replace('",\n', '"\n'),
        SPACED.replace('",\n', '",,\n'),
        "{simple: 'a dog riding a bicycle', expanded: 'a dog riding a bicycle, on a beach, warm light'}",
        "".join(f"> {line}\n" for line in SPACED.splitlines()),
        GOOD.replace('"', "&quot;"),
        GOOD.replace("on a beach, ", "<b>on a beach</b>,&nbsp;"),
        GOOD.replace('"a dog', '"&gt; a dog'),
        GOOD.replace('"expanded": "', '"expanded": "> '),
        GOOD.replace("bicycle, on", "bicycle,\\\\n on"),
        f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```",
        json.dumps({"simplePrompt": ANSWER["simple"], "expandedPrompt": ANSWER["expanded"]}),
        json.dumps({"PROMPT_SIMPLE": ANSWER["simple"], "Expanded English Prompt": ANSWER["expanded"]}),
        json.dumps([{"role": "assistant", "content": GOOD}]),
        '"simple": "a dog riding a bicycle",\n"expanded": "a dog riding a bicycle, on a beach, warm light"',
        "<simple>a dog riding a bicycle</simple>\n<expanded>a dog riding a bicycle, on a beach, warm light</expanded>",
        "| simple | a dog riding a bicycle |\n|---|---|\n| expanded | a dog riding a bicycle, on a beach, warm light |",
        "simple: a dog riding a bicycle\nexpanded: >\n  a dog riding a bicycle,\n  on a beach, warm light",
        "Simple：a dog riding a bicycle\nExpanded：a dog riding a bicycle, on a beach, warm light\n\nShall I go on?",
        "Simple - a dog riding a bicycle\nExpanded - a dog riding a bicycle, on a beach, warm light",
        f"As an AI art director, I suggest:\n{GOOD}",
        f"Sorry, I can't open links, but here it is:\n{GOOD}",
        "Sorry, I can't.\nSimple: a dog riding a bicycle\nExpanded: a dog riding a bicycle, on a beach, warm light",
    ],
)
def test_json_as_llms_write_it_is_read(text: str) -> None:
    draft = read_response(text)
    assert (draft.simple, draft.expanded) == (ANSWER["simple"], ANSWER["expanded"])


@pytest.mark.parametrize(
    "prompt",
    [
        '"Sorry, we\'re closed" sign on a shop door',
        "“I cannot create this” as graffiti on a wall",
        "'Sorry, I can't help you' on a t-shirt",
        "Sorry, we're closed sign on a door",
        "Sorry, no vacancies, motel sign",
        "As an AI art director, I suggest: a robot at a desk",
        "I'm sorry we're late, written on a cake",
        "I will not do it again, on a blackboard",
        "I can't draw, says the cat",
        "I cannot help falling in love, neon sign",
        "Unfortunately, the knight cannot draw his sword",
        "afraid of the dark, a child who cannot sleep",
        "This request form on a desk, still life",
        'a sign that says "OPEN", at night',
        "salt & pepper shakers, a < b",
        "<lora:x:1> a cat_dog",
    ],
)
def test_words_of_regret_in_a_prompt_are_no_refusal(prompt: str) -> None:
    assert read_response(json.dumps(ANSWER | {"simple": prompt, "expanded": prompt})).expanded == prompt


@pytest.mark.parametrize(
    "text",
    [
        "Sorry, I can’t assist with that.",
        "\"I'm sorry, but I can't help with that.\"",
        "I'm afraid I can't do that.",
        "As an AI language model, I cannot generate this.",
        "Unfortunately, I am not able to generate images of real people.",
        "I must respectfully decline.",
        "I can’t create images that depict violence.",
        "I'm sorry, but this request goes against my guidelines.",
        "很抱歉，我沒辦法幫你畫這個。",
        "作為AI語言模型，我無法提供這類內容。",
        "申し訳ありませんが、そのリクエストにはお応えできません。",
        "Lo siento, pero no puedo ayudar con eso.",
        "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
    ],
)
def test_a_refusal_is_one_in_any_place(text: str) -> None:
    assert declines(text)
    for said in (
        text,
        f"Thank you for your message. {text}",
        json.dumps({"error": text}),
        json.dumps({"simple": text, "expanded": ""}),
    ):
        with pytest.raises(Refusal, match="declined"):
            read_response(said)


def openai_error(status: int, body: object) -> Reply:
    return Reply(status, body if isinstance(body, str) else json.dumps(body))


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (openai_error(400, {"error": "context too long"}), BadRequest, "400: context too long"),
        (openai_error(400, [{"error": {"code": 400, "message": "bad role"}}]), BadRequest, "400: bad role"),
        (openai_error(400, {"detail": [{"loc": ["body", "n"], "msg": "too large"}]}), BadRequest, "too large (body.n)"),
        (openai_error(400, {"object": "error", "message": "bad request", "code": 1}), BadRequest, "400: bad request"),
        (openai_error(400, {"errors": [{"title": "no", "detail": "not now"}]}), BadRequest, "400: not now"),
        (openai_error(400, "plain words"), BadRequest, "400: plain words"),
        (
            openai_error(
                400, {"error": {"message": "Provider returned error", "metadata": {"raw": '{"detail": "why"}'}}}
            ),
            BadRequest,
            "400: Provider returned error: why",
        ),
        (
            openai_error(200, {"error": {"message": "rate limit reached", "code": "rate_limit"}}),
            QuotaExceeded,
            "rate limit",
        ),
        (openai_error(200, {"error": {"message": "slow", "code": "429"}}), QuotaExceeded, "429: slow"),
        (openai_error(200, {"error": {"message": "Invalid API key"}}), RefusedKey, "401: Invalid API key"),
        (openai_error(200, {"error": "something odd"}), BadRequest, "answered with an error: something odd"),
        (openai_error(200, f"data: {json.dumps({'error': {'message': 'odd'}})}\n\n"), BadRequest, "an error: odd"),
        (openai_error(200, {"id": None, "choices": None}), UnusableResponse, '{"id": null, "choices": null}'),
        (openai_error(200, ""), UnusableResponse, "answered with nothing at all"),
        (openai_error(200, choice({"content": GOOD[:HALF]}, "length")), TruncatedResponse, "token limit"),
        (openai_error(200, choice({"content": "", "reasoning_content": "Hm"}, "length")), TruncatedResponse, "limit"),
        (openai_error(200, choice({"content": "", "reasoning_content": "Hm"})), UnusableResponse, "only thought aloud"),
        (openai_error(200, choice({"content": [{"type": "refusal", "refusal": "No."}]})), Refusal, "declined: No."),
        (
            openai_error(200, "<html><title>Log in</title></html>"),
            UnusableResponse,
            "a web page instead of an answer (Log in)",
        ),
    ],
)
def test_a_server_speaks_for_itself(reply: Reply, error: type[ExpanderError], said: str) -> None:
    raised, _ = error_of(OPENAI, [reply], deadline_s=1)
    assert type(raised) is error
    assert said in raised.message
    assert "ChatCompletion" not in raised.message


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        (
            {"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}},
            QuotaExceeded,
            "Quota exceeded",
        ),
        ({"error": {"code": 400, "message": "bad field"}}, BadRequest, "400: bad field"),
        ({}, UnusableResponse, "answered with no message: {}"),
        ("", UnusableResponse, "answered with nothing at all"),
        ({"promptFeedback": {"blockReason": "IMAGE_SAFETY"}}, Refusal, "blocked the concept (IMAGE_SAFETY)"),
        ({"promptFeedback": {"blockReason": 4}}, Refusal, "blocked the concept (PROHIBITED_CONTENT)"),
        (gemini([], "IMAGE_SAFETY"), Refusal, "stopped its answer (IMAGE_SAFETY)"),
        (gemini([], "IMAGE_PROHIBITED_CONTENT", finishMessage="Not this."), Refusal, "CONTENT: Not this."),
        (gemini([], 8), Refusal, "stopped its answer (PROHIBITED_CONTENT)"),
        (gemini([], "MAX_TOKENS"), TruncatedResponse, "token limit"),
        (gemini([{"text": GOOD[:HALF]}], 2), TruncatedResponse, "token limit"),
        (gemini([], "UNEXPECTED_TOOL_CALL"), UnusableResponse, "without an answer (UNEXPECTED_TOOL_CALL)"),
        (gemini([], 99), UnusableResponse, "without an answer (99)"),
        (gemini([]), UnusableResponse, "empty answer"),
    ],
)
def test_gemini_gives_the_true_reason(body: object, error: type[ExpanderError], said: str) -> None:
    raised, _ = error_of(GEMINI, [openai_error(200, body)], deadline_s=1)
    assert type(raised) is error
    assert said in raised.message


@pytest.mark.parametrize(
    "said", ["response_format is not implemented", "failed to parse grammar", "json_schema: internal"]
)
@pytest.mark.parametrize("status", [200, 400, 500, 501])
def test_trouble_with_the_format_is_another_format(status: int, said: str) -> None:
    failed = openai_error(status, {"error": {"message": said}})
    draft, server = draft_of(OPENAI, [failed, failed, OPENAI.says(GOOD)])
    assert draft.simple
    assert [request.body.get("response_format", {}).get("type") for request in server.requests] == [
        "json_schema",
        "json_object",
        None,
    ]


PAGE = Reply(404, "404 page not found", content_type="text/plain")


@pytest.mark.parametrize(
    ("path", "reply", "hint"),
    [
        ("", PAGE, "/v1 is missing in OPENAI_BASE_URL: try {url}/v1"),
        ("/", PAGE, "try {url}/v1"),
        ("/api", PAGE, "try {url}/v1"),
        ("/proxy", Reply(200, "<html><body>Ollama</body></html>"), "try {url}/proxy/v1"),
        (
            "",
            Reply(200, json.dumps({"error": "Unexpected endpoint or method. (POST /chat/completions)"})),
            "try {url}/v1",
        ),
        ("", Reply(405, '{"detail": "Method Not Allowed"}'), "another model"),
        ("/v1/chat/completions", PAGE, "leave /chat/completions out of OPENAI_BASE_URL"),
        ("/v1", PAGE, "check the server's address"),
    ],
)
def test_what_is_wrong_with_the_address_is_said(path: str, reply: Reply, hint: str) -> None:
    with LoopbackServer([reply]) as server, pytest.raises(ExpanderError) as caught:
        OpenAIExpander(KEY, "m", f"{server.url}{path}", 2.0).draft(REQUEST)
    assert hint.format(url=server.url) in caught.value.hint


def test_a_misspelt_model_is_told_the_names_that_there_are() -> None:
    listed = Reply(body=json.dumps({"data": [{"id": "llama3.2"}, {"id": "nomic-embed-text"}, {"id": "qwen3:8b"}]}))
    missing = openai_error(404, {"error": {"message": "model 'stand-in' not found", "type": "not_found_error"}})
    with LoopbackServer([missing, listed]) as server, pytest.raises(UnknownLLMModel) as caught:
        OpenAIExpander(KEY, "lama3.2", f"{server.url}/v1", 2.0).draft(REQUEST)
    assert "did you mean 'llama3.2'?" in caught.value.hint
    assert "llama3.2, qwen3:8b" in caught.value.hint

    models = [{"name": "models/gemini-3.5-flash-lite", "supportedGenerationMethods": ["generateContent"]}]
    models += [{"name": "models/embedding-1", "supportedGenerationMethods": ["embedContent"]}]
    missing = GEMINI.fails(404, "models/gemini-3.5-flash-lit is not found for API version v1beta")
    with LoopbackServer([missing, Reply(body=json.dumps({"models": models}))]) as server:
        environ = {"GEMINI_API_KEY": KEY, "GEMINI_API_ENDPOINT": server.url}
        with pytest.raises(UnknownLLMModel) as caught:
            choose_expander("gemini", llm_model="gemini-3.5-flash-lit", environ=environ).draft(REQUEST)
    assert "did you mean 'gemini-3.5-flash-lite'?" in caught.value.hint
    assert "embedding" not in caught.value.hint


@pytest.mark.parametrize(
    "listed",
    [
        [{"id": "nomic-embed-text"}, {"id": "llama3.2"}],
        ["llama3.2"],
        {"data": ["llama3.2"]},
        {"models": [{"name": "llama3.2", "model": "llama3.2"}]},
        {"object": "list", "data": [{"id": "llama3.2"}]},
        {"result": {"models": [{"id": "llama3.2"}]}},
    ],
)
def test_a_list_of_models_in_any_form(listed: object) -> None:
    with LoopbackServer([Reply(body=json.dumps(listed)), OPENAI.says(GOOD)]) as server:
        expander = OpenAIExpander(None, None, f"{server.url}/v1", 2.0)
        expander.draft(REQUEST)
    assert expander.llm_model == "llama3.2"


@pytest.mark.parametrize("around", [" {} ", '"{}"', "'{}'\n", "\ufeff{}", "\u200b “{}” "])
def test_blanks_and_quotation_marks_around_address_and_key_are_left_off(around: str) -> None:
    with LoopbackServer([OPENAI.says(GOOD)]) as server:
        environ = {"OPENAI_BASE_URL": around.format(f"{server.url}/v1"), "OPENAI_API_KEY": around.format(KEY)}
        assert choose_expander("auto", llm_model="m", environ=environ).draft(REQUEST).simple
    assert {name.lower(): value for name, value in server.requests[0].headers.items()}[
        "authorization"
    ] == f"Bearer {KEY}"
    with pytest.raises(MissingKey):
        choose_expander("openai", llm_model=None, environ={"OPENAI_API_KEY": around.format("")})


DOG = "a dog riding a bicycle"


@pytest.mark.parametrize(
    ("said", "added"),
    [
        (" on a quiet beach, warm evening light, soft focus", "on a quiet beach, warm evening light, soft focus"),
        ("<think>A beach.</think>Details: **on a beach**, blue sky, long shadows.\nPicture: a cat", None),
        (f"{DOG}, on a beach, a man on a bicycle, blue sky, dark sky, long shadows", None),
        ("on a beach, in a forest, riding a horse, a red dog, anime style, blue sky, light, long shadows, at", None),
        (
            "Sure: on a beach, blue sky, starry night, sunny morning, (fog:1.4), 4096 dots, long shadows, long shadows",
            None,
        ),
    ],
)
def test_a_model_that_fails_twice_is_asked_for_details_alone(said: str, added: str | None) -> None:
    failed = UnusableResponse("the LLM's answer holds no two prompts", hint="try again")
    repair = replace(REQUEST, complaints=(failed.message,))
    with LoopbackServer([OPENAI.says("I am a small model."), OPENAI.says(said)]) as server:
        draft = OPENAI.expander(server.url, 5.0).draft(repair)
    assert draft.simple == DOG
    assert draft.expanded.startswith(f"{DOG}, {added or 'on a beach, blue sky'}")
    assert added or set(draft.expanded.split(", ")) <= {DOG, "on a beach", "blue sky", "long shadows", "starry night"}
    assert "did not follow the full instruction" in draft.warnings[0]
    assert len(server.requests) == 2
    told = server.requests[1].body
    assert "response_format" not in told
    assert [message["role"] for message in told["messages"][-2:]] == ["assistant", "user"]
    assert DOG in told["messages"][-1]["content"]


def test_the_first_failure_is_told_and_so_is_one_that_details_do_not_help() -> None:
    with LoopbackServer([OPENAI.says("No JSON.")]) as server:
        with pytest.raises(UnusableResponse, match="holds no two prompts"):
            OPENAI.expander(server.url, 5.0).draft(REQUEST)
        assert len(server.requests) == 1
        with pytest.raises(UnusableResponse, match="holds no two prompts"):
            OPENAI.expander(server.url, 5.0).draft(replace(REQUEST, complaints=("No JSON.",)))
        assert len(server.requests) == 6
        foreign = replace(REQUEST, concept=typed_concept("un chien sur une plage"), complaints=("No JSON.",))
        with pytest.raises(UnusableResponse, match="holds no two prompts"):
            OPENAI.expander(server.url, 5.0).draft(foreign)
