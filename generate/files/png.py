"""Picture files: PNG with its parameters, written whole or not at all, and read without trusting anybody.

Three texts go into a picture: AUTOMATIC1111's `parameters`, which other programs read; our own `twinseed`, which names
the partner; and the mark that a picture was made by a model, for those who must say so. The last is XMP, an XML format:
it is written here and never parsed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Protocol

from PIL import Image
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from generate.files.exif import read_user_comment
from generate.files.foreign import (
    infotext_of,
    parameters_of_infotext,
    read_comfyui,
    read_fooocus,
    read_invokeai,
    read_novelai,
)
from generate.files.infotext import PictureError, parse_infotext
from generate.files.parameters import LoraUse, PictureParameters
from generate.files.png_text import SIGNATURE, XMP, encode_png, read_texts
from generate.settings import RenderSettings
from ideation.prompt_pair import PromptPair

MAX_FILE = 2**27
#: How the names of files and folders begin that are being written; whatever bears it was never finished.
PARTIAL = ".partial-"

_PARAMETERS, _TWINSEED = "parameters", "twinseed"
_READ = (_PARAMETERS, "invokeai_metadata", "prompt", "Software", "Source", "Comment")
_OTHER_ARM = {"simple": "expanded", "expanded": "simple"}
_XMP_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class TwinseedMark(BaseModel):
    """What the text `twinseed` of a picture holds, as JSON: whose twin it is.

    `pair` is the same for both pictures of a pair and for no other (see `pair_of`). `partner_pixels_sha256` is that of
    the other picture's RGB bytes, row by row, as in the record. `seed` is a string: browsers lose digits past 2**53.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    version: Literal[1] = 1
    pair: Sha256
    arm: Literal["simple", "expanded"]
    seed: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]
    partner_pixels_sha256: Sha256
    settings_digest: Sha256
    model_digest: str


