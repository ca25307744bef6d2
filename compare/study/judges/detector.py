"""A detector: are the things in the picture that were asked for, as many as were asked for, and in their colour?

After GenEval (Ghosh et al. 2023, arXiv 2310.11513). What is asked for is said by the file of concepts, or read from
the concept as `ideation.faithfulness` reads it: its subject, what is counted and what has a colour. A detector of fixed
kinds (DETR, YOLOS, RT-DETR ...) knows no colours, and of things that are none of its kinds it says nothing. One of open
vocabulary (OWL-ViT, OWLv2) is asked for the things by their names, and which of ten colours fits each best.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.study.concepts import AskedObject
from compare.study.judges.files import cannot_open, configuration_of, judge_folder, whole_model
from compare.study.judges.protocol import Judged, JudgeError, Shown
from ideation.english import stem
from ideation.faithfulness import things_in

#: GenEval's colours, of which the best one is a thing's.
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
#: How sure a detector of fixed kinds must be, and one of open vocabulary, whose numbers are lower.
_SURE, _SURE_OF_NAMES = 0.9, 0.3
#: Boxes of one name that share more of their area are one thing.
_ONE_THING = 0.5

#: GenEval's names for what COCO calls otherwise.
_AS_COCO = {"computer mouse": "mouse", "tv remote": "remote", "computer keyboard": "keyboard"}

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """A thing in a picture: what it is called, and its colour where somebody can tell."""

    name: str
    colour: str | None = None


class Detector(Protocol):
    """Finds things by their names. `knows` is whether it can at all."""

    @property
    def tells_colours(self) -> bool: ...
    def knows(self, name: str) -> bool: ...
    def find(self, image: Image.Image, names: Sequence[str]) -> list[Found]: ...


class DetectorJudge:
    """A judge that looks for what was asked for. Shares of it: of the things that are there, of the counts that are
    right, of the colours that are right. What its detector cannot know is left out."""

    def __init__(self, name: str, detector: Detector) -> None:
        self.name, self._detector = name, detector

    def judge(self, shown: Shown) -> Judged:
        run = shown.run
        asked = [one for one in shown.include or asked_in(run.record.prompts.simple) if self._detector.knows(one.name)]
        if not asked:
            return {}
        names = tuple(dict.fromkeys(one.name for one in asked))
        found: Judged = {}
        for seed in run.record.seeds:
            simple, expanded = (
                shares(asked, self._detector.find(run.image(arm, seed), names), self._detector.tells_colours)
                for arm in ("simple", "expanded")
            )
            found[seed] = {measure: (simple[measure], expanded[measure]) for measure in simple}
        return found


def asked_in(text: str) -> tuple[AskedObject, ...]:
    """What a concept in English asks for, as far as a detector may look for it; colours that GenEval has.

    >>> asked_in("two red apples and a bench in the snow")
    (AskedObject(name='apple', colour='red', count=2), AskedObject(name='bench', colour=None, count=None))
    """
    return tuple(
        AskedObject(name=thing.name, colour=thing.colour if thing.colour in COLOURS else None, count=thing.count)
        for thing in things_in(text)
    )


def shares(asked: Iterable[AskedObject], found: Sequence[Found], tells_colours: bool) -> dict[str, float]:
    """Of the things asked for, those that are there; of the counts, those that are right; of the colours likewise. A
    colour is right where as many things as were asked for have it, a count where no more are there.

    >>> two = AskedObject(name="apple", colour="red", count=2)
    >>> shares([two], [Found("apple", "red"), Found("apple", "green")], True)
    {'objects': 1.0, 'count': 1.0, 'colour': 0.0}
    """
    told: dict[str, list[bool]] = {}
    for one in asked:
        there = [thing for thing in found if thing.name == one.name]
        told.setdefault("objects", []).append(bool(there))
        if one.count is not None:
            told.setdefault("count", []).append(len(there) == one.count)
        if one.colour is not None and tells_colours:
            right = sum(thing.colour == one.colour for thing in there)
            told.setdefault("colour", []).append(right >= (one.count or 1))
    return {measure: float(np.mean(each)) for measure, each in told.items()}


def distinct(boxes: Numbers, scores: Numbers) -> list[int]:
    """The places of boxes (n, 4; left, top, right, bottom) that are things of their own, the surest first: one that
    overlaps a surer one by more than half of what both cover is the same thing again.

    >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], np.float32)
    >>> distinct(boxes, np.array([0.4, 0.9, 0.5], np.float32))
    [1, 2]
    """
    kept: list[int] = []
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    for place in np.argsort(-scores, kind="stable").tolist():
        for other in kept:
            low, high = np.maximum(boxes[place, :2], boxes[other, :2]), np.minimum(boxes[place, 2:], boxes[other, 2:])
            shared = float(np.prod(np.clip(high - low, 0, None)))
            if shared > _ONE_THING * (float(areas[place] + areas[other]) - shared):
                break
        else:
            kept.append(place)
    return kept


def open_detector(name: str, model: str) -> DetectorJudge:
    """Opens a detector by its folder or hub id. Raises `JudgeError`."""
    folder = judge_folder(model)
    kind = str(configuration_of(name, folder).get("model_type", ""))
    try:
        opened = _OpenVocabulary(folder) if kind in ("owlvit", "owlv2") else _FixedKinds(folder)
    except JudgeError:
        raise
    except Exception as error:  # the libraries raise OSError, ValueError, KeyError, ImportError for what they lack ...
        raise cannot_open(name, error) from error
    return DetectorJudge(name, opened)


class _FixedKinds:
    """A detector with the kinds that its configuration lists, as COCO's 80."""

    tells_colours = False

    def __init__(self, folder: Path) -> None:
        from transformers import AutoImageProcessor, AutoModelForObjectDetection

        self._processor = AutoImageProcessor.from_pretrained(str(folder), local_files_only=True)
        self._model = whole_model(AutoModelForObjectDetection, folder)
        labels: Mapping[int, str] = self._model.config.id2label
        self._kinds = {int(number): _stems(label) for number, label in labels.items()}

    def knows(self, name: str) -> bool:
        return _kind(name) in self._kinds.values()

    def find(self, image: Image.Image, names: Sequence[str]) -> list[Found]:
        import torch

        given = self._processor(images=image, return_tensors="pt")
        with torch.inference_mode():
            answered = self._model(**given)
        told = self._processor.post_process_object_detection(answered, _SURE, [(image.height, image.width)])[0]
        found = []
        for name in names:
            mine = [at for at, label in enumerate(told["labels"].tolist()) if self._kinds.get(label) == _kind(name)]
            boxes, scores = told["boxes"][mine].numpy(), told["scores"][mine].numpy()
            found += [Found(name)] * len(distinct(boxes, scores))
        return found


