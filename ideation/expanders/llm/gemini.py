"""The Gemini expander, on the `google-generativeai` package over REST."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

from ideation.expanders.errors import (
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    Refusal,
    RefusedKey,
    TruncatedResponse,
    Unreachable,
    UnusableResponse,
    error_of_status,
    shortened,
)
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.response import RESPONSE_SCHEMA, read_response
from ideation.expanders.llm.server import checked_key, server_of, within, without_key
from ideation.expanders.protocol import DraftedPrompts, DraftRequest

DEFAULT_GEMINI_MODEL = "gemini-3.5-flash-lite"

_REFUSED = frozenset({"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"})


class GeminiExpander:
    """Asks a Gemini model. `endpoint` is the address of a stand-in server, None Google's own."""

    name = "gemini"

    def __init__(
        self,
        api_key: str,
        llm_model: str = DEFAULT_GEMINI_MODEL,
        endpoint: str | None = None,
        deadline_s: float = 60.0,
    ) -> None:
        self._api_key = checked_key(api_key, "GEMINI_API_KEY")
        self.llm_model: str | None = llm_model
        self._endpoint = endpoint
        self._server = "Gemini" if endpoint is None else f"Gemini at {server_of(endpoint, 'GEMINI_API_ENDPOINT')}"
        self._deadline_s = deadline_s
        self._json_mode = True

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises `ExpanderError` within the deadline, whatever the server does."""
        return read_response(self.ask([instruction_for(request)], spent_s=request.spent_s))

    def ask(
        self, parts: Sequence[str | bytes], *, schema: dict[str, Any] = RESPONSE_SCHEMA, spent_s: float = 0.0
    ) -> str:
        """What the model answers to a message of texts and PNG pictures (bytes), as JSON of `schema` where the model
        can be held to that. Raises `ExpanderError` within the deadline, of which `spent_s` are gone."""
        with warnings.catch_warnings():
            # The package announces its own end of life, and that of some Python versions, at every import.
            warnings.simplefilter("ignore")
            import google.generativeai  # noqa: F401 - here, so that its loading takes nothing from the deadline
        message = [part if isinstance(part, str) else {"mime_type": "image/png", "data": part} for part in parts]
        return within(
            self._deadline_s, lambda left: self._ask(message, schema, left), server=self._server, spent_s=spent_s
        )

    def _ask(self, message: list[Any], schema: dict[str, Any], timeout_s: float) -> str:
        import google.generativeai as genai
        from google.ai import generativelanguage

        config: dict[str, Any] = {"candidate_count": 1}
        if self._json_mode:
            config |= {"response_mime_type": "application/json", "response_schema": schema}
        options = {"api_key": self._api_key} | ({"api_endpoint": self._endpoint} if self._endpoint else {})
        try:
            model = genai.GenerativeModel(self.llm_model, generation_config=config)
            with generativelanguage.GenerativeServiceClient(transport="rest", client_options=options) as client:
                # `genai.configure` would set the key for the whole process, and for other expanders in it.
                model._client = client
                response = model.generate_content(message, request_options={"retry": None, "timeout": timeout_s})
            return _text_of(response)
        except ExpanderError:
            raise
        except Exception as error:  # noqa: BLE001 - the package lets those of requests, auth and protobuf through
            trouble = wrapped(error, self._server, self.llm_model or "", self._api_key)
        if self._json_mode and isinstance(trouble, BadRequest) and re.search(r"(?i)json|schema|mime", trouble.message):
            # Gemma and other models behind the same address write plain text only.
            self._json_mode = False
            return self._ask(message, schema, timeout_s)
        # Without the cause: it may repeat the key, and tracebacks end up in logs.
        raise trouble from None


def wrapped(error: Exception, server: str, llm_model: str, key: str) -> ExpanderError:
    """Our error for any that the package lets out."""
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.generativeai.types import BlockedPromptException, StopCandidateException

    said = shortened(without_key(str(error), key))
    if isinstance(error, exceptions.GoogleAPICallError):
        response = error.response if isinstance(error.response, requests.Response) else None
        status = response.status_code if response is not None else error.code
        if isinstance(error, exceptions.DeadlineExceeded) or status is None:
            return Unreachable("{server}: {said}", hint="try again later", server=server, said=said)
        return error_of_status(
            int(status),
            re.sub(r"^[A-Z]+ https?://\S+: ", "", without_key(error.message, key)),
            server=server,
            llm_model=llm_model,
            headers=response.headers if response is not None else None,
            details=[detail for detail in error.details or () if isinstance(detail, dict)],
        )
    if isinstance(error, requests.Timeout):
        return DeadlineExceeded(
            "{server} gave no answer in time",
            hint="set TWINSEED_LLM_DEADLINE to more seconds, or try again later",
            server=server,
        )
    if isinstance(error, requests.RequestException | TransportError | exceptions.RetryError | OSError):
        return Unreachable(
            "{server} cannot be reached ({name})",
            hint="check the network, a proxy, and GEMINI_API_ENDPOINT if it is set",
            server=server,
            name=type(error).__name__,
        )
    if isinstance(error, GoogleAuthError):
        return RefusedKey("{server} cannot use the key: {said}", hint="check GEMINI_API_KEY", server=server, said=said)
    if isinstance(error, BlockedPromptException | StopCandidateException):
        return Refusal(
            "{server} blocked its answer: {said}", hint="say the concept in other words", server=server, said=said
        )
    return UnusableResponse(
        "{server} answered with something that cannot be read: {said}", hint="try again later", server=server, said=said
    )


def _text_of(response: Any) -> str:
    """The text of a response; `.text` of the package would raise one ValueError for a dozen different reasons."""
    if not response.candidates:
        reason = response.prompt_feedback.block_reason.name
        raise Refusal("Gemini blocked the concept ({reason})", hint="say the concept in other words", reason=reason)
    candidate = response.candidates[0]
    reason = getattr(candidate.finish_reason, "name", str(candidate.finish_reason))
    text = "".join(part.text for part in candidate.content.parts)
    if reason in _REFUSED:
        raise Refusal("Gemini stopped its answer ({reason})", hint="say the concept in other words", reason=reason)
    if reason == "MAX_TOKENS":
        raise TruncatedResponse(
            "Gemini's answer broke off at its token limit", hint="try again, or another --llm-model"
        )
    return text