class RenderedPicture(Protocol):
    """One picture in memory, as `generate.render.pair` hands it over."""

    @property
    def arm(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def image(self) -> Image.Image: ...


def write_picture(file: Path, image: Image.Image, parameters: PictureParameters, mark: TwinseedMark) -> None:
    """Writes the picture with its texts as PNG, whole or not at all. Raises `PictureError` or `OSError`."""
    write_png(file, image, picture_texts(parameters, mark))


def picture_texts(parameters: PictureParameters, mark: TwinseedMark) -> dict[str, str]:
    """The texts of a picture, by the keywords that they go under. Raises `PictureError`."""
    return {_PARAMETERS: infotext_of(parameters).to_text(), _TWINSEED: mark.model_dump_json(), XMP: _XMP_PACKET}


def texts_of_pairs(
    prompts: PromptPair,
    settings: RenderSettings,
    renders: Sequence[RenderedPicture],
    model_digest: str,
    loras: tuple[LoraUse, ...] = (),
) -> dict[tuple[str, int], dict[str, str]]:
    """The texts of all pictures of a run, by arm and seed; `renders` has both arms of every seed."""
    pixels = {(render.arm, render.seed): pixels_sha256(render.image) for render in renders}
    texts = {}
    for render in renders:
        prompt = prompts.simple if render.arm == "simple" else prompts.expanded
        parameters = _parameters(
            prompt, prompts.negative, settings, render.seed, render.image.size, model_digest, loras
        )
        mark = TwinseedMark.model_validate(
            {
                "pair": pair_of(prompts, settings, render.seed, model_digest),
                "arm": render.arm,
                "seed": str(render.seed),
                "partner_pixels_sha256": pixels[_OTHER_ARM[render.arm], render.seed],
                "settings_digest": settings.digest,
                "model_digest": model_digest,
            }
        )
        texts[render.arm, render.seed] = picture_texts(parameters, mark)
    return texts


def plain_picture_texts(
    prompt: str, negative: str, settings: RenderSettings, seed: int, size: tuple[int, int], model_digest: str
) -> dict[str, str]:
    """The texts of a picture that is no half of a pair, as one on the way from one prompt to another."""
    parameters = _parameters(prompt, negative, settings, seed, size, model_digest)
    return {_PARAMETERS: infotext_of(parameters).to_text(), XMP: _XMP_PACKET}


def _parameters(
    prompt: str,
    negative: str,
    settings: RenderSettings,
    seed: int,
    size: tuple[int, int],
    model_digest: str,
    loras: tuple[LoraUse, ...] = (),
) -> PictureParameters:
    return PictureParameters(
        prompt=prompt,
        negative_prompt=negative,
        seed=seed,
        num_inference_steps=settings.num_inference_steps,
        guidance_scale=settings.guidance_scale,
        scheduler=settings.scheduler,
        width=size[0],
        height=size[1],
        model=_without_folder(settings.model),
        model_hash=model_digest[:10],  # as many digits as other programs show
        loras=loras,
    )


def pair_of(prompts: PromptPair, settings: RenderSettings, seed: int, model_digest: str) -> str:
    """SHA-256 of all that makes a pair: rendered again, alone or among other seeds, it has the same name."""
    alone = replace(settings, seed=seed, images=1).digest
    made_of = [prompts.simple, prompts.expanded, prompts.negative, alone, model_digest]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def pixels_sha256(image: Image.Image) -> str:
    """SHA-256 of the RGB bytes, row by row, as in the record of a run."""
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def write_png(file: Path, image: Image.Image, texts: Mapping[str, str]) -> None:
    """Writes the picture with `texts` as PNG: under another name in the same folder, to the disk, then renamed.

    Whoever is killed on the way leaves a file whose name begins with `PARTIAL`, and whatever bore the name before.
    Raises `PictureError` for a text that no PNG can hold, and `OSError`.
    """
    content = encode_png(image, texts)
    if file.exists() and not file.is_file():  # a device or a pipe is written to, not replaced
        with file.open("wb", buffering=0) as device:
            device.write(content)
        return
    partial = file.with_name(PARTIAL + secrets.token_hex(8))
    try:
        with partial.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def read_picture(file: Path) -> PictureParameters:
    """What made the picture in `file`: PNG, or JPEG or WebP with EXIF. Raises `PictureError` saying what is wrong."""
    return parse_picture(_content(file), str(file))


def parse_picture(content: bytes, name: str = "the picture") -> PictureParameters:
    """What made the picture whose file has the bytes `content`; errors call it `name`. Raises `PictureError`.

    Known are Twinseed's own pictures and those of AUTOMATIC1111, Forge, ComfyUI, Fooocus, InvokeAI and NovelAI.
    """
    if content.startswith(SIGNATURE):
        texts = read_texts(content, name, _READ)
    else:
        comment = read_user_comment(content, name)
        texts = {} if comment is None else {_PARAMETERS: comment}
    if _PARAMETERS in texts:
        text = texts[_PARAMETERS].strip()
        # A prompt may begin with a brace as well, but then the settings are on another line.
        is_json = text.startswith("{") and "\n" not in text
        return read_fooocus(text) if is_json else parameters_of_infotext(parse_infotext(text))
    if "invokeai_metadata" in texts:
        return read_invokeai(texts["invokeai_metadata"])
    if "prompt" in texts:
        return read_comfyui(texts["prompt"])
    if texts.get("Software") == "NovelAI" and "Comment" in texts:
        return read_novelai(texts["Comment"], texts.get("Source"))
    raise PictureError(
        f"{name} does not say how it was made",
        hint="many sites and chat programs remove the settings: give the file that the program itself saved",
    )


def read_mark(file: Path) -> TwinseedMark | None:
    """Whose twin the picture in `file` is, or None where Twinseed did not say. Raises `PictureError`."""
    content = _content(file)
    text = read_texts(content, str(file), (_TWINSEED,)).get(_TWINSEED) if content.startswith(SIGNATURE) else None
    if text is None:
        return None
    try:
        return TwinseedMark.model_validate_json(text)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise PictureError(
            f"the mark of the pair in {file} cannot be read: "
            f"{'.'.join(map(str, problem['loc'])) or 'mark'}: {problem['msg']}",
            hint="a newer Twinseed may have written it: upgrade; or it was changed by hand",
        ) from error


def _content(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise PictureError(f"there is no picture at {file}", hint="check the name; folders cannot be read")
        size = file.stat().st_size
        if size > MAX_FILE:
            raise PictureError(
                f"{file} has {size:,} bytes; pictures of up to {MAX_FILE:,} are read", hint="choose a smaller picture"
            )
        return file.read_bytes()
    except OSError as error:
        raise PictureError(
            f"cannot read {file}: {error.strerror}", hint="check the name and who may read it"
        ) from error
    except ValueError as error:  # a name with U+0000 in it
        raise PictureError(f"cannot read {str(file)!r}: {error}", hint="check the name") from error


def _without_folder(model: str) -> str:
    """A picture is passed on: where its maker keeps their models is nobody's business."""
    path = Path(model)
    return path.name if path.is_absolute() or model.startswith(("~", ".")) else model
