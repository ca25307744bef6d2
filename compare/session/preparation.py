"""From a request to what is rendered: prompts with their styles, settings with nothing left open, the model's LoRAs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from compare.request import PairRequest, enhanced_prompts, styled_prompts, written_prompts
from generate.choices.presets import Preset, find_preset, preset_adapters
from generate.choices.sizes import match_aspect_ratio
from generate.choices.styles import Style, find_style
from generate.models import OpenModel, embeddings_in
from generate.render.pair import resolve_settings
from generate.settings import RenderSettings, SettingsError
from ideation import (
    AdapterMention,
    Clause,
    Expander,
    InstructionTemplate,
    PromptPair,
    checked_template,
    parse_prompt,
    require_prompt,
    target_of_family,
)


@dataclass(frozen=True)
class Preparation:
    """All of a request that can be looked up without a model. Raises `TwinseedError` for what is not there."""

    request: PairRequest
    styles: tuple[Style, ...]
    preset: Preset | None
    template: InstructionTemplate | None

    @classmethod
    def of(cls, request: PairRequest) -> Preparation:
        if request.negative is not None:
            require_prompt("negative", request.negative, may_be_empty=True)
            parse_prompt(request.negative)  # what cannot be read is better told now than after an LLM was asked
        return cls(
            request,
            tuple(find_style(name) for name in request.styles),
            find_preset(request.preset) if request.preset is not None else None,
            checked_template(request.template) if request.template is not None else None,
        )

    def carry_out(
        self, model: OpenModel, expander: Expander | None, on_expand: Callable[[str], None]
    ) -> tuple[PromptPair, RenderSettings]:
        """The prompts as they are rendered, and the settings with nothing left open. `on_expand` hears the name of the
        expander before it is asked; none is needed where both prompts are given."""
        settings, notes = _sized(self.request, model)
        budget = model.budget(chunked=settings.long_prompts == "chunk", limit=settings.max_sequence_length)
        family = model.family
        prompts = written_prompts(
            replace(self.request, settings=settings),
            budget,
            expander,
            self.template,
            on_expand,
            # A family that reads whole sentences is written for in such.
            target=target_of_family(family.name) if family.in_turn is not None else None,
        )
        if self.request.enhance:
            prompts = enhanced_prompts(prompts, budget)
        prompts = styled_prompts(prompts, budget, self.styles, self.preset)
        told = _notes_on_embeddings(prompts) if family.in_turn is None else _notes_on_reading(prompts, settings, model)
        prompts = replace(prompts, warnings=(*prompts.warnings, *notes, *told))
        return prompts, replace(settings, adapters=_adapters(settings.adapters, self.preset, prompts))


def load_extras(model: OpenModel, settings: RenderSettings, prompts: PromptPair, *, allow_pickle: bool) -> None:
    """Leaves in the model exactly the LoRAs and textual inversions that these prompts and settings ask for."""
    model.load(
        [(one.name, one.text_encoder, one.unet) for one in settings.adapters],
        embeddings_in(prompts.simple, prompts.expanded, prompts.negative) if model.family.in_turn is None else (),
        allow_pickle=allow_pickle,
    )


def _notes_on_reading(prompts: PromptPair, settings: RenderSettings, model: OpenModel) -> Iterator[Clause]:
    """What the model does not read, although it is there, and what only some of its text encoders do."""
    in_turn = model.family.in_turn
    if in_turn is None:
        return
    if prompts.negative and not in_turn.guided(settings.guidance_scale):
        yield Clause(
            "At a guidance of {guidance}, {title} reads no negative prompt.",
            guidance=f"{settings.guidance_scale:g}",
            title=model.family.title,
        )
    if in_turn.lettering is not None:
        count = max(len(in_turn.lettering(words).encode()) for words in (prompts.simple, prompts.expanded))
        if count > in_turn.letters:
            yield Clause(
                "Of the words in quotation marks, the text encoder for lettering reads {limit} of {count} bytes.",
                limit=in_turn.letters,
                count=count,
            )
    first = in_turn.reader_of(settings.max_sequence_length)
    for reader in in_turn.readers[1:]:
        count = model.budget(reader=reader).count(prompts.expanded)
        if first.limit > reader.limit < count:
            yield Clause(
                "Of the expanded prompt, {reader} reads {limit} of {count} tokens; {first} reads on, up to {more}.",
                reader=reader.name,
                limit=reader.limit,
                count=count,
                first=first.name,
                more=first.limit,
            )


def _notes_on_embeddings(prompts: PromptPair) -> list[Clause]:
    """Words that an expander wrote may be the names of embeddings, which then are in one picture alone."""
    if prompts.expander == "given":
        return []
    alone = set(embeddings_in(prompts.expanded)) - set(embeddings_in(prompts.simple))
    return [
        Clause(
            "The expanded prompt alone names the embedding {name}, so only its picture is drawn with it.",
            name=name,
        )
        for name in sorted(alone)
    ]


def _sized(request: PairRequest, model: OpenModel) -> tuple[RenderSettings, tuple[str, ...]]:
    """The settings with nothing left open, and notes: where the aspect ratio could not be had exactly, and where it
    is none of the few that the model has learnt."""
    settings = request.settings
    notes: tuple[str, ...] = ()
    if request.aspect is not None:
        found = match_aspect_ratio(request.aspect, model.native_size, unit=model.size_unit)
        settings = replace(settings, width=found.width, height=found.height)
        notes = (found.note,) if found.note else ()
    settings = resolve_settings(settings, model)
    learnt = model.family.learnt_sizes
    if learnt and (settings.width, settings.height) not in learnt:
        notes += (_size_note(settings, model),)
    return settings, notes


def _size_note(settings: RenderSettings, model: OpenModel) -> Clause:
    return Clause(
        "The model {model} has learnt pictures of {native} pixels alone: at {size} things may come out double or "
        "beyond recognition, whatever the prompt says.",
        model=model.name,
        native=", ".join(f"{width}x{height}" for width, height in model.family.learnt_sizes),
        size=f"{settings.width}x{settings.height}",
    )


def _adapters(
    named: tuple[AdapterMention, ...], preset: Preset | None, prompts: PromptPair
) -> tuple[AdapterMention, ...]:
    """All LoRAs that are asked for: by option, by the preset, and in either prompt. Both arms are drawn with all.

    Raises `SettingsError` where one is asked for with two weights.
    """
    mentioned = [
        mention
        for prompt in (prompts.simple, prompts.expanded, prompts.negative)
        for mention in parse_prompt(prompt).adapters
    ]
    found = tuple(dict.fromkeys([*named, *preset_adapters(preset), *mentioned]))
    twice = {one.name for one in found if sum(other.name == one.name for other in found) > 1}
    if twice:
        raise SettingsError(
            "the LoRA {twice} is asked for with two weights",
            hint="both pictures are drawn with the same LoRAs: give one weight, in either prompt or with --lora",
            twice=min(twice),
        )
    return found
