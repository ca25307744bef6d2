"""A family of models: the facts by which it is recognised, and by which both arms of its pairs are rendered fairly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ideation import Vocabulary

#: What a row of the denoiser's batch is computed for, with guidance.
Guided = Literal["prompt", "negative prompt"]


@dataclass(frozen=True)
class Family:
    """What is true of all models of one make. Names are diffusers' names, so that the code which renders asks here
    instead of asking what class a pipeline has.

    Recognised by: `pipeline`, the `_class_name` in a model_index.json, and among the families of one pipeline by
    `context_width`, the width of the words' vectors that the denoiser attends to, and by `latent_channels`; None where
    any will do. `model_channels` is what a checkpoint's first layer makes of its latents, by which models of the
    published sizes are told from others.

    Parts: `denoiser` names the pipeline's part that is run at each step; `text_encoders`, its encoders with the
    tokenizer of each. `penultimate` families are conditioned on the last layer but one.

    Rendering: `guidance` names the pipeline's argument for the scale of guidance. A guided batch holds all pictures
    once for each of `guided_rows`, in that order; an unguided one holds the prompts alone. `inputs` says what the
    denoiser's tensor arguments are to a pair, by their names, those in a dictionary behind a dot: "initial noise",
    "prompt" for whatever is made of words, "size conditioning"; one that is not named there goes by its own name. Only
    prompts may differ between the arms.

    Where to look: `embedded` is the folder of the model that is shipped, `configuration` that of a configuration
    without weights for single files, `epsilon_configuration` another one for the members that predict noise where the
    usual ones predict v. `vocabulary` returns all words that such a model knows, `clip` is the folder of the CLIP that
    was made for its pictures: None for families that know any word, and that any CLIP can score.
    """

    name: str
    pipeline: str
    denoiser: str
    text_encoders: tuple[tuple[str, str], ...]
    guidance: str
    guided_rows: tuple[Guided, ...]
    inputs: Mapping[str, str]
    penultimate: bool = False
    context_width: int | None = None
    latent_channels: int | None = None
    model_channels: int | None = None
    configuration: Path | None = None
    epsilon_configuration: Path | None = None
    embedded: Path | None = None
    vocabulary: Callable[[], Vocabulary] | None = None
    clip: Path | None = None
    one_size: bool = False
