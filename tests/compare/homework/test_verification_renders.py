"""Who makes everything in a bundle agree is found by rendering again, and how near a picture has to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from forger import CAT, SETTINGS, Forger, kinds, painted, verified
from PIL import Image

from compare.homework.verification.redrawing import FLOAT32, HALF, redrawn
from compare.request import PairRequest
from compare.runs.run import picture_entry
from compare.session import Session
from generate.files import encode_png
from generate.picture import ARMS, Arm

pytest_plugins = ["forger"]
pytestmark = pytest.mark.usefixtures("opened_once")


def pair_of_seed(session: Session, request: PairRequest, seed: int) -> dict[Arm, Image.Image]:
    """What else somebody can draw, until they like it."""
    run = session.run(replace(request, settings=replace(request.settings, seed=seed, images=1)))
    return {arm: run.image(arm) for arm in ARMS}


def retouch(forger: Forger, _: Session) -> None:
    run = forger.run("dog")
    forger.redo(run, run.record, {("expanded", 7): painted(run.image("expanded", 7))})


def retouch_tones(forger: Forger, _: Session) -> None:
    run = forger.run("cat")
    forger.redo(
        run, run.record, {("expanded", 7): run.image("expanded", 7).point([min(255, v + 12) for v in range(256)] * 3)}
    )


def edit_the_prompt(forger: Forger, _: Session) -> None:
    run = forger.run("dog")
    record, words = run.record, "a red dog on the moon"
    request = replace(record.request, expanded=words)
    prompts = replace(record.prompts, expanded=words)
    forger.redo(run, record.model_copy(update={"prompts": prompts, "request": request}))


def swap_seeds(forger: Forger, _: Session) -> None:
    run = forger.run("dog")
    forger.redo(run, run.record, {(arm, seed): run.image(arm, 15 - seed) for arm in ARMS for seed in (7, 8)})


def pick_another_seed(forger: Forger, session: Session) -> None:
    run = forger.run("cat")
    forger.redo(run, run.record, {(arm, 7): image for arm, image in pair_of_seed(session, CAT, 99).items()})


def draw_with_more_steps(forger: Forger, session: Session) -> None:
    run = forger.run("cat")
    more = replace(CAT, settings=replace(SETTINGS, num_inference_steps=5))
    forger.redo(run, run.record, {(arm, 7): image for arm, image in pair_of_seed(session, more, 7).items()})


def take_from_another_run(forger: Forger, _: Session) -> None:
    dog, cat = forger.run("dog"), forger.run("cat")
    forger.redo(dog, dog.record, {("expanded", 8): cat.image("expanded")})


def paste_another_certificate(forger: Forger, session: Session) -> None:
    run = forger.run("cat")
    other = session.run(replace(CAT, settings=replace(SETTINGS, num_inference_steps=3, seed=9))).record.certificate
    forger.redo(
        run,
        run.record.model_copy(update={"certificate": replace(other, latents_sha256={7: other.latents_sha256[9]})}),
    )


#: Two at a time, one in either run.
@pytest.mark.parametrize(
    "tampered",
    [
        (
            (retouch, "retouched", "expanded-7.png was retouched: 4 % of its pixels are others than what is rendered"),
            (pick_another_seed, "seed", "neither picture of seed 7 is what its prompt gives with that seed"),
        ),
        (
            (edit_the_prompt, "prompt", "expanded-7.png is not what its prompt gives with seed 7"),
            (retouch_tones, "retouched", "expanded-7.png was retouched all over: the same forms in other tones"),
        ),
        (
            (
                swap_seeds,
                "swapped",
                "simple-7.png is not its own picture: it is what the simple prompt gives with seed 8",
            ),
            (draw_with_more_steps, "seed", "they are of another seed, or of other settings"),
        ),
        (
            (take_from_another_run, "swapped", "expanded-8.png is a picture of the run"),
            (paste_another_certificate, "certificate", "rendered again, the noise that seed 7 gives is another"),
        ),
    ],
    ids=lambda both: " and ".join(tamper.__name__ for tamper, _, _ in both),
)
def test_who_makes_everything_agree_is_found_by_rendering_again(
    tampered: tuple[tuple[Callable[[Forger, Session], None], str, str], ...],
    forger: Forger,
    session: Session,
    tmp_path: Path,
) -> None:
    for tamper, _, _ in tampered:
        tamper(forger, session)
    forger.rewrite()
    findings, pictures = verified(forger.pack(tmp_path / "forged.zip"), session)
    lines = [one.line for one in findings if one.is_fault]
    assert {"missing", "picture", "mark", "record", "report", "bundle", "scores"}.isdisjoint(kinds(findings)), lines
    for _, kind, words in tampered:
        assert any(words in one.line for one in findings if one.kind == kind and one.is_fault), lines
    assert len(pictures) == 6


def test_how_near_a_picture_comes() -> None:
    there = Image.radial_gradient("L").resize((64, 48)).convert("RGB")
    picture = picture_entry("simple", 7, 1.0, encode_png(there, {}))
    noise = there.point([min(255, value + value % 2) for value in range(256)] * 3)
    other = Image.linear_gradient("L").resize((64, 48)).convert("RGB")
    bright = there.point([min(255, value + 10) for value in range(256)] * 3)
    for again, tolerance, outcome, retouched in (
        (there, FLOAT32, "identical", False),
        (noise, FLOAT32, "different", True),
        (noise, HALF, "within rounding", False),
        (bright, FLOAT32, "different", True),
        (painted(there), FLOAT32, "different", True),
        (painted(there), HALF, "different", True),
        (other, HALF, "different", False),
        (there.resize((32, 24)), HALF, "different", False),
    ):
        found = redrawn("a-run", picture, there, again, tolerance)
        assert (found.outcome, found.is_retouched) == (outcome, retouched), found
    assert redrawn("a-run", picture, there, painted(there), FLOAT32).box == (20, 20, 11, 15)
