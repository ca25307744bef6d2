"""The OpenAI-compatible expander, on the `openai` package: OpenAI, Ollama, vLLM, LM Studio, llama.cpp and others."""

from __future__ import annotations

import base64
import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ideation.errors import Clause
from ideation.expanders.errors import (
    MAX_QUOTED_CHARACTERS,
    BadRequest,
    DeadlineExceeded,
    ExpanderError,
    Refusal,
    ServerTrouble,
    TruncatedResponse,
    UnknownLLMModel,
    UnusableResponse,
    WrongLanguage,
    error_in_success,
    error_of_status,
    is_web_page,
    shortened,
)
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.added_details import (
    Sample,
    as_messages,
    best_draft,
    note_of,
    say_enough,
    simple_prompt,
)
from ideation.expanders.llm.body import error_in, events_in, message_in, names_in, words_in
from ideation.expanders.llm.download import ACCEPTED_ENCODINGS, Download
from ideation.expanders.llm.json_text import ends_whole
from ideation.expanders.llm.response import RESPONSE_SCHEMA, read_response
from ideation.expanders.llm.server import (
    checked_key,
    not_reached,
    proxy_variable,
    server_of,
    with_known_models,
    within,
    without_key,
)
from ideation.expanders.protocol import DraftedPrompts, DraftRequest, OnWait, wait_in_silence

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_OPENAI_MODEL = "gpt-5.4-mini"

#: Reasons to end that mean a limit was reached, in OpenAI's words and in those of neighbours.
_CUT = frozenset(("length", "max_tokens", "max_output_tokens", "model_length"))

#: Added details: so many lines are asked for at most, each of so many tokens, a thought before it included.
MAX_SAMPLES, _LINE_TOKENS = 4, 300

#: What servers without keys get: the package insists on one.
NO_KEY = "no-key"

