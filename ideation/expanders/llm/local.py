"""The local expander: a language model on this machine, through transformers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ideation.expanders.errors import DeadlineExceeded, ExpanderError, UnknownLLMModel, UnusableResponse, WrongLanguage
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.response import read_response
from ideation.expanders.protocol import DraftedPrompts, DraftRequest

#: Room for the JSON object with both prompts and the reasons.
_ANSWER_TOKENS = 600


class LocalExpander:
    """Asks a causal or sequence-to-sequence model from a folder or by hub id.

    A model with a chat template is told what to do and answers like the other LLMs. One without only goes on with the
    text that it gets (MagicPrompt and the like), so its expanded prompt is the simple one and what it adds to it.
    """

    name = "local"

    def __init__(self, llm_model: str, deadline_s: float = 60.0) -> None:
        self.llm_model: str | None = llm_model
        self._deadline_s = deadline_s
        self._loaded: tuple[Any, Any] | None = None

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        """Raises `ExpanderError`. Loading the model does not count into the deadline, writing does."""
        tokenizer, model = self._load()
        if tokenizer.chat_template:
            # "enable_thinking" is Qwen's switch; the templates of others pass over it.
            prompt = tokenizer.apply_chat_template(
                [{"role": "user", "content": instruction_for(request)}],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,
            )
            return read_response(self._generate(tokenizer, model, prompt, _ANSWER_TOKENS, request.spent_s))
        return self._continued(tokenizer, model, request)

    def _continued(self, tokenizer: Any, model: Any, request: DraftRequest) -> DraftedPrompts:
        concept = request.concept
        parts = [word.en for word in (concept.topic, concept.action) if word is not None]
        simple = " ".join(parts) + (f", {concept.style.en} style" if concept.style else "") if parts else concept.text
        if not parts and not concept.language.startswith("en"):
            raise WrongLanguage(
                "{llm_model} only continues English prompts, and the concept is in {language}",
                hint="take a model with a chat template",
                llm_model=self.llm_model,
                language=concept.language,
            )
        added = self._generate(tokenizer, model, simple, request.token_limit, request.spent_s)
        expanded = " ".join(added.split())
        if not model.config.is_encoder_decoder:
            expanded = f"{simple} {expanded}".strip()
        return read_response(f"Simple: {simple}\nExpanded: {expanded}")

    def _generate(self, tokenizer: Any, model: Any, prompt: str, new_tokens: int, spent_s: float) -> str:
        import torch

        left = self._deadline_s - spent_s
        began = time.monotonic()
        room = getattr(model.config, "max_position_embeddings", None)
        try:
            inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=not tokenizer.chat_template)
            length = int(inputs["input_ids"].shape[1])
            if room is not None and not model.config.is_encoder_decoder:
                if length >= room:
                    raise UnusableResponse(
                        "the instruction takes {length} tokens and {llm_model} reads {room}",
                        hint="name a model with a longer context",
                        length=length,
                        llm_model=self.llm_model,
                        room=room,
                    )
                new_tokens = min(new_tokens, room - length)
            with torch.inference_mode():
                output = model.generate(
                    input_ids=inputs["input_ids"].to(model.device),
                    attention_mask=inputs["attention_mask"].to(model.device),
                    do_sample=False,
                    max_new_tokens=new_tokens,
                    max_time=max(left, 0.01),
                    pad_token_id=tokenizer.pad_token_id
                    if tokenizer.pad_token_id is not None
                    else tokenizer.eos_token_id,
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
        if time.monotonic() - began >= left:
            raise DeadlineExceeded(
                "{llm_model} did not finish within {deadline_s:.3g} s",
                hint="set TWINSEED_LLM_DEADLINE to more seconds, or take a smaller model",
                llm_model=self.llm_model,
                deadline_s=self._deadline_s,
            )
        new = output[0] if model.config.is_encoder_decoder else output[0][length:]
        return str(tokenizer.decode(new, skip_special_tokens=True))

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            import torch
            from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

            name = self.llm_model or ""
            # What looks like a folder is never looked up on the hub.
            is_folder = Path(name).exists() or name.startswith((".", "/", "~"))
            # Not asking either: left open, transformers asks whoever sits at the terminal.
            safely = {"local_files_only": is_folder, "trust_remote_code": False}
            try:
                config = AutoConfig.from_pretrained(name, **safely)
                kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
                tokenizer = AutoTokenizer.from_pretrained(name, **safely)
                model = kind.from_pretrained(name, **safely, dtype="auto")
                device = "cuda" if torch.cuda.is_available() else "cpu"
                self._loaded = (tokenizer, model.to(device).eval())
            except Exception as error:
                first_line = str(error).strip().splitlines()[:1]
                raise UnknownLLMModel(
                    "the language model {name!r} cannot be loaded: {first_line}",
                    hint="give a folder with config.json, a tokenizer and weights, or a hub id that can be reached",
                    name=name,
                    first_line=" ".join(first_line),
                ) from error
        return self._loaded
