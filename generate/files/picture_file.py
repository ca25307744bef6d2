"""Picture files: what is written into our own, and what made a picture, be it ours or another program's.

Three texts go into a picture: AUTOMATIC1111's `parameters`, which other programs read; our own `twinseed`, which says
all, and names the partner; and the mark that a picture was made by a model, for those who must say so. The last is XMP,
an XML format: it is written here and never parsed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from generate.files.exif import comment_in_xmp, read_exif_texts, texts_of_exif
from generate.files.foreign import KEYWORDS, Texts, infotext_of, parameters_of_infotext, read_foreign
from generate.files.hidden_text import hidden_text_in
from generate.files.infotext import PictureError, parse_infotext
from generate.files.mark import TwinseedMark, mark_of_settings, mark_of_text, marks_of_pair
from generate.files.parameters import PictureParameters, parameters_of_settings
from generate.files.png import SIGNATURE, XMP, read_texts
from generate.picture import Arm, PicturePair
from generate.settings import RenderSettings
from ideation import Clause, PromptPair

MAX_FILE = 2**27

_PARAMETERS, _TWINSEED = "parameters", "twinseed"
_READ = (_TWINSEED, XMP, *KEYWORDS)
#: What both texts of an own picture say.
_SAID_TWICE = (
    *("prompt", "negative_prompt", "seed", "num_inference_steps", "guidance_scale", "scheduler", "model", "vae"),
    *("clip_skip", "loras", "tool"),
)

#: That a model made the picture, in IPTC's words.
XMP_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def texts_of_pair(prompts: PromptPair, pair: PicturePair) -> dict[tuple[Arm, int], dict[str, str]]:
    """The texts of the pictures, by arm and seed; `pair` holds one seed or several, both arms of each.

    They do not hang on how many seeds are rendered together. Raises `PictureError` for a prompt that no text can hold.
    """
    marks, texts = marks_of_pair(prompts, pair), {}
    for picture in pair.pictures:
        mark = marks[picture.arm, picture.seed]
        prompt = prompts.simple if picture.arm == "simple" else prompts.expanded
        texts[picture.arm, picture.seed] = _texts(prompt, prompts.negative, mark, picture.image.size)
    return texts


def plain_picture_texts(
    prompt: str,
    negative: str,
    settings: RenderSettings,
    seed: int,
    size: tuple[int, int],
    model_digest: str,
    adapters: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The texts of a picture that is no half of a pair, as one on the way from one prompt to another. `adapters` as in
    the pair's certificate."""
    return _texts(prompt, negative, mark_of_settings(settings, seed, model_digest, adapters or {}), size)


def _texts(prompt: str, negative: str, mark: TwinseedMark, size: tuple[int, int]) -> dict[str, str]:
    """The texts of a picture, by the keywords that they go under."""
    width, height = size
    said = replace(_parameters_of_mark(prompt, negative, mark), width=width, height=height)
    return {_PARAMETERS: infotext_of(said).to_text(), _TWINSEED: mark.to_text(), XMP: XMP_PACKET}


def read_picture(file: Path) -> PictureParameters:
    """What made the picture in `file`: PNG, or JPEG or WebP with EXIF. Raises `PictureError` saying what is wrong."""
    return parse_picture(_content(file), str(file))


def parse_picture(content: bytes, name: str = "the picture") -> PictureParameters:
    """What made the picture whose file has the bytes `content`; errors call it `name`. Raises `PictureError`.

    Known are Twinseed's own pictures and those of AUTOMATIC1111 and Forge, ComfyUI, Fooocus, SwarmUI, InvokeAI,
    NovelAI, Draw Things, Easy Diffusion, Civitai and others that write the same. Where one text of a picture cannot be
    read, the next one is.
    """
    try:
        return _parsed(content, name)
    except PictureError as error:
        if name in error.message:
            raise
        raise PictureError("{name}: {problem}", hint=error.advice, name=name, problem=error) from error


