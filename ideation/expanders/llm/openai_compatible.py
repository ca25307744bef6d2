"""The OpenAI-compatible expander, on the `openai` package: OpenAI, Ollama, vLLM, LM Studio, llama.cpp and others."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ideation.expanders.errors import (
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    Refusal,
    TruncatedResponse,
    UnknownLLMModel,
    Unreachable,
    UnusableResponse,
    error_of_status,
    shortened,
)
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.response import RESPONSE_SCHEMA, read_response
from ideation.expanders.llm.server import checked_key, server_of, within, without_key
from ideation.expanders.protocol import DraftedPrompts, DraftRequest

if TYPE_CHECKING:
    from openai import OpenAI

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_OPENAI_MODEL = "gpt-5.4-mini"

#: What servers without keys get: the package insists on one.
NO_KEY = "no-key"

_ABOUT_FORMAT = re.compile(r"response_format|json|schema|structured|grammar|guided", re.IGNORECASE)
_NOT_FOR_CHAT = re.compile(r"embed|rerank|whisper|tts|clip|moderation", re.IGNORECASE)


class OpenAIExpander:
    """Asks a server that speaks `/chat/completions`.

    `base_url` None is OpenAI itself; `api_key` None suits servers that ask for none; `llm_model` None takes the first
    model that the server lists, or OpenAI's default.
    """

    name = "openai"

    def __init__(
        self,
        api_key: str | None,
        llm_model: str | None = None,
        base_url: str | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        self._api_key = NO_KEY if api_key is None else checked_key(api_key, "OPENAI_API_KEY")
        self.llm_model = llm_model or (DEFAULT_OPENAI_MODEL if base_url is None else None)
        self._base_url = base_url or OPENAI_URL
        self._server = server_of(self._base_url, "OPENAI_BASE_URL")
        self._deadline_s = deadline_s
        self._format = 0

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises `ExpanderError` within the deadline, whatever the server does."""
        import openai  # noqa: F401 - here, so that its loading takes nothing from the deadline

        return read_response(self.ask([instruction_for(request)], spent_s=request.spent_s))

    def ask(
        self, parts: Sequence[str | bytes], *, schema: dict[str, Any] = RESPONSE_SCHEMA, spent_s: float = 0.0
    ) -> str:
        """What the model answers to a message of texts and PNG pictures (bytes), as JSON of `schema` where the server
        can hold it to that. Raises `ExpanderError` within the deadline, of which `spent_s` are gone."""
        content: str | list[dict[str, Any]] = [_part(part) for part in parts]
        if len(parts) == 1 and isinstance(parts[0], str):  # the plain form, which every server knows
            content = parts[0]
        formats = _formats(schema)
        return within(
            self._deadline_s, lambda left: self._ask(content, formats, left), server=self._server, spent_s=spent_s
        )

    def _ask(
        self, content: str | list[dict[str, Any]], formats: Sequence[dict[str, Any] | None], timeout_s: float
    ) -> str:
        from openai import OpenAI

        try:
            # Retries are ours: the package's own know nothing of one total deadline.
            with OpenAI(api_key=self._api_key, base_url=self._base_url, max_retries=0, timeout=timeout_s) as client:
                if self.llm_model is None:
                    self.llm_model = self._first_model(client)
                wanted = formats[self._format]
                extra: dict[str, Any] = {"response_format": wanted} if wanted else {}
                messages: Any = [{"role": "user", "content": content}]
                completion: Any = client.chat.completions.create(model=self.llm_model, messages=messages, **extra)
            return self._text_of(completion)
        except ExpanderError as error:
            trouble = error
        except Exception as error:  # noqa: BLE001 - the package lets those of its HTTP client and of JSON through
            trouble = wrapped(error, self._server, self.llm_model or "", self._api_key)
        last = self._format == len(formats) - 1
        if not last and isinstance(trouble, BadRequest) and _ABOUT_FORMAT.search(trouble.message):
            self._format += 1
            return self._ask(content, formats, timeout_s)
        # Without the cause: it may repeat the key, and tracebacks end up in logs.
        raise trouble from None

    def _first_model(self, client: OpenAI) -> str:
        listed: Any = client.models.list()
        names = [model.id for model in getattr(listed, "data", None) or () if isinstance(model.id, str)]
        names = [name for name in names if not _NOT_FOR_CHAT.search(name)] or names
        if not names:
            raise UnknownLLMModel(
                "{server} lists no models", hint="name one with --llm-model NAME", server=self._server
            )
        return str(names[0])

    def _text_of(self, completion: Any) -> str:
        # A page that is not JSON comes out as a plain string, and any JSON as a model with holes.
        choices = getattr(completion, "choices", None)
        if not isinstance(choices, list) or not choices or not getattr(choices[0], "message", None):
            failed = (getattr(completion, "model_extra", None) or {}).get("error")
            if isinstance(failed, dict):
                # Routers report the trouble of the server behind them inside a 200.
                said = without_key(str(failed.get("message", "")), self._api_key)
                code = failed.get("code")
                status = code if isinstance(code, int) and 400 <= code < 600 else 500
                raise error_of_status(status, said, server=self._server, llm_model=self.llm_model or "", details=failed)
            said = shortened(without_key(str(completion), self._api_key))
            raise UnusableResponse(
                "{server} answered with no message: {said}",
                hint="check OPENAI_BASE_URL",
                server=self._server,
                said=said,
            )
        choice = choices[0]
        if refusal := getattr(choice.message, "refusal", None):
            raise Refusal(
                "the LLM declined: {shortened}",
                hint="say the concept in other words",
                shortened=shortened(str(refusal)),
            )
        if choice.finish_reason == "content_filter":
            raise Refusal("{server} filtered the answer", hint="say the concept in other words", server=self._server)
        if choice.finish_reason == "length":
            raise TruncatedResponse(
                "the LLM's answer broke off at its token limit", hint="try again, or another --llm-model"
            )
        content = choice.message.content
        return content if isinstance(content, str) else ""


