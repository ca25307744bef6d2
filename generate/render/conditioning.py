"""Conditioning: prompts become what the denoiser reads, of any length, both arms in one batch, neither touched."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from generate.models.opening.model import Encoding, OpenModel
from generate.settings import RenderSettings, SettingsError
from ideation import ParsedPrompt, PromptPair, parse_prompt

#: A chunk that is full ends behind its last comma, if that is among its last so many tokens.
_COMMA_REACH = 20
#: The longest context that both arms are brought to, in tokens.
_MAX_CONTEXT = 77 * 60


@dataclass(frozen=True)
class Conditioning:
    """`arguments` are the pipeline's, by name, each (2, ...): simple, expanded. `lengths` says how many tokens of
    context the simple, the expanded and the negative prompt took by themselves, start, end and padding included.

    Of a family whose arms go in turn there are no arguments but the words themselves: `texts`, one for each picture,
    and `negative`; `ways` says of each how far it goes toward which other words, None where it does not.
    """

    arguments: dict[str, torch.Tensor]
    lengths: dict[str, int]
    texts: tuple[str, ...] = ()
    negative: str = ""
    ways: tuple[tuple[str, float] | None, ...] = ()

    def rows(self, picks: Sequence[int]) -> Conditioning:
        """The conditioning of those of its pictures, in that order."""
        return replace(
            self,
            arguments={name: value[list(picks)] for name, value in self.arguments.items()},
            texts=tuple(self.texts[pick] for pick in picks) if self.texts else (),
            ways=tuple(self.ways[pick] for pick in picks) if self.ways else (),
        )


@torch.no_grad()
def encode_pair(model: OpenModel, prompts: PromptPair, settings: RenderSettings) -> Conditioning:
    """The embeddings of both arms and of their one negative prompt.

    Every prompt goes through the text encoders alone: in a batch, one text twice can come out different in its last
    bits; and once, for as long as nobody changes the encoders. Contexts of different lengths are repeated to their
    least common multiple: to attention, a context twice is the same as once, while padding would be read as words. A
    prompt without syntax comes out as diffusers' own `encode_prompt` has it, bit for bit. Where the arms go in turn,
    the pipeline encodes by itself. Raises `SettingsError`.
    """
    texts = {"simple": prompts.simple, "expanded": prompts.expanded, "negative": prompts.negative}
    if model.family.in_turn is not None:
        words = {name: _plain_words(model, text, name) for name, text in texts.items()}
        require_like(model, (words["simple"], words["expanded"]))
        budget, in_turn = model.budget(limit=settings.max_sequence_length), model.family.in_turn
        # What is put before prompts is put before them alone; and without guidance, nothing reads the negative one.
        unread = "negative" if in_turn.readers[0].before or not in_turn.guided(settings.guidance_scale) else ""
        lengths = {name: min(budget.limit, budget.count_words(text)) for name, text in words.items() if name != unread}
        return Conditioning({}, lengths, (words["simple"], words["expanded"]), words["negative"])
    encoded = {
        name: model.encodings.get(
            (text, settings.long_prompts, settings.clip_skip), partial(_encode, model, text, settings, name)
        )
        for name, text in texts.items()
    }
    lengths = {name: context.shape[1] for name, (context, _) in encoded.items()}
    common = math.lcm(*lengths.values())
    if common > _MAX_CONTEXT:
        raise SettingsError(
            "the prompts take {values} tokens of context; brought to one length they would take {common}",
            hint="shorten the longest, or let it be cut with --tokens truncate",
            values=", ".join(map(str, lengths.values())),
            common=common,
        )
    contexts = {name: context.repeat(1, common // lengths[name], 1) for name, (context, _) in encoded.items()}
    arguments = {
        "prompt_embeds": torch.cat([contexts["simple"], contexts["expanded"]]),
        "negative_prompt_embeds": torch.cat([contexts["negative"]] * 2),
    }
    pooled = {name: vector for name, (_, vector) in encoded.items() if vector is not None}
    if pooled:  # XL models only
        arguments["pooled_prompt_embeds"] = torch.cat([pooled["simple"], pooled["expanded"]])
        arguments["negative_pooled_prompt_embeds"] = torch.cat([pooled["negative"]] * 2)
    return Conditioning(arguments, lengths)


def require_like(model: OpenModel, prompts: Sequence[str]) -> None:
    """Raises `SettingsError` where the model would guide one of the prompts in another way than the rest."""
    in_turn = model.family.in_turn
    if in_turn is not None and len({in_turn.set_apart(prompt) for prompt in prompts}) > 1:
        raise SettingsError(
            "{title} guides pictures with lettering in another way, and not all prompts have words in quotation marks",
            hint="put the same words into quotation marks in both prompts, or take them away; apostrophes count, too",
            title=model.family.title,
        )


def _plain_words(model: OpenModel, prompt: str, name: str) -> str:
    """The prompt as a text encoder is given it that reads words alone. Adapters are taken out of it, and plain brackets
    stand behind no backslash. Raises `SettingsError` for syntax that it cannot follow."""
    parsed = parse_prompt(prompt)
    weighed = next(
        (one for section in parsed.sections for one in section if one.weight != 1 and one.text.strip()), None
    )
    if weighed is not None:
        raise SettingsError(
            "the {name} prompt weighs {words!r}, and {title} reads words without weights",
            hint="say it in words; a bracket that is meant as such stands behind a backslash: \\( \\)",
            name=name,
            words=weighed.text.strip()[:60],
            title=model.family.title,
        )
    if len(parsed.sections) > 1:
        raise SettingsError(
            "the {name} prompt has a BREAK in it, and {title} reads prompts in one piece",
            hint="take it out, or write the word in small letters",
            name=name,
            title=model.family.title,
        )
    if parsed.embeddings:
        raise SettingsError(
            "the {name} prompt asks for the embedding {embedding}, and {title} cannot be given any",
            hint="take it out: embeddings go with Stable Diffusion",
            name=name,
            embedding=parsed.embeddings[0],
            title=model.family.title,
        )
    return parsed.text


def _encode(model: OpenModel, prompt: str, settings: RenderSettings, name: str) -> Encoding:
    """The context of one prompt, (1, 77 times the chunks, width), and the pooled vector that XL models want."""
    parsed = parse_prompt(prompt)
    if len(parsed.sections) > 1 and settings.long_prompts == "truncate":
        raise SettingsError(
            "the {name} prompt has a BREAK in it, and long prompts are cut",
            hint="add --tokens chunk, so that each part gets a chunk of its own; or write the word in small letters",
            name=name,
        )
    contexts: list[torch.Tensor] = []
    pooled: torch.Tensor | None = None
    for tokenizer, encoder in model.text_encoders:
        parts = []
        for chunk in prompt_chunks(model, tokenizer, parsed, chunked=settings.long_prompts == "chunk"):
            context, vector = _encode_chunk(encoder, chunk, settings.clip_skip, penultimate=model.family.penultimate)
            parts.append(context)
            if vector is not None and pooled is None:  # of the first chunk, as the web UI does it
                pooled = vector
        contexts.append(torch.cat(parts, dim=1))
    return torch.cat(contexts, dim=-1).to(model.device, encoder.dtype), pooled


@dataclass(frozen=True)
class _Chunk:
    """What an encoder reads at once: (1, 77) ids, their mask of what is no padding, and a weight for each."""

    ids: torch.Tensor
    mask: torch.Tensor
    weights: torch.Tensor


def prompt_chunks(model: OpenModel, tokenizer: Any, parsed: ParsedPrompt, *, chunked: bool) -> Iterator[_Chunk]:
    """The chunks of a prompt that an encoder reads one by one; the first alone, unless it may be `chunked`."""
    limit = int(tokenizer.model_max_length)
    room = limit - 2
    comma = tokenizer.convert_tokens_to_ids(",</w>")  # the unknown token's, which is the end's, where there is none
    rows: list[list[tuple[int, float]]] = []
    for section in parsed.sections:
        tokens: list[tuple[int, float]] = []
        for stretch in section:
            text = model.pipeline.maybe_convert_prompt(
                stretch.text, tokenizer
            )  # names of textual inversion become tokens
            ids = tokenizer(text, add_special_tokens=False, truncation=False, verbose=False).input_ids
            tokens += [(token, stretch.weight) for token in ids]
        while len(tokens) > room and chunked:
            commas = (k + 1 for k in range(room - 1, room - 1 - _COMMA_REACH, -1) if tokens[k][0] == comma)
            end = next(commas, room)
            rows.append(tokens[:end])
            tokens = tokens[end:]
        rows.append(tokens[:room])
    for row in rows:
        padding = limit - 2 - len(row)
        ids = [tokenizer.bos_token_id, *(token for token, _ in row), tokenizer.eos_token_id]
        yield _Chunk(
            torch.tensor([ids + [tokenizer.pad_token_id] * padding]),
            torch.tensor([[1] * len(ids) + [0] * padding]),
            torch.tensor([1.0, *(weight for _, weight in row), *[1.0] * (padding + 1)]),
        )


def _encode_chunk(encoder: Any, chunk: _Chunk, clip_skip: int, *, penultimate: bool) -> Encoding:
    """`clip_skip` last layers are left out; XL models are trained on the penultimate layer to begin with."""
    mask = chunk.mask.to(encoder.device) if getattr(encoder.config, "use_attention_mask", False) else None
    if penultimate:
        output = encoder(chunk.ids.to(encoder.device), output_hidden_states=True)
        context = output.hidden_states[-(clip_skip + 2)]
    elif clip_skip:
        output = encoder(chunk.ids.to(encoder.device), attention_mask=mask, output_hidden_states=True)
        context = encoder.final_layer_norm(output.hidden_states[-(clip_skip + 1)])
    else:
        output = encoder(chunk.ids.to(encoder.device), attention_mask=mask)
        context = output[0]
    vector = output[0] if penultimate and output[0].ndim == 2 else None
    return _weighted(context, chunk.weights), vector


def _weighted(context: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Each token's vector times its weight; then all of them scaled so that the chunk is as loud as before.

    The web UI brings back the mean over the chunk; of the standard CLIP that is as good as its root mean square, which
    is used here, because it cannot come near zero and so turn the whole context around.
    """
    if (weights == 1).all():
        return context
    weighted = context * weights.to(context)[None, :, None]
    return weighted * (context.square().mean().sqrt() / weighted.square().mean().sqrt().clamp_min(1e-6))
