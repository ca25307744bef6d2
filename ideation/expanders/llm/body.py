"""The body of an HTTP response: one JSON value, a stream of events that nobody asked for, or words and pages."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

#: Where servers keep the words of an error, the most telling first.
_WORDS_IN = (
    "error",
    "message",
    "detail",
    "details",
    "errors",
    "error_message",
    "error_description",
    "msg",
    "reason",
    "title",
)
#: What is nested deeper is no answer, and nothing here needs to follow it.
MAX_DEPTH = 100

#: A stream of events with so many blocks that are none is no such stream.
MAX_STRAYS = 1000

_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_NO_TEXT = frozenset(("thinking", "reasoning", "redacted_thinking", "tool_use", "image", "image_url"))


@dataclass(frozen=True)
class Message:
    """What an LLM said: the `text` and what it filled into a tool's `arguments`; its `thought` apart from both.

    `finish` is the reason that the server gives for the end, "" where it gives none.
    """

    text: str = ""
    arguments: str = ""
    thought: str = ""
    refusal: str = ""
    finish: str = ""

    @property
    def answer(self) -> str:
        """Text and arguments. A thought only where it holds an object and nothing else was said: some servers take the
        whole answer of a model for its thoughts."""
        said = "\n".join(part for part in (self.text, self.arguments) if part.strip())
        return said or (self.thought if "{" in self.thought else "")


def events_in(body: str) -> list[Any]:
    """The JSON values of a body: one, or those of an event stream, comments and all, or one on each line.

    >>> events_in(': keep-alive\\n\\ndata: {"a": 1}\\n\\ndata: [DONE]\\n'), events_in("<html>")
    ([{'a': 1}], [])
    """
    body = body.strip().removeprefix("\ufeff")
    try:
        value = _value(body)
    except (ValueError, RecursionError):
        pass
    else:
        return value if isinstance(value, list) and value and all(isinstance(item, dict) for item in value) else [value]
    events, strays = [], 0
    for block in re.split(r"\n\s*\n|\n(?=data:|\{)", body.replace("\r\n", "\n").replace("\r", "\n")):
        lines = [line.removeprefix("data:").strip() for line in block.split("\n") if not _CONTROL.match(line)]
        if strays == MAX_STRAYS:
            break
        try:
            events.append(_value("\n".join(lines)))
        except (ValueError, RecursionError):
            strays += 1  # "[DONE]", and whatever a proxy adds
    return events


def _value(text: str) -> Any:
    """The JSON value of a text. Raises `ValueError` for none, and for one that is nested deeper than any answer."""
    value = json.loads(text)
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return value


_CONTROL = re.compile(r":|(?:event|id|retry):")


def message_in(events: list[Any]) -> Message | None:
    """The message of a completion, put together from its pieces where it was sent in pieces; None where there is none.

    Besides `choices` it reads what neighbouring interfaces send: Ollama's own, completions, responses and messages.
    """
    whole: dict[str, list[str]] = {"text": [], "thought": [], "refusal": [], "finish": []}
    calls: dict[int, list[str]] = {}
    found = False
    for event in events:
        for part, finish in _parts(event):
            found = True
            content = part.get("content")
            whole["text"].append(_text(content) or (part["text"] if isinstance(part.get("text"), str) else ""))
            whole["thought"] += [thought for name in _THOUGHTS if isinstance(thought := part.get(name), str)][:1]
            whole["refusal"] += [
                refusal for refusal in (part.get("refusal"), _refusal(content)) if isinstance(refusal, str)
            ]
            whole["finish"] += [finish] if isinstance(finish, str) else []
            for number, arguments in _arguments(part):
                calls.setdefault(number, []).append(arguments)
    if not found:
        return None
    return Message(
        text="".join(whole["text"]),
        arguments="\n".join("".join(pieces) for pieces in calls.values()),
        thought="".join(whole["thought"]),
        refusal="".join(whole["refusal"]),
        finish=whole["finish"][-1] if whole["finish"] else "",
    )


def error_in(events: list[Any]) -> Any:
    """What stands under "error" in the first event that has one, or None: routers report trouble inside a 200."""
    return next((event["error"] for event in events if isinstance(event, dict) and event.get("error")), None)


def words_in(value: Any) -> str:
    """A server's own words about what was wrong, out of whatever it wraps them in.

    >>> words_in([{"error": {"code": 404, "message": "no such model"}}])
    'no such model'
    >>> words_in({"detail": [{"loc": ["body", "n"], "msg": "too large"}]})
    'too large (body.n)'
    """
    if isinstance(value, str):
        inner = events_in(value) if value.lstrip().startswith(("{", "[")) else []
        return words_in(inner) or value if inner else value
    if isinstance(value, list):
        return "; ".join(filter(None, map(words_in, value[:3])))
    if not isinstance(value, dict):
        return ""
    said = next((words for name in _WORDS_IN if (words := words_in(value.get(name)))), "")
    if said and isinstance(place := value.get("loc"), list):
        return f"{said} ({'.'.join(map(str, place))})"
    behind = value.get("metadata")
    if isinstance(behind, dict) and (raw := words_in(behind.get("raw"))):
        return f"{said}: {raw}" if said else raw
    return said


def names_in(events: list[Any]) -> list[str]:
    """The names in a list of models: under `data` or `models`, or bare; each an object or a string.

    >>> names_in(events_in('["a", "b"]')), names_in([{"data": [{"id": "c"}]}]), names_in([{"id": "d"}, {"name": "e"}])
    (['a', 'b'], ['c'], ['d', 'e'])
    """
    names: list[str] = []
    for event in events:
        if isinstance(event, str):
            names.append(event)
        elif isinstance(event, list):
            names += names_in(event)
        elif isinstance(event, dict):
            inner = next(
                (event[key] for key in ("data", "models", "result") if isinstance(event.get(key), list | dict)), None
            )
            if inner is not None:
                names += names_in(inner if isinstance(inner, list) else [inner])
            else:
                name = next((event[key] for key in ("id", "name", "model") if isinstance(event.get(key), str)), None)
                names += [name] if name else []
    return names


def _parts(event: Any) -> list[tuple[dict[str, Any], Any]]:
    """The message, or the piece of one, in an event, and why it ended."""
    if not isinstance(event, dict):
        return []
    choices = event.get("choices")
    if isinstance(choices, list) and choices:
        choice = choices[0]
        if not isinstance(choice, dict):
            return []
        part = next((choice[key] for key in ("message", "delta") if isinstance(choice.get(key), dict)), None)
        if part is None and isinstance(choice.get("text"), str):
            part = {"text": choice["text"]}
        if part is None and isinstance(choice.get("message"), str):
            part = {"text": choice["message"]}
        return [] if part is None else [(part, choice.get("finish_reason"))]
    finish = event.get("done_reason") or event.get("stop_reason")
    if isinstance(event.get("message"), dict):
        return [(event["message"], finish)]
    if isinstance(event.get("response"), str):
        return [({"text": event["response"], "thinking": event.get("thinking")}, finish)]
    if isinstance(event.get("output"), list):
        return [(item, None) for item in event["output"] if isinstance(item, dict)]
    if isinstance(event.get("content"), list):
        return [(event, finish)]
    if "simple" in event and "expanded" in event:
        return [({"text": json.dumps(event)}, None)]
    return []


def _text(content: Any) -> str:
    """Text; parts of a text; or an object that the server has read already, as JSON again."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(map(_text, content))
    if not isinstance(content, dict) or content.get("type") in _NO_TEXT:
        return ""
    inner = content.get("text", content.get("content"))
    if isinstance(inner, dict) and isinstance(inner.get("value"), str):
        return str(inner["value"])
    if inner is not None or "type" in content:
        return _text(inner)
    return json.dumps(content, ensure_ascii=False)


def _refusal(content: Any) -> Any:
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return next((part.get("refusal") for part in parts if part.get("type") == "refusal"), None)


def _arguments(part: dict[str, Any]) -> list[tuple[int, str]]:
    """What the model filled into tools, by the number of the call."""
    calls: list[Any] = part["tool_calls"] if isinstance(part.get("tool_calls"), list) else []
    filled = [
        (call.get("index", number), call.get("function")) for number, call in enumerate(calls) if isinstance(call, dict)
    ]
    filled += [(0, part["function_call"])] if isinstance(part.get("function_call"), dict) else []
    found = [(number, call.get("arguments")) for number, call in filled if isinstance(call, dict)]
    if part.get("type") == "function_call":
        found.append((0, part.get("arguments")))
    content: list[Any] = part["content"] if isinstance(part.get("content"), list) else []
    found += [
        (n, item.get("input"))
        for n, item in enumerate(content)
        if isinstance(item, dict) and item.get("type") == "tool_use"
    ]
    return [
        (
            number if isinstance(number, int) else 0,
            given if isinstance(given, str) else json.dumps(given, ensure_ascii=False),
        )
        for number, given in found
        if given
    ]