class _OpenVocabulary:
    """OWL-ViT (Minderer et al. 2022, arXiv 2205.06230) or OWLv2: each box is held against every name, and against the
    name with every colour."""

    tells_colours = True

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

        self._processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        self._model = whole_model(AutoModelForZeroShotObjectDetection, folder)

    def knows(self, name: str) -> bool:
        return bool(name)

    def find(self, image: Image.Image, names: Sequence[str]) -> list[Found]:
        import torch

        queries = [f"a photo of a {words}" for name in names for words in (name, *(f"{one} {name}" for one in COLOURS))]
        given = self._processor(text=[queries], images=image, return_tensors="pt", truncation=True)
        with torch.inference_mode():
            answered = self._model(**given)
        fits: Numbers = answered.logits[0].sigmoid().numpy()
        boxes = _corners(answered.pred_boxes[0].numpy())
        found = []
        for number, name in enumerate(names):
            first = number * (1 + len(COLOURS))
            sure = np.flatnonzero(fits[:, first] >= _SURE_OF_NAMES)
            for place in distinct(boxes[sure], fits[sure, first]):
                by_colour = fits[sure[place], first + 1 : first + 1 + len(COLOURS)]
                found.append(Found(name, COLOURS[int(by_colour.argmax())]))
        return found


def _corners(boxes: Numbers) -> Numbers:
    """From middle, width and height to left, top, right, bottom."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _kind(name: str) -> tuple[str, ...]:
    return _stems(_AS_COCO.get(name, name))


def _stems(name: str) -> tuple[str, ...]:
    """Whether two names are one, for singular and plural."""
    return tuple(stem(word) for word in name.casefold().split())
