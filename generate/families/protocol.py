"""A family of models: the facts by which it is recognised, and by which both arms of its pairs are rendered fairly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ideation import Vocabulary

#: The schedulers of flow matching that every pipeline takes; those that most take; those that make their own way from
#: noise to picture, where a pipeline leaves it to them.
EULERS = ("Euler", "Euler Karras", "Euler exponential", "Euler beta")
EULERS_AND_UNIPC = (*EULERS, "UniPC")
SOLVERS = (*EULERS_AND_UNIPC, "DPM++ 2M", "DEIS")

#: What a row of the denoiser's batch, or one of its calls, is computed for, with guidance.
Guided = Literal["prompt", "negative prompt"]


@dataclass(frozen=True)
class Reader:
    """A text encoder of a family whose arms go in turn, as it is called, and the tokenizer that cuts words for it.

    It reads `limit` tokens, of which the makers' own template takes `template_tokens`: so many before and so many
    behind the words; besides them what stands `before` every prompt, as many as the tokenizer makes of it. A `pooled`
    one gives a vector of the whole prompt and not its words.
    """

    name: str
    tokenizer: str
    limit: int
    template_tokens: tuple[int, int] = (0, 0)
    before: Callable[[], str] | None = None
    pooled: bool = False


@dataclass(frozen=True)
class InTurn:
    """How one arm of a pair is drawn: by an ordinary call of the pipeline for it alone.

    `readers` are the text encoders, first the one that counts: it reads the words longest and most closely. `arguments`
    are given to the pipeline whatever is asked for, rewriting of prompts switched off among them. The pipeline is
    guided, and reads a negative prompt, where its guidance is `guided_above` a number; None for those that never are.
    `guided_calls` are what a guided step calls the denoiser for, one after the other; empty where one call has a row
    for each of the family's `guided_rows`. `schedulers` are the names of those that draw rightly.

    `of_steps` are arguments that hang on the pipeline and the number of steps. A pipeline that `tells_latents_alone`
    has the callback of 2022, which is given no pipeline and changes nothing. `lengths` names inputs of the denoiser
    whose rows it reads only as far as another input says: what is behind is padding, and no part of what it was given.

    `mixed` gives what the text encoders make of words, as arguments of the pipeline, where two of them can be mixed:
    they have one length, and nothing tells their padding apart. None where they cannot.

    `attends` says how words lie to the picture where the transformer looks at them: before or behind it in one row, or
    apart, in layers of their own; None where nobody looks on. There a square of the picture is `places_a_side` by as
    many places, and the picture is padded to a multiple of `picture_in`. `context` is what the words' places are, in
    order: tokenizers, by the pipeline's names for them, each with its number of places, 0 of the last for as many as
    there are tokens.
    `words_from` is how many places stand before those of the last, given the pipeline, the prompt, how many tokens it
    has, and how many are read; None where that is the template alone.

    The pipeline of one that `carries` tells the denoiser which of its calls is for what, so that a fast render can
    carry attention on from step to step. The attention layers of one that `takes_backends` can be computed by others
    than torch.

    `guiders` are parts of the pipeline that hold the guidance, where no argument does: one of them is used for a
    picture. Of prompts that are `set_apart` it uses another one, and so they go with their like alone.

    `lettering` makes of a prompt what a text encoder for letters alone is given of it, "" where it has none; `letters`
    are the bytes of that which it reads.

    `sizes` are the widths and heights that the pipeline draws, where it draws no others. `most_tokens` is the longest
    that `max_sequence_length` may be made, None where it is the reader's limit. `negative` are the arguments by which
    the pipeline is told the negative prompt, made of itself, the words and the others.

    The latents of a step lie as the pipeline packs them: `unpacked` makes (1, channels, height, width) of them, given
    the pipeline, the latents and the picture's height and width in pixels; `decoded` makes pixels of those.
    """

    readers: tuple[Reader, ...]
    guided_above: float | None
    decoded: Callable[[Any, Any], Any]
    unpacked: Callable[[Any, Any, int, int], Any] = lambda _, latents, __, ___: latents
    schedulers: tuple[str, ...] = EULERS
    arguments: Mapping[str, Any] = field(default_factory=dict)
    guided_calls: tuple[Guided, ...] = ()
    of_steps: Callable[[Any, int], Mapping[str, Any]] = lambda _, __: {}
    tells_latents_alone: bool = False
    lengths: Mapping[str, str] = field(default_factory=dict)
    most_tokens: int | None = None
    mixed: Callable[[Any, str, Mapping[str, Any]], Mapping[str, Any]] | None = None
    carries: bool = False
    takes_backends: bool = False
    attends: Literal["words first", "picture first", "words apart"] | None = None
    places_a_side: int = 1
    picture_in: int = 1
    context: tuple[tuple[str, int], ...] = ()
    words_from: Callable[[Any, str, int, int], int] | None = None
    guiders: tuple[str, ...] = ()
    set_apart: Callable[[str], bool] = lambda _: False
    lettering: Callable[[str], str] | None = None
    letters: int = 0
    sizes: Callable[[Any], Sequence[tuple[int, int]]] = lambda _: ()
    negative: Callable[[Any, str, Mapping[str, Any]], Mapping[str, Any]] = lambda _, words, __: {
        "negative_prompt": words
    }

    def reader_of(self, max_sequence_length: int | None) -> Reader:
        """The text encoder that counts, which reads so many tokens."""
        first = self.readers[0]
        return first if max_sequence_length is None else replace(first, limit=max_sequence_length)

    def guided(self, scale: float) -> bool:
        """Whether a picture is drawn with guidance at that scale, and so with a negative prompt."""
        return self.guided_above is not None and scale > self.guided_above


@dataclass(frozen=True)
class Family:
    """What is true of all models of one make. Names are diffusers' names, so that the code which renders asks here
    instead of asking what class a pipeline has.

    Recognised by: `pipeline`, the `_class_name` in a model_index.json, and among the families of one pipeline by
    `context_width`, the width of the words' vectors that the denoiser attends to, and by `latent_channels`; None where
    any will do. `told_by` are what the model_index.json or the denoiser's configuration of its models says.
    `model_channels` is what a checkpoint's first layer makes of its latents, by which models of the published sizes are
    told from others.

    Parts: `denoiser` names the pipeline's part that is run at each step; `text_encoders`, its encoders with the
    tokenizer of each. `penultimate` families are conditioned on the last layer but one. `patch` latents a side are one
    token of the denoiser, whose pictures are made of squares of so many; `packed` of them lie one behind the other in
    the channels that its configuration counts. `native_side` is the side in pixels of the
    pictures that it was trained for, None where the denoiser's configuration says it. `processors` are parts made for
    words and pictures, of which the tokenizer alone is loaded, and asked for when the pipeline is made already where it
    is `processor_first`; `left_out` are parts that are not loaded at all.

    Rendering: `guidance` names the pipeline's argument for the scale of guidance, or what its guiders call it. A guided
    batch holds all pictures once for each of `guided_rows`, in that order; an unguided one holds the prompts alone.
    `inputs` says what the denoiser's tensor arguments are to a pair, by their names, those in a dictionary behind a
    dot: "initial noise", "prompt" for whatever is made of words, "size conditioning"; one that is not named there goes
    by its own name. Only prompts may differ between the arms. `flow` families were trained by flow matching. `half` is
    the number format of two bytes that they were published in. `in_turn` is there where the arms are not rendered in
    one batch.

    For people: `title` is what the makers call it; `usual` are fields of `RenderSettings` that its models want where
    nobody says otherwise; `billions` of parameters have the denoiser and the text encoders of the one that is used
    most, where that was published; `single_files` says whether it is read from one file, too: a whole checkpoint of
    those with a U-Net, of the others the transformer alone.

    Where to look: `embedded` is the folder of the model that is shipped, `configuration` that of a configuration
    without weights for single files, `epsilon_configuration` another one for the members that predict noise where the
    usual ones predict v. `vocabulary` returns all words that such a model knows, `clip` is the folder of the CLIP that
    was made for its pictures: None for families that know any word, and that any CLIP can score. `learnt_sizes` are the
    widths and heights of the pictures that it has seen, where it has seen few. `earlier_weights` are the digests of
    those that were shipped before, each with the side of its pictures, and `earlier_clips` the digests of their CLIPs.
    """

    name: str
    title: str
    pipeline: str
    inputs: Mapping[str, str]
    denoiser: str = "transformer"
    text_encoders: tuple[tuple[str, str], ...] = (("text_encoder", "tokenizer"),)
    guidance: str = "guidance_scale"
    guided_rows: tuple[Guided, ...] = ("prompt", "negative prompt")
    penultimate: bool = False
    context_width: int | None = None
    latent_channels: int | None = None
    model_channels: int | None = None
    told_by: Mapping[str, object] = field(default_factory=dict)
    patch: int = 1
    packed: int = 1
    processors: tuple[str, ...] = ()
    processor_first: bool = False
    left_out: tuple[str, ...] = ()
    native_side: int | None = None
    flow: bool = False
    half: Literal["float16", "bfloat16"] = "float16"
    in_turn: InTurn | None = None
    usual: Mapping[str, Any] = field(default_factory=dict)
    billions: tuple[float, float] | None = None
    single_files: bool = False
    configuration: Path | None = None
    epsilon_configuration: Path | None = None
    embedded: Path | None = None
    vocabulary: Callable[[], Vocabulary] | None = None
    clip: Path | None = None
    learnt_sizes: tuple[tuple[int, int], ...] = ()
    earlier_weights: Mapping[str, int] = field(default_factory=dict)
    earlier_clips: frozenset[str] = frozenset()

    @property
    def counted_tokenizer(self) -> str:
        """The tokenizer by which a prompt's tokens are counted."""
        return self.in_turn.readers[0].tokenizer if self.in_turn is not None else self.text_encoders[0][1]
