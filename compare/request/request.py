"""The request: all that somebody can ask for about a pair, as one value.

It is built from options, from the page's form, from a row of a table, from a record or from a picture, and nothing else
carries settings about. A new option is a field of `PairOptions`, and of `PairRequest` or `RenderSettings`, and a line
in `to_command`; a property test fails for whoever forgets one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from compare.instruments import Examination
from compare.request.concept import concept_of
from compare.request.options import PairOptions, RequestError, examination_of, named_settings
from generate.choices.performance import combined_settings
from generate.choices.presets import chosen_styles, find_preset, negative_parts
from generate.files import likeness_of, read_picture
from generate.models import check_family, require_model, usual_settings
from generate.settings import DEFAULT_MODEL, RenderSettings
from ideation import Clause, Concept, TokenMode, seed_of
from ideation.files import STRICT, interruptible
from templates import Language, language_for

#: Fields of a request and of its settings that were added later.
_LATER = ("attention_backend", "enhance", "max_sequence_length", "memory", "pairs_per_batch")


@dataclass(frozen=True)
class PairRequest:
    """One pair, or several seeds of it, and what is to be found out about it.

    `settings` may leave things open ("auto", no size) that the model decides. `simple` and `expanded` are prompts to
    take as they are; `negative`, where it is not None, takes the place of the expander's; what preset and styles add to
    it stays. `styles` holds the preset's as well. `template` names what an LLM is told; `cache` False asks it even what
    it has answered before. `enhance` puts words of praise behind the expanded
    prompt. `noise_floor` renders each simple prompt once more, alone. `aspect` is a ratio such as
    "16:9", for a size that the model is good at; `draft` the name of a run that this one refines. `language` is the
    report's.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    concept: Concept
    settings: RenderSettings = field(default_factory=RenderSettings)
    simple: str | None = None
    expanded: str | None = None
    negative: str | None = None
    expander: str = "auto"
    llm_model: str | None = None
    template: str | None = None
    tokens: TokenMode = "fit"
    cache: bool = True
    preset: str | None = None
    styles: tuple[str, ...] = ()
    enhance: bool = False
    aspect: str | None = None
    noise_floor: bool = False
    allow_pickle: bool = False
    examination: Examination = field(default_factory=Examination)
    draft: str | None = None
    language: Language = "en"

    @classmethod
    def from_options(cls, options: PairOptions) -> tuple[PairRequest, tuple[str, ...]]:
        """The request, and notes for the user: what was not taken over as it was given, and what nobody typed.

        A concept that is not given is drawn from what the model knows, a seed that is not given at random. Raises
        `TwinseedError` for whatever can be seen to be wrong without torch.
        """
        preset = find_preset(options.preset) if options.preset is not None else None
        named = named_settings(options)
        styles = () if list(options.style) == ["none"] else chosen_styles(preset, options.style)
        examination = examination_of(
            options.clip, options.instruments, options.set_options, options.expander, options.llm_model
        )
        model = named.get("model") or (preset.settings.get("model") if preset is not None else None) or DEFAULT_MODEL
        usual = usual_settings(require_model(model, allow_pickle=options.allow_pickle), seed_of(options.seed))
        notes = list[str]()
        simple, expanded, negative = options.simple, options.expanded, options.negative
        if options.like is not None:
            base = {name: value for name, value in named.items() if name in ("model", "vae", "scheduler")}
            like = likeness_of(read_picture(options.like), replace(usual, **base))
            usual = like.settings
            notes += like.notes
            if options.seed is not None:
                named["seed"] = seed_of(options.seed)
            if options.concept is None and simple is None:
                if not (like.simple.strip() or like.expanded):
                    raise RequestError(
                        "{picture} gives no prompt: {why}",
                        hint="add the concept, or --simple TEXT",
                        picture=options.like,
                        why=like.without_prompt or Clause("its prompt is empty"),
                    )
                if like.simple.strip():
                    simple = like.simple
                    expanded = like.expanded if expanded is None else expanded
                else:
                    simple = like.expanded
                    notes.append(Clause("Its prompt is taken as the simple one: add the concept to make its pair."))
            negative = like.negative if negative is None else negative
        chosen = combined_settings(preset, options.performance, named, usual_steps=usual.num_inference_steps)
        settings = replace(usual, images=options.images, **chosen)
        family = require_model(settings.model, allow_pickle=options.allow_pickle)
        if family is not None:
            check_family(settings, family)
            examination.require_family(family, settings)
        if options.concept is None and simple is None and expanded is not None:
            raise RequestError("--expanded was given without what it expands", hint="add the concept, or --simple TEXT")
        concept, said_of_it = concept_of(options.concept, simple, options.drawn, settings)
        notes += said_of_it
        if preset is not None or styles:
            parts = negative_parts(negative or "", preset, styles)
            notes += [
                Clause("negative prompt, from {origin}: {text}", origin=part.origin, text=part.text)
                for part in parts
                if part.origin != "prompt"
            ]
        request = cls(
            concept=concept,
            settings=settings,
            simple=simple,
            expanded=expanded,
            negative=negative,
            expander=options.expander,
            llm_model=options.llm_model,
            template=options.template,
            tokens="chunk" if settings.long_prompts == "chunk" else options.tokens,
            cache=not options.no_cache,
            preset=preset.name if preset is not None else None,
            styles=tuple(style.name for style in styles),
            enhance=options.enhance,
            aspect=options.aspect,
            noise_floor=options.noise_floor,
            allow_pickle=options.allow_pickle,
            examination=examination,
            language=options.language or language_for(concept.language),
        )
        return request, tuple(notes)

    @property
    def digest(self) -> str:
        """SHA-256 of all that is asked for but the language of its report: equal requests, equal digest.

        What was added later counts where it is used, so that runs and plans of before keep the digest that they bear.
        """
        content = _without_later(self.to_json())
        del content["language"]
        content["settings"] = _without_later(content["settings"])
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The request as JSON has it; `request_from_json` reads it back equal."""
        with interruptible():
            content: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return content

    def to_command(self) -> list[str]:
        """The words of the command line that asks for the same; `shlex.join` makes one line of them.

        Reading it back with `from_options` gives an equal request, as long as the word lists, presets and styles are
        the same. A request to refine a run is told as such.
        """
        if self.draft is not None:
            return ["twinseed", "refine", self.draft, "--steps", str(self.settings.num_inference_steps)]
        words = ["twinseed", "pair"]
        for option, value in self._options():
            words += [option] if value is None else [f"{option}={value}"] if value.startswith("-") else [option, value]
        return [*words, "--", self.concept.text]

    def _options(self) -> list[tuple[str, str | None]]:
        """Options with their values, None for a switch. What a preset could have set is told whatever it is."""
        usual, settings, examination = RenderSettings(), self.settings, self.examination
        sides = settings.width, settings.height
        size = "x".join("" if side is None else str(side) for side in sides) if any(sides) else "native"
        preset = find_preset(self.preset) if self.preset is not None else None
        # Where a preset or the family of another model could set them, these are told whatever they are.
        all_told = preset is not None or settings.model != usual.model
        told: list[tuple[str, str | None, bool]] = [
            ("--drawn", f"{self.concept.index}@{self.concept.seed}", self.concept.index is not None),
            ("--preset", self.preset, preset is not None),
            ("--simple", self.simple, self.simple is not None),
            ("--expanded", self.expanded, self.expanded is not None),
            ("--negative", self.negative, self.negative is not None),
            ("--model", settings.model, settings.model != usual.model or preset is not None),
            ("--scheduler", settings.scheduler, settings.scheduler != usual.scheduler or all_told),
            (
                "--steps",
                str(settings.num_inference_steps),
                settings.num_inference_steps != usual.num_inference_steps or all_told,
            ),
            (
                "--guidance",
                f"{settings.guidance_scale!r}",
                settings.guidance_scale != usual.guidance_scale or all_told,
            ),
            ("--size", size, self.aspect is None and (size != "native" or preset is not None)),
            ("--aspect", self.aspect, self.aspect is not None),
            ("--seed", str(settings.seed), True),
            ("--images", str(settings.images), settings.images != usual.images),
            ("--tokens", self.tokens, self.tokens != "fit"),
            ("--clip-skip", str(settings.clip_skip), settings.clip_skip != usual.clip_skip),
            ("--vae", settings.vae, settings.vae is not None),
            *(("--lora", f"{one.name}:{one.text_encoder!r}:{one.unet!r}", True) for one in settings.adapters),
            *(("--style", name, True) for name in self.styles),
            ("--style", "none", bool(preset is not None and preset.styles and not self.styles)),
            ("--enhance", None, self.enhance),
            ("--fast", None, settings.fast),
            ("--compile", None, settings.compiled),
            (
                "--max-sequence-length",
                str(settings.max_sequence_length),
                settings.max_sequence_length != usual.max_sequence_length,
            ),
            ("--memory", settings.memory, settings.memory is not None),
            ("--batch", str(settings.pairs_per_batch), settings.pairs_per_batch is not None),
            ("--attention-backend", settings.attention_backend, settings.attention_backend is not None),
            ("--device", settings.device, settings.device != usual.device),
            ("--dtype", settings.dtype, settings.dtype != usual.dtype),
            ("--allow-pickle", None, self.allow_pickle),
            ("--noise-floor", None, self.noise_floor),
            ("--expander", self.expander, self.expander != "auto"),
            ("--llm-model", self.llm_model, self.llm_model is not None),
            ("--template", self.template, self.template is not None),
            ("--no-cache", None, not self.cache),
            *(("--with", name, True) for name in examination.instruments),
            *(
                ("--set", f"{instrument}.{name}={json.dumps(value, ensure_ascii=False)}", True)
                for instrument, values in examination.options.items()
                for name, value in values.items()
            ),
            ("--clip", examination.clip, examination.clip != "auto"),
            ("--language", self.language, self.language != language_for(self.concept.language)),
        ]
        return [(option, value) for option, value, is_told in told if is_told]


def request_from_json(content: dict[str, Any]) -> PairRequest:
    """The request of which `to_json` made `content`. Raises pydantic's `ValidationError`, or `TwinseedError`."""
    return _adapter().validate_json(json.dumps(content))


def _without_later(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in _LATER or value}


@cache
def _adapter() -> TypeAdapter[PairRequest]:
    """Made when it is first needed: it takes pydantic a while."""
    return TypeAdapter(PairRequest)
