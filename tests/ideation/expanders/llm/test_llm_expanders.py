"""The Gemini and the OpenAI-compatible expander against real servers: every kind of trouble, on both wire formats."""

from __future__ import annotations

import json
import socket
import time
import traceback
import warnings
from dataclasses import replace

import pytest
from loopback import KEY, WIRES, GeminiWire, LoopbackServer, OpenAIWire, Reply, Wire

from ideation import DraftedPrompts, DraftRequest, ExpanderError, typed_concept
from ideation.expanders import (
    BadRequest,
    DeadlineExceeded,
    QuotaExceeded,
    Refusal,
    RefusedKey,
    ServerTrouble,
    TruncatedResponse,
    UnknownLLMModel,
    Unreachable,
    UnusableResponse,
    WrongLanguage,
)
from ideation.expanders.llm import gemini, openai_compatible

ANSWER = {
    "language": "en",
    "simple": "a dog riding a bicycle",
    "expanded": "a dog riding a bicycle, on a beach, warm light",
    "negative": "blurry",
    "reasons": ["a beach is wide"],
}
GOOD = json.dumps(ANSWER)


def expanding(expanded: object) -> str:
    return json.dumps(ANSWER | {"expanded": expanded})


REQUEST = DraftRequest(typed_concept("a dog riding a bicycle"), seed=7, token_limit=77)

both_wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)


def draft_of(wire: Wire, replies: list[Reply], deadline_s: float = 5.0) -> tuple[DraftedPrompts, LoopbackServer]:
    with LoopbackServer(replies) as server:
        return wire.expander(server.url, deadline_s).draft(REQUEST), server


def error_of(wire: Wire, replies: list[Reply], deadline_s: float = 5.0) -> tuple[ExpanderError, LoopbackServer]:
    """The error, which must come within the deadline and give nothing away."""
    with LoopbackServer(replies) as server:
        expander = wire.expander(server.url, deadline_s)
        began = time.monotonic()
        with pytest.raises(ExpanderError) as caught:
            expander.draft(REQUEST)
        assert time.monotonic() - began < deadline_s + 15, "a hang guard: the deadline is told to the client"
    said = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert KEY not in said
    assert "--expander offline" in caught.value.hint
    return caught.value, server