_ABOUT_FORMAT = re.compile(
    r"response.?format|json|schema|structured|grammar|guided|unexpected key|extra inputs", re.IGNORECASE
)
#: What servers say to an address that is none of theirs.
_STRANGER = re.compile(
    r"a web page|unexpected endpoint|unknown (?:route|path|url)|invalid url|cannot post|no route", re.IGNORECASE
)
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
        on_wait: OnWait = wait_in_silence,
    ) -> None:
        self._api_key = NO_KEY if api_key is None else checked_key(api_key, "OPENAI_API_KEY")
        self.llm_model = llm_model or (DEFAULT_OPENAI_MODEL if base_url is None else None)
        self._base_url = base_url or OPENAI_URL
        self._server = server_of(self._base_url, "OPENAI_BASE_URL")
        self._deadline_s = deadline_s
        self._on_wait = on_wait
        self._format = 0

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises `ExpanderError` within the deadline, whatever the server does."""
        import openai  # noqa: F401 - here, so that its loading takes nothing from the deadline

        began = time.monotonic() - request.spent_s
        try:
            return read_response(self.ask([instruction_for(request)], spent_s=request.spent_s))
        except UnusableResponse as error:
            # The second failure at the full instruction: what small models can do is less. One that writes two prompts
            # in its own language is not small.
            first = not request.complaints or request.previous is not None
            if first or isinstance(error, WrongLanguage):
                raise
            try:
                return self._added(request, began)
            except ExpanderError:
                raise error from None

    def _added(self, request: DraftRequest, began: float) -> DraftedPrompts:
        """The concept as the simple prompt, and what the model adds to it. Raises `ExpanderError`."""
        simple, notes = simple_prompt(request.concept)
        messages = as_messages(simple, request)
        samples: list[Sample] = []
        for number in range(MAX_SAMPLES):
            sampling = {"temperature": 0.7, "max_tokens": _LINE_TOKENS, "seed": request.seed + number}
            text = within(
                self._deadline_s,
                lambda left, options=sampling: self._ask(messages, (None,), left, **options),  # type: ignore[misc]
                server=self._server,
                spent_s=time.monotonic() - began,
                on_wait=self._on_wait,
            )
            samples.append(Sample(text))
            if say_enough(simple, samples, request):
                break
        note = note_of(self.llm_model, Clause("did not follow the full instruction"))
        return best_draft(simple, samples, request, (note, *notes))

    def ask(
        self, parts: Sequence[str | bytes], *, schema: dict[str, Any] = RESPONSE_SCHEMA, spent_s: float = 0.0
    ) -> str:
        """What the model answers to a message of texts and PNG pictures (bytes), as JSON of `schema` where the server
        can hold it to that. Raises `ExpanderError` within the deadline, of which `spent_s` are gone."""
        content: str | list[dict[str, Any]] = [_part(part) for part in parts]
        if len(parts) == 1 and isinstance(parts[0], str):  # the plain form, which every server knows
            content = parts[0]
        formats = _formats(schema)
        messages = [{"role": "user", "content": content}]
        return within(
            self._deadline_s,
            lambda left: self._ask(messages, formats, left),
            server=self._server,
            spent_s=spent_s,
            on_wait=self._on_wait,
        )

    def _ask(self, messages: Any, formats: Sequence[dict[str, Any] | None], timeout_s: float, **options: Any) -> str:
        try:
            with self._client(timeout_s) as client:
                if self.llm_model is None:
                    self.llm_model = self._first_model(client)
                wanted = formats[min(self._format, len(formats) - 1)]
                extra = options | ({"response_format": wanted} if wanted else {})
                # The body as it came: the package makes a completion of whatever JSON it is, and of a page a string.
                answered = client.chat.completions.with_raw_response.create(
                    model=self.llm_model, messages=messages, **extra
                )
                trouble = self._trouble_in(answered.text, answered.headers)
                if trouble is None:
                    return self._text_of(answered.text)
        except ExpanderError as error:
            trouble = error
        except Exception as error:  # noqa: BLE001 - the package lets those of its HTTP client and of JSON through
            trouble = wrapped(error, self._server, self._base_url, self.llm_model or "", self._api_key)
        last = self._format >= len(formats) - 1
        # Some servers fail with a 500 at what they cannot do.
        if not last and isinstance(trouble, BadRequest | ServerTrouble) and _ABOUT_FORMAT.search(trouble.message):
            self._format += 1
            return self._ask(messages, formats, timeout_s, **options)
        # Without the cause: it may repeat the key, and tracebacks end up in logs.
        raise self._explained(trouble, timeout_s) from None

    def _first_model(self, client: OpenAI) -> str:
        names = self._models(client)
        if not names:
            raise UnknownLLMModel(
                "{server} lists no models", hint="name one with --llm-model NAME", server=self._server
            )
        return names[0]

    def _models(self, client: OpenAI) -> list[str]:
        """The models of the server, those for chats where they can be told by their names."""
        body = client.models.with_raw_response.list().text
        if is_web_page(body):
            raise self._no_message(body)
        # What is as long as this is no name, and a key in it none to show.
        names = [name for name in names_in(events_in(body)) if len(name) <= MAX_QUOTED_CHARACTERS]
        names = [name for name in names if without_key(name, self._api_key) == name]
        return [name for name in names if not _NOT_FOR_CHAT.search(name)] or names

    def _trouble_in(self, body: str, headers: Mapping[str, str]) -> ExpanderError | None:
        """The error that is told in an answer with the status 200: routers report the trouble of the server behind
        them so, and some servers every trouble."""
        failed = error_in(events_in(body))
        if failed is None:
            return None
        said = without_key(words_in(failed) or shortened(body), self._api_key)
        return error_in_success(failed, said, server=self._server, llm_model=self.llm_model or "", headers=headers)

    def _text_of(self, body: str) -> str:
        message = message_in(events_in(body))
        if message is None:
            raise self._no_message(body)
        if message.refusal:
            raise Refusal(
                "the LLM declined: {shortened}",
                hint="say the concept in other words",
                shortened=shortened(message.refusal),
            )
        if message.finish == "content_filter":
            raise Refusal("{server} filtered the answer", hint="say the concept in other words", server=self._server)
        if message.finish in _CUT and not ends_whole(message.answer):
            raise TruncatedResponse(
                "the LLM's answer broke off at its token limit", hint="try again, or another --llm-model"
            )
        if not message.answer and message.thought:
            raise UnusableResponse(
                "the LLM only thought aloud and gave no answer: {said}",
                hint="try again, or another --llm-model",
                said=shortened(message.thought),
            )
        return message.answer

    def _no_message(self, body: str) -> UnusableResponse:
        said = shortened(without_key(body, self._api_key))
        return UnusableResponse(
            "{server} answered with no message: {said}" if said else "{server} answered with nothing at all",
            hint=self._address_hint() or "check OPENAI_BASE_URL",
            server=self._server,
            said=said,
        )

    def _address_hint(self) -> Clause | None:
        """What is wrong with the address, where it shows; and through whom the request went."""
        parts = urlsplit(self._base_url)
        path = parts.path.rstrip("/")
        if ending := re.search(r"/(?:chat/completions|completions|chat|models|responses)$", path):
            return Clause("leave {ending} out of OPENAI_BASE_URL: it is added by itself", ending=ending[0])
        if not re.search(r"/v\d", path):
            at = f"{parts.scheme}://{self._server}{path.removesuffix('/api')}/v1"
            return Clause("/v1 is missing in OPENAI_BASE_URL: try {at}", at=at)
        if proxy := proxy_variable(self._base_url):
            return Clause(
                "check OPENAI_BASE_URL, and the proxy in {proxy}, which NO_PROXY={host} passes by",
                proxy=proxy,
                host=parts.hostname,
            )
        return None

    def _explained(self, trouble: ExpanderError, timeout_s: float) -> ExpanderError:
        """The error with the hint that fits: the models that the server has, or what is wrong with the address."""
        trouble = with_known_models(trouble, self.llm_model or "", lambda: self._known_models(timeout_s))
        strange = _STRANGER.search(trouble.message)
        if not strange and (type(trouble) is not UnknownLLMModel or "known names" in trouble.hint):
            return trouble
        hint = self._address_hint()
        if hint is None or not isinstance(trouble, UnknownLLMModel | BadRequest | ServerTrouble):
            return trouble
        if isinstance(trouble, ServerTrouble):
            return ServerTrouble("{trouble}", hint=hint, retry_after_s=trouble.retry_after_s, trouble=trouble.message)
        return type(trouble)("{trouble}", hint=hint, trouble=trouble.message)

    def _known_models(self, timeout_s: float) -> list[str]:
        with self._client(min(timeout_s, 5.0)) as client:
            return self._models(client)

    def _client(self, timeout_s: float) -> OpenAI:
        from openai import DefaultHttpxClient, OpenAI

        key = "" if self._api_key == NO_KEY else self._api_key
        download = Download(server=self._server, variable="OPENAI_BASE_URL", key=key, timeout_s=timeout_s)
        receiving = {"response": [lambda response: _receive(download, response)]}
        return OpenAI(
            api_key=self._api_key,
            base_url=self._base_url,
            max_retries=0,  # they are ours: the package's own know nothing of one total deadline
            timeout=timeout_s,
            default_headers={"Accept-Encoding": ACCEPTED_ENCODINGS},
            http_client=DefaultHttpxClient(event_hooks=receiving),
        )


def _receive(download: Download, response: httpx2.Response) -> None:
    """Puts what was downloaded of it in the place of the stream that the client would read to its end."""
    import httpx2

    if response.has_redirect_location:
        download.check_redirect(str(response.url), response.headers["location"])
    with contextlib.closing(response.stream) as stream:  # type: ignore[type-var]
        content = download.read(response.headers, stream)  # type: ignore[arg-type]
    response.stream = httpx2.ByteStream(content)
    response.headers.pop("content-encoding", None)
    response.encoding = "utf-8"


def _formats(schema: dict[str, Any]) -> tuple[dict[str, Any] | None, ...]:
    """Ways to ask for JSON, best first. Servers differ in how many of them they know; the last one is none."""
    strict = {"name": "prompts", "strict": True, "schema": schema | {"additionalProperties": False}}
    return {"type": "json_schema", "json_schema": strict}, {"type": "json_object"}, None


def _part(part: str | bytes) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(part).decode()}"}}


def wrapped(error: Exception, server: str, base_url: str, llm_model: str, key: str) -> ExpanderError:
    """Our error for any that the package lets out."""
    import openai

    if isinstance(error, openai.APIStatusError):
        body = error.response.text
        events = events_in(body)
        return error_of_status(
            error.status_code,
            without_key(words_in(events) or body, key),
            server=server,
            llm_model=llm_model,
            headers=error.response.headers,
            details=events,
        )
    if isinstance(error, openai.APITimeoutError):
        return DeadlineExceeded(
            "{server} gave no answer in time",
            hint="set TWINSEED_LLM_DEADLINE to more seconds, or try again later",
            server=server,
        )
    said = shortened(without_key(str(error), key))
    if isinstance(error, openai.LengthFinishReasonError):
        return TruncatedResponse("{server}: {said}", hint="try again, or another --llm-model", server=server, said=said)
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return Refusal("{server}: {said}", hint="say the concept in other words", server=server, said=said)
    # The package's HTTP client complains about proxies before there is a connection, with errors of several kinds.
    if isinstance(error, openai.APIConnectionError | OSError) or "proxy" in said.casefold():
        return not_reached(error, base_url, server=server, variable="OPENAI_BASE_URL", certificates="SSL_CERT_FILE")
    return UnusableResponse(
        "{server} answered with something that cannot be read: {said}", hint="try again later", server=server, said=said
    )