def _parsed(content: bytes, name: str) -> PictureParameters:
    texts, is_whole = _texts_in(content, name)
    text = texts.get(_TWINSEED)
    if isinstance(text, PictureError):
        raise text
    found = _of_our_own(texts, mark_of_text(text, name)) if text is not None else read_foreign(texts)
    if found is None and not texts and content.startswith(SIGNATURE) and is_whole:
        hidden = hidden_text_in(content)
        found = None if hidden is None else read_foreign({"hidden text": hidden})
    if found is not None:
        cut = (
            (Clause("The file is cut off within its pixels; what it says of itself is whole."),) if not is_whole else ()
        )
        return replace(found, notes=(*found.notes, *cut))
    if not is_whole:
        raise PictureError("{name} is cut off", hint="copy the picture again from where it was made", name=name)
    if "workflow" in texts:
        raise PictureError(
            "{name} has the workflow of ComfyUI's editor, but not the graph that ran",
            hint="give the file that ComfyUI's own node for saving pictures has made, or set the values by hand",
            name=name,
        )
    raise PictureError(
        "{name} does not say how it was made",
        hint="many sites and chat programs remove the settings: give the file that the program itself saved",
        name=name,
    )


def _texts_in(content: bytes, name: str) -> tuple[Texts, bool]:
    """The texts in a picture's file by their keywords, and whether the file is whole."""
    if not content.startswith(SIGNATURE):
        return read_exif_texts(content, name), True
    found = read_texts(content, name, _READ)
    texts = dict(found.texts)
    xmp = texts.pop(XMP, None)
    if isinstance(xmp, str) and (comment := comment_in_xmp(xmp)):
        texts["exif:UserComment"] = comment
    if found.exif is not None:
        texts = texts_of_exif(found.exif, name) | texts
    return texts, found.is_whole


def _of_our_own(texts: Texts, mark: TwinseedMark) -> PictureParameters | None:
    """What our own mark says, and beside it, or instead, the text that other programs read."""
    text = texts.get(_PARAMETERS)
    if isinstance(text, str):
        return _with_mark(parameters_of_infotext(parse_infotext(text.strip())), mark)
    if mark.prompts is not None:
        return _parameters_of_mark(_prompt_of(mark) or "", mark.prompts.negative, mark)
    return read_foreign(texts)


def read_mark(file: Path) -> TwinseedMark | None:
    """The mark of the picture in `file`, or None where Twinseed did not make it. Raises `PictureError`."""
    return mark_in(_content(file), str(file))


def mark_in(content: bytes, name: str = "the picture") -> TwinseedMark | None:
    """The mark in the bytes of a picture's file, or None where there is none. Raises `PictureError`."""
    text = read_texts(content, name, (_TWINSEED,)).texts.get(_TWINSEED) if content.startswith(SIGNATURE) else None
    if isinstance(text, PictureError):
        raise text
    return None if text is None else mark_of_text(text, name)


def _with_mark(said: PictureParameters, mark: TwinseedMark) -> PictureParameters:
    """What the mark says, which is more than what the picture has `said` in other programs' words."""
    if mark.settings is None:
        return replace(said, mark=mark)
    prompt = _prompt_of(mark)
    found = _parameters_of_mark(
        said.prompt if prompt is None else prompt,
        said.negative_prompt if mark.prompts is None else mark.prompts.negative,
        mark,
    )
    apart = [part for part in _SAID_TWICE if getattr(said, part) not in (None, getattr(found, part))]
    if not apart:
        return found
    note = Clause(
        "The picture's texts do not agree on {names}: one of them was changed after Twinseed wrote it. What its own "
        "text says is taken.",
        names=", ".join(apart).replace("_", " "),
    )
    return replace(found, notes=(note,))


def _prompt_of(mark: TwinseedMark) -> str | None:
    return None if mark.prompts is None else mark.prompts.simple if mark.arm == "simple" else mark.prompts.expanded


def _parameters_of_mark(prompt: str, negative: str, mark: TwinseedMark) -> PictureParameters:
    assert mark.settings is not None  # noqa: S101 - for the type checker
    said = parameters_of_settings(prompt, negative, mark.settings, mark.model_digest, mark.adapters)
    return replace(said, mark=mark)


def _content(file: Path) -> bytes:
    try:
        if not file.is_file():
            raise PictureError(
                "there is no picture at {file}", hint="check the name; folders cannot be read", file=file
            )
        size = file.stat().st_size
        if size > MAX_FILE:
            raise PictureError(
                "{file} has {size:,} bytes; pictures of up to {max_file:,} are read",
                hint="choose a smaller picture",
                file=file,
                size=size,
                max_file=MAX_FILE,
            )
        return file.read_bytes()
    except OSError as error:
        raise PictureError(
            "cannot read {file}: {reason}", hint="check the name and who may read it", file=file, reason=error.strerror
        ) from error
    except ValueError as error:  # a name with U+0000 in it
        raise PictureError(
            "cannot read {file!r}: {error}", hint="check the name", file=str(file), error=error
        ) from error