@pytest.fixture(autouse=True, scope="module")
def packages_loaded() -> None:
    """The first import takes a second that no single test should account for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import google.generativeai  # noqa: F401
        import openai  # noqa: F401


@both_wires
@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Sure, here is the prompt you asked for:\n{GOOD}",
        f"```json\n{GOOD}\n```\nLet me know if you would like another one!",
        f"<think>The user wants {{a dog}}. I should answer in JSON.</think>\n{GOOD}",
        f"The user wants a dog.\n</think>\n\n{GOOD}",
        f"[{GOOD}]",
        json.dumps({"answer": ANSWER}),
        GOOD.replace("]}", "],}"),
        GOOD.replace('"simple"', '"Simple Prompt"'),
        GOOD.replace("a dog riding a bicycle, on", "**a dog riding a bicycle**,\\n on"),
        f'{{"simple": "a first idea", "expanded": "a first idea, x"}} Wait, better:\n{GOOD}',
        "Simple: a dog riding a bicycle\n**Expanded prompt:** a dog riding a bicycle, on a beach, warm light",
        "## Simple prompt\na dog riding a bicycle\n\n## Expanded\na dog riding a bicycle, on a beach, warm light",
        f"```\n{GOOD}\n```",
        f"```python\n{GOOD}",
        f"<think>A beach is wide, so let me answer.\n{GOOD}",
        f'{GOOD}\n\nI hope {{this}} helps! Shall I write "another"?',
        str(ANSWER),
        GOOD.replace('"simple"', '"SIMPLE"').replace('"expanded"', '"Expanded_Prompt"'),
        json.dumps(GOOD),
        json.dumps({"answer": GOOD}),
        f'{{"simple": "a dog riding a bicycle"}}\n{{"expanded": "{ANSWER["expanded"]}"}}',
        expanding("1. a dog riding a bicycle\n2. on a beach\n3. warm light"),
        expanding("1) a dog riding a bicycle 2) on a beach 3) warm light"),
        expanding(["- a dog riding a bicycle", "- on a beach", "- warm light"]),
        expanding("## Prompt\n- **a dog riding a bicycle**,\n- *on a beach*\n- `warm light`"),
        expanding("Here's the expanded English prompt: a dog riding a bicycle, on a beach, warm light"),
        expanding('"a dog riding a bicycle, on a beach,\u200b warm light --ar 16:9 --v 6"'),
    ],
    ids=[
        "plain",
        "preamble",
        "fence-tag",
        "think",
        "think-end",
        "list",
        "wrapped",
        "comma",
        "keys",
        "markdown",
        "two",
        "labels",
        "headings",
        "fence",
        "fence-open",
        "think-open",
        "trailing",
        "python",
        "keys-case",
        "twice",
        "twice-inside",
        "one-each",
        "numbered",
        "numbered-line",
        "bullets",
        "markdown-list",
        "label-inside",
        "switches",
    ],
)
def test_the_draft_is_found_in_whatever_stands_around_it(wire: Wire, text: str) -> None:
    draft, server = draft_of(wire, [wire.says(text)])
    assert draft.simple == "a dog riding a bicycle"
    assert draft.expanded == "a dog riding a bicycle, on a beach, warm light"
    assert len(server.requests) == 1
    assert '"a dog riding a bicycle"' in wire.told(server.requests[0])


@both_wires
@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", UnusableResponse, "empty answer"),
        ("   \n", UnusableResponse, "empty answer"),
        ("A dog on a bicycle is a lovely idea.", UnusableResponse, "holds no two prompts"),
        ('{"language": "en"}', UnusableResponse, "simple: field required"),
        ('{"simple": 3, "expanded": "a dog"}', UnusableResponse, "simple: input should be a valid string"),
        ('{"simple": "", "expanded": "a dog"}', UnusableResponse, "left the simple prompt empty"),
        ('{"a":' * 9000, UnusableResponse, "holds no two prompts"),
        ("{" * 40_000, UnusableResponse, "holds no two prompts"),
        ('"' + " " * 40_000, UnusableResponse, "holds no two prompts"),
        ("<think>" * 7_000, TruncatedResponse, "while it was still thinking"),
        ('{"%s": 1}' % ("_" * 40_000), UnusableResponse, "holds no two prompts"),
        ('{"simple": %s}' % ("9" * 5_000), UnusableResponse, "holds no two prompts"),
        ("very " * 20_000, UnusableResponse, "100,000 characters"),
        (GOOD[:-30], TruncatedResponse, "broke off"),
        ("```json\n" + GOOD[:60], TruncatedResponse, "broke off"),
        ("<think>First I should consider whether", TruncatedResponse, "still thinking"),
        ("I'm sorry, but I can't help with that request.", Refusal, "declined"),
        ("I cannot create content of this kind.", Refusal, "declined"),
        ("抱歉，我無法協助這項要求。", Refusal, "declined"),
        (json.dumps(ANSWER | {"expanded": "I’m unable to assist with this."}), Refusal, "declined"),
        (json.dumps(ANSWER | {"simple": "一隻狗騎腳踏車"}), WrongLanguage, "not in English"),
        (json.dumps(ANSWER | {"expanded": "un chien sur une bicyclette"}), WrongLanguage, "not in English"),
        (json.dumps(ANSWER | {"simple": "un chien"}), WrongLanguage, "the LLM's simple prompt is not in English"),
        (json.dumps(ANSWER | {"expanded": "犬が自転車に乗っている、海辺"}), WrongLanguage, "the LLM's expanded prompt"),
        (json.dumps(ANSWER | {"simple": None}), UnusableResponse, "left the simple prompt empty"),
        (json.dumps(dict.fromkeys(ANSWER)), UnusableResponse, "left the simple prompt empty"),
        (json.dumps(ANSWER | {"expanded": " \t\n\u200b\u3000"}), UnusableResponse, "left the expanded prompt empty"),
        (json.dumps(ANSWER | {"expanded": "the expanded English prompt"}), UnusableResponse, "expanded prompt empty"),
        ('{"language": "...", "simple": "...", "expanded": "..."}', UnusableResponse, "left the simple prompt empty"),
        (expanding("the same picture as a rich prompt in English"), UnusableResponse, "repeats its instruction"),
        (expanding("a dog riding a bicycle, " * 200), UnusableResponse, "expanded prompt has 4,799 characters"),
        (
            json.dumps(ANSWER | {"simple": {"text": "a dog"}}),
            UnusableResponse,
            "simple: input should be a valid string",
        ),
        (str(ANSWER)[:-20], TruncatedResponse, "broke off"),
        ("I apologize, but I cannot create this picture.", Refusal, "declined"),
        ("This request violates our content policy.", Refusal, "declined"),
        ('{"refusal": "graphic content"}', Refusal, "declined: graphic content"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", UnusableResponse, "a web page instead of an answer"),
        ("x" + "\n" * 49_000 + "y", UnusableResponse, "holds no two prompts"),
    ],
    ids=[
        "empty",
        "blank",
        "prose",
        "missing",
        "type",
        "no-simple",
        "deep",
        "braces",
        "spaces",
        "thoughts",
        "underscores",
        "digits",
        "endless",
        "cut",
        "cut-fence",
        "cut-think",
        "sorry",
        "cannot",
        "zh-refusal",
        "refusal-inside",
        "zh",
        "fr",
        "fr-short",
        "ja-expanded",
        "null",
        "all-null",
        "whitespace",
        "instruction-name",
        "placeholders",
        "instruction-text",
        "too-long",
        "object-inside",
        "cut-python",
        "apology",
        "policy",
        "refusal-key",
        "page-inside",
        "newlines",
    ],
)
def test_an_answer_without_a_draft_is_a_typed_error(
    wire: Wire, text: str, error: type[ExpanderError], message: str
) -> None:
    raised, _ = error_of(wire, [wire.says(text)])
    assert type(raised) is error
    assert message in raised.message


@both_wires
@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (400, BadRequest, "--llm-model"),
        (401, RefusedKey, "check the key"),
        (403, RefusedKey, "check the key"),
        (404, UnknownLLMModel, "--llm-model"),
        (409, BadRequest, "--llm-model"),
        (422, BadRequest, "--llm-model"),
    ],
)
def test_a_refused_request_is_asked_once_and_named(
    wire: Wire, status: int, error: type[ExpanderError], hint: str
) -> None:
    raised, server = error_of(wire, [wire.fails(status, f"no, not with {KEY} or sk-abcdef0123456789")])
    assert type(raised) is error
    assert str(status) in raised.message
    assert "no, not with (key) or (key)" in raised.message
    assert hint in raised.hint
    # google-auth itself tries a key again after a 401, to see whether it can be refreshed
    assert len(server.requests) == 1 or (wire.name == "gemini" and status == 401)


@both_wires
@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_always_fails_ends_within_the_deadline(wire: Wire, status: int) -> None:
    raised, server = error_of(wire, [wire.fails(status, "overloaded")], deadline_s=2)
    assert type(raised) is ServerTrouble
    assert f"{status}: overloaded" in raised.message
    assert 2 <= len(server.requests) <= 5


@both_wires
@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_that_passes_costs_a_retry(wire: Wire, status: int) -> None:
    draft, server = draft_of(wire, [wire.fails(status, "busy"), wire.says(GOOD)])
    assert draft.negative == "blurry"
    assert len(server.requests) == 2


@both_wires
def test_a_wait_that_the_server_asks_for_is_honoured(wire: Wire) -> None:
    began = time.monotonic()
    draft, server = draft_of(wire, [wire.fails(429, "slow down", wait_s=1), wire.says(GOOD)], deadline_s=4)
    assert draft.simple
    assert len(server.requests) == 2
    assert time.monotonic() - began >= 1.0


@both_wires
def test_a_wait_beyond_the_deadline_is_not_begun(wire: Wire) -> None:
    began = time.monotonic()
    raised, server = error_of(wire, [wire.fails(429, "quota", wait_s=3600)])
    assert type(raised) is QuotaExceeded
    assert "try again in 60 minutes" in raised.hint
    assert time.monotonic() - began < 30
    assert len(server.requests) == 1


@both_wires
def test_a_quota_without_a_date_ends_within_the_deadline(wire: Wire) -> None:
    raised, _ = error_of(wire, [wire.fails(429, "too many requests")], deadline_s=1)
    assert type(raised) is QuotaExceeded
    assert "try again later" in raised.hint


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (GeminiWire(), {"code": 429, "message": "quota", "details": [{"violations": [{"quotaId": "RequestsPerDay"}]}]}),
        (OpenAIWire(), {"message": "You exceeded your current quota", "code": "insufficient_quota"}),
    ],
    ids=["gemini", "openai"],
)
def test_a_spent_quota_is_not_waited_for(wire: Wire, body: dict[str, object]) -> None:
    raised, server = error_of(wire, [Reply(429, json.dumps({"error": body}))])
    assert type(raised) is QuotaExceeded
    assert "tomorrow" in raised.hint
    assert len(server.requests) == 1


@both_wires
@pytest.mark.parametrize("reply", [Reply(pause=True), Reply(drip=True)], ids=["silent", "dripping"])
def test_a_server_that_never_answers_ends_within_the_deadline(wire: Wire, reply: Reply) -> None:
    raised, _ = error_of(wire, [reply], deadline_s=1)
    assert type(raised) is DeadlineExceeded
    assert "TWINSEED_LLM_DEADLINE" in raised.hint


@both_wires
@pytest.mark.parametrize("ends", ["closes", "resets"])
def test_a_connection_that_breaks_in_the_middle_of_the_answer(wire: Wire, ends: str) -> None:
    broken = replace(wire.says(GOOD), ends=ends)
    draft, server = draft_of(wire, [broken, wire.says(GOOD)])
    assert draft.simple == "a dog riding a bicycle"
    assert len(server.requests) == 2
    raised, server = error_of(wire, [broken])
    assert type(raised) is Unreachable
    assert len(server.requests) == 3


@both_wires
def test_a_connection_that_breaks_in_the_middle_of_an_error(wire: Wire) -> None:
    raised, _ = error_of(wire, [replace(wire.fails(400, "no"), ends="closes")])
    assert isinstance(raised, Unreachable | BadRequest)


@both_wires
def test_a_refused_connection_is_not_tried_for_a_minute(wire: Wire) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(Unreachable, match="cannot be reached"):
            wire.expander(url, 60.0).draft(REQUEST)
        assert time.monotonic() - began < 30


@both_wires
@pytest.mark.parametrize("content_type", ["text/html", "application/json"])
@pytest.mark.parametrize("status", [200, 404, 503])
def test_a_web_page_is_no_answer(wire: Wire, content_type: str, status: int) -> None:
    page = Reply(status, "<!DOCTYPE html><html><body>Welcome to the router</body></html>", content_type=content_type)
    raised, _ = error_of(wire, [page], deadline_s=1 if status == 503 else 5)
    assert type(raised) is {200: UnusableResponse, 404: UnknownLLMModel, 503: ServerTrouble}[status]
    assert "Welcome" not in raised.message or status == 200


@both_wires
@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '"text"', '{"choices": [], "candidates": []}', "\x00\xff"])
def test_rubbish_is_no_answer(wire: Wire, body: str) -> None:
    raised, _ = error_of(wire, [Reply(200, body)])
    assert type(raised) in (UnusableResponse, Refusal)


@both_wires
def test_a_blocked_answer_is_a_refusal_and_a_cut_one_is_cut(wire: Wire) -> None:
    assert type(error_of(wire, [wire.blocks()])[0]) is Refusal
    assert type(error_of(wire, [wire.filters(GOOD[:50])])[0]) is Refusal
    assert type(error_of(wire, [wire.stops_early("")])[0]) is TruncatedResponse
    assert type(error_of(wire, [wire.stops_early(GOOD[:50])])[0]) is TruncatedResponse


@both_wires
def test_seconds_already_spent_count_into_the_deadline(wire: Wire) -> None:
    with LoopbackServer([wire.says(GOOD)]) as server:
        spent = DraftRequest(REQUEST.concept, 7, 77, spent_s=2.0)
        with pytest.raises(DeadlineExceeded, match="within 2 s"):
            wire.expander(server.url, 2.0).draft(spent)
        assert server.requests == []


def every_subclass(base: type[Exception]) -> list[type[Exception]]:
    return [base, *(c for child in base.__subclasses__() for c in every_subclass(child))]


def made(cls: type[Exception]) -> Exception:
    """An instance with a key in its text and the attributes that its constructor would set, whatever that takes."""
    error = cls.__new__(cls)
    Exception.__init__(error, f"wrong with {KEY}")
    return error


def test_no_exception_of_openai_is_left_out() -> None:
    import httpx2
    import openai

    request = httpx2.Request("POST", "http://127.0.0.1/v1")
    for cls in every_subclass(openai.OpenAIError):
        error = made(cls)
        if isinstance(error, openai.APIStatusError):
            error.response = httpx2.Response(500, request=request, text=f"wrong with {KEY}")
            error.status_code, error.body, error.message = 500, None, f"wrong with {KEY}"
        raised = openai_compatible.wrapped(error, "server", "http://127.0.0.1/v1", "model", KEY)
        assert isinstance(raised, ExpanderError), cls
        assert KEY not in raised.message, cls


def test_no_exception_of_google_is_left_out() -> None:
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError
    from google.generativeai.types import BlockedPromptException, StopCandidateException

    seen = set()
    for base in (exceptions.GoogleAPIError, GoogleAuthError, BlockedPromptException, StopCandidateException):
        for cls in every_subclass(base):
            call_error = issubclass(cls, exceptions.GoogleAPICallError)
            text = f"wrong with {KEY}"
            error = cls(text, None) if cls is exceptions.RetryError else cls(text) if call_error else made(cls)
            raised = gemini.wrapped(error, "server", None, "model", KEY)
            assert isinstance(raised, ExpanderError), cls
            assert KEY not in raised.message, cls
            seen.add(type(raised))
    assert {RefusedKey, UnknownLLMModel, QuotaExceeded, ServerTrouble, BadRequest, Refusal} <= seen
