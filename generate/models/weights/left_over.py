"""What is left over: tensors of a checkpoint that no part of the model takes, looked at before they are passed over.

Some are of no use to anybody, some say how the model was trained, and some are parts of another make of model, whose
pictures would be noise without them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from generate.models.weights.weight_file import ModelError
from ideation import Clause

# Numbers of positions, the way from words to pictures that is never gone, the last layer of models that are conditioned
# on the one before, the tables of the noise (looked at where they are read), and words that were heard elsewhere.
_OF_NO_USE = re.compile(
    r".*\.position_ids|.*\.logit_scale|(?:cond_stage_model|conditioner\.embedders\.\d)\.(?:.*\.)?text_projection(?:\.weight)?"
    r"|cond_stage_model\.model\.transformer\.resblocks\.23\..*"
    r"|(?:betas|logvar|lvlb_weights|scale_factor|v_pred|ztsnr|(?:alphas|sqrt|log|posterior)_\w+)|denoiser\.sigmas"
)
# The parts of which nothing may be left: what is called so is weights that would be missing from the picture.
_NEEDED = re.compile(
    r"model\.diffusion_model\.|control_model\.|(?:first_stage_model\.)?(?:encoder|decoder|(?:post_)?quant)"
)

# How a table in the file may differ from the scheduler's: as far as half precision rounds it.
_TOLERANCE = 5e-3


def left_over(
    file: Path, tensors: Mapping[str, Any], used: set[int], *, passed_over: tuple[str, ...] = ()
) -> tuple[Clause, ...]:
    """A note on the tensors of a checkpoint that are not `used`, given by where their numbers lie. `passed_over` is how
    the names of those begin that somebody wants left.

    Raises `ModelError` where they belong to the denoiser or to the VAE.
    """
    left = [
        name
        for name, tensor in tensors.items()
        if tensor.data_ptr() not in used and not _OF_NO_USE.fullmatch(name) and not name.startswith(passed_over)
    ]
    needed = [name for name in left if _NEEDED.match(name)]
    if needed:
        raise ModelError(
            "{name} has {count} tensors that no Stable Diffusion has: {tensor}, for one",
            hint="it is of another make than it seems, and would be drawn wrongly without them",
            name=file.name,
            count=len(needed),
            tensor=needed[0][-80:],
        )
    return (note_on(file.name, left),) if left else ()


def note_on(name: str, left: Iterable[str]) -> Clause:
    """The note that names what was left of a file."""
    parts = Counter(one.partition(".")[0] for one in left)
    return Clause(
        "of {name}, what no part of the model takes was left unread: {parts}",
        name=name,
        parts=", ".join(f"{part} ({count})" for part, count in parts.most_common(6)),
    )


def require_told_noise(file: Path, tensors: Mapping[str, Any], scheduler: Any, vae: Any) -> None:
    """Raises `ModelError` where the checkpoint was trained with other noise than `scheduler` has, or with latents of
    another scale than the `vae` gives, going by the tables that came with the weights."""
    ours = getattr(scheduler, "alphas_cumprod", None)
    tables = {"alphas_cumprod": lambda table: table, "denoiser.sigmas": lambda table: 1 / (1 + table**2)}
    for name, signal in tables.items():
        if ours is None or name not in tensors:
            continue
        theirs = signal(tensors[name].double()).sort(descending=True).values
        if theirs.shape != ours.shape or not (theirs - ours.double()).abs().max() < _TOLERANCE:
            raise _other_training(file, name, Clause("the noise that it was trained with"))
    if "scale_factor" in tensors:
        theirs, scale = float(tensors["scale_factor"]), float(vae.config.scaling_factor)
        if not abs(theirs - scale) < _TOLERANCE * scale:
            raise _other_training(file, "scale_factor", Clause("the scale of its latents"))


def _other_training(file: Path, tensor: str, what: Clause) -> ModelError:
    return ModelError(
        "{name} says with its tensor {tensor} that {what} is another than its configuration says",
        hint="put the configuration that it was trained with into the folder {folder}",
        name=file.name,
        tensor=tensor,
        what=what,
        folder=file.with_suffix(""),
    )
