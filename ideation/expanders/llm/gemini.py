"""The Gemini expander, on the `google-generativeai` package over REST."""

from __future__ import annotations

import io
import itertools
import json
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ideation.expanders.errors import (
    MAX_QUOTED_CHARACTERS,
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    Refusal,
    RefusedKey,
    ServerTrouble,
    TruncatedResponse,
    Unreachable,
    UnusableResponse,
    error_in_success,
    error_of_status,
    shortened,
)
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.body import error_in, events_in, words_in
from ideation.expanders.llm.download import ACCEPTED_ENCODINGS, Download
from ideation.expanders.llm.json_text import ends_whole
from ideation.expanders.llm.response import RESPONSE_SCHEMA, read_response
from ideation.expanders.llm.server import checked_key, not_reached, server_of, with_known_models, within, without_key
from ideation.expanders.protocol import DraftedPrompts, DraftRequest, OnWait, wait_in_silence

if TYPE_CHECKING:
    import requests

GEMINI_URL = "https://generativelanguage.googleapis.com"
DEFAULT_GEMINI_MODEL = "gemini-3.5-flash-lite"

_ABOUT_FORMAT = re.compile("json|schema|mime", re.IGNORECASE)
#: A list of models may have so many pages, which are asked for one after the other.
MAX_PAGES = 3

#: Reasons to end that mean a refusal, by words in their names, for there are new ones every year.
_REFUSED = re.compile("SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII")


class GeminiExpander:
    """Asks a Gemini model. `endpoint` is the address of a stand-in server, None Google's own."""

    name = "gemini"

    def __init__(
        self,
        api_key: str,
        llm_model: str = DEFAULT_GEMINI_MODEL,
        endpoint: str | None = None,
        deadline_s: float = 60.0,
        on_wait: OnWait = wait_in_silence,
    ) -> None:
        self._api_key = checked_key(api_key, "GEMINI_API_KEY")
        self.llm_model: str | None = llm_model
        self._endpoint = endpoint
        self._server = "Gemini" if endpoint is None else f"Gemini at {server_of(endpoint, 'GEMINI_API_ENDPOINT')}"
        self._deadline_s = deadline_s
        self._on_wait = on_wait
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
            self._deadline_s,
            lambda left: self._ask(message, schema, left),
            server=self._server,
            spent_s=spent_s,
            on_wait=self._on_wait,
        )

    def _ask(self, message: list[Any], schema: dict[str, Any], timeout_s: float) -> str:
        import google.generativeai as genai
        from google.ai import generativelanguage

        config: dict[str, Any] = {"candidate_count": 1}
        if self._json_mode:
            config |= {"response_mime_type": "application/json", "response_schema": schema}
        options = {"api_key": self._api_key} | ({"api_endpoint": self._endpoint} if self._endpoint else {})
        received: list[requests.Response] = []
        trouble: ExpanderError | None = None
        try:
            model = genai.GenerativeModel(self.llm_model, generation_config=config)
            with generativelanguage.GenerativeServiceClient(transport="rest", client_options=options) as client:
                # `genai.configure` would set the key for the whole process, and for other expanders in it.
                model._client = client
                # The body as it came: the package drops what it does not know, an error and newer reasons among it.
                received = _downloading(client, self._download(timeout_s))
                model.generate_content(message, request_options={"retry": None, "timeout": timeout_s})
        except ExpanderError as error:
            trouble = error
        except Exception as error:  # noqa: BLE001 - the package lets those of requests, auth and protobuf through
            trouble = wrapped(error, self._server, self._endpoint, self.llm_model or "", self._api_key)
        status = received[-1].status_code if received else 0
        if 300 <= status < 400 and isinstance(trouble, UnusableResponse):
            trouble = error_of_status(status, "", server=self._server, llm_model=self.llm_model or "")
        elif 200 <= status < 300 and not isinstance(trouble, Unreachable | DeadlineExceeded):
            trouble = self._trouble_in(received[-1].text)
            if trouble is None:
                return self._text_of(received[-1].text)
        if trouble is None:
            raise self._nothing("")
        about_format = isinstance(trouble, BadRequest | ServerTrouble) and _ABOUT_FORMAT.search(trouble.message)
        if self._json_mode and about_format:
            # Gemma and other models behind the same address write plain text only.
            self._json_mode = False
            return self._ask(message, schema, timeout_s)
        trouble = with_known_models(trouble, self.llm_model or "", lambda: self._models(options, timeout_s))
        # Without the cause: it may repeat the key, and tracebacks end up in logs.
        raise trouble from None

    def _download(self, timeout_s: float) -> Download:
        return Download(server=self._server, variable="GEMINI_API_ENDPOINT", key=self._api_key, timeout_s=timeout_s)

    def _models(self, options: dict[str, Any], timeout_s: float) -> list[str]:
        """The server's models that write text."""
        from google.ai import generativelanguage

        timeout_s = min(timeout_s, 5.0)
        with generativelanguage.ModelServiceClient(transport="rest", client_options=options) as client:
            _downloading(client, self._download(timeout_s))
            listed = client.list_models({"page_size": 1000}, retry=None, timeout=timeout_s)
            names = [
                model.name.removeprefix("models/")
                for page in itertools.islice(listed.pages, MAX_PAGES)
                for model in page.models
                if "generateContent" in model.supported_generation_methods
            ]
        # What is as long as this is no name, and a key in it none to show.
        names = [name for name in names if len(name) <= MAX_QUOTED_CHARACTERS]
        return [name for name in names if without_key(name, self._api_key) == name]

    def _trouble_in(self, body: str) -> ExpanderError | None:
        """The error that is told in an answer with the status 200, by a router or another thing between."""
        failed = error_in(events_in(body))
        if failed is None:
            return None
        said = without_key(words_in(failed) or shortened(body), self._api_key)
        return error_in_success(failed, said, server=self._server, llm_model=self.llm_model or "")

    def _text_of(self, body: str) -> str:
        """The text of an answer, with the true reason where there is none."""
        from google.generativeai.protos import Candidate, GenerateContentResponse

        events = [event for event in events_in(body) if isinstance(event, dict)]
        candidates = [
            candidate
            for event in events
            for candidate in (event.get("candidates") or ())[:1]
            if isinstance(candidate, dict)
        ]
        blocked = [feedback for event in events if isinstance(feedback := event.get("promptFeedback"), dict)]
        reasons = [
            _reason(GenerateContentResponse.PromptFeedback.BlockReason, feedback.get("blockReason"))
            for feedback in blocked
        ]
        if reason := next(filter(None, reasons), ""):
            raise Refusal("Gemini blocked the concept ({reason})", hint="say the concept in other words", reason=reason)
        if not candidates:
            raise self._nothing(body)
        reason = _reason(Candidate.FinishReason, candidates[-1].get("finishReason"))
        more = next((shortened(str(why)) for candidate in candidates if (why := candidate.get("finishMessage"))), "")
        if _REFUSED.search(reason):
            raise Refusal(
                "Gemini stopped its answer ({reason}: {more})" if more else "Gemini stopped its answer ({reason})",
                hint="say the concept in other words",
                reason=reason,
                more=more,
            )
        text = "".join(_said(candidate) for candidate in candidates)
        if reason == "MAX_TOKENS" and not ends_whole(text):
            raise TruncatedResponse(
                "Gemini's answer broke off at its token limit", hint="try again, or another --llm-model"
            )
        if not text.strip() and reason:
            raise UnusableResponse(
                "Gemini stopped without an answer ({reason}: {more})"
                if more
                else "Gemini stopped without an answer ({reason})",
                hint="try again, or another --llm-model",
                reason=reason,
                more=more,
            )
        return text

    def _nothing(self, body: str) -> UnusableResponse:
        said = shortened(without_key(body, self._api_key))
        return UnusableResponse(
            "{server} answered with no message: {said}" if said else "{server} answered with nothing at all",
            hint="try again later; check GEMINI_API_ENDPOINT if it is set",
            server=self._server,
            said=said,
        )