def _formats(schema: dict[str, Any]) -> tuple[dict[str, Any] | None, ...]:
    """Ways to ask for JSON, best first. Servers differ in how many of them they know; the last one is none."""
    strict = {"name": "prompts", "strict": True, "schema": schema | {"additionalProperties": False}}
    return {"type": "json_schema", "json_schema": strict}, {"type": "json_object"}, None


def _part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(part).decode()}"}}


def wrapped(error: Exception, server: str, llm_model: str, key: str) -> ExpanderError:
    """Our error for any that the package lets out."""
    import openai

    said = shortened(without_key(str(error), key))
    if isinstance(error, openai.APIStatusError):
        body = error.body if isinstance(error.body, dict) else {}
        message = body.get("message") or body.get("detail") or error.response.text or error.message
        return error_of_status(
            error.status_code,
            without_key(str(message), key),
            server=server,
            llm_model=llm_model,
            headers=error.response.headers,
            details=body,
        )
    if isinstance(error, openai.APITimeoutError):
        return DeadlineExceeded(
            "{server} gave no answer in time",
            hint="set TWINSEED_LLM_DEADLINE to more seconds, or try again later",
            server=server,
        )
    if isinstance(error, openai.APIConnectionError | OSError):
        return Unreachable(
            "{server} cannot be reached",
            hint="check that it runs, the network, a proxy, and OPENAI_BASE_URL",
            server=server,
        )
    if isinstance(error, openai.LengthFinishReasonError):
        return TruncatedResponse("{server}: {said}", hint="try again, or another --llm-model", server=server, said=said)
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return Refusal("{server}: {said}", hint="say the concept in other words", server=server, said=said)
    return UnusableResponse(
        "{server} answered with something that cannot be read: {said}", hint="try again later", server=server, said=said
    )