def _downloading(client: Any, download: Download) -> list[requests.Response]:
    """Where the responses to the client's requests will be kept, each downloaded before anybody else reads it."""
    import requests
    import urllib3

    session: requests.Session = client.transport._session
    session.headers["Accept-Encoding"] = ACCEPTED_ENCODINGS
    received: list[requests.Response] = []

    def receive(response: requests.Response, *_: Any, **__: Any) -> None:
        try:
            if response.is_redirect:
                download.check_redirect(response.url, response.headers["location"])
            content = download.read(response.headers, response.raw.stream(2**16, decode_content=False))
        except urllib3.exceptions.ReadTimeoutError as error:
            raise requests.ReadTimeout(error) from error
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise requests.exceptions.ChunkedEncodingError(error) from error
        finally:
            response.raw.close()
        response.raw = io.BytesIO(content)
        response.encoding = "utf-8"
        received.append(response)

    session.hooks["response"].append(receive)
    return received


def _reason(kind: Any, given: Any) -> str:
    """The name of a reason that a server gives as a number or by name; "" where it gives none."""
    number = int(given) if re.fullmatch(r"[0-9]{1,9}", str(given), re.ASCII) else None
    name = str(given or "") if number is None else next((item.name for item in kind if item == number), str(number))
    return "" if name in ("0", "STOP") or name.endswith("_UNSPECIFIED") else name


def wrapped(error: Exception, server: str, endpoint: str | None, llm_model: str, key: str) -> ExpanderError:
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
        body = response.text if response is not None else ""
        return error_of_status(
            int(status),
            without_key(words_in(events_in(body)) or body or error.message, key),
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
        return not_reached(
            error,
            endpoint or GEMINI_URL,
            server=server,
            variable="GEMINI_API_ENDPOINT",
            certificates="REQUESTS_CA_BUNDLE",
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


def _said(candidate: dict[str, Any]) -> str:
    """The text of a candidate without its thoughts, and what it filled into a function."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    said = []
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and not part.get("thought"):
            call = part.get("functionCall")
            said.append(json.dumps(call.get("args")) if isinstance(call, dict) else str(part.get("text") or ""))
    return "".join(said)
