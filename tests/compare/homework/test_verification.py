"""`twinseed verify` on bundles: an honest one is accepted, and every kind of tampering is found and named, whether by
somebody careless or by somebody who knows the formats and makes everything agree again."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import prod
from pathlib import Path
from typing import Any

import pytest
from conftest import MadeOnce, Twinseed
from PIL import Image, ImageDraw

from compare.homework import Student, open_bundle, write_bundle
from compare.homework.verification import Again, Finding, Redrawn, verify_bundle
from compare.homework.verification.redrawing import FLOAT32, HALF, redrawn
from compare.instruments import Examination
from compare.instruments.distance import score
from compare.instruments.scores import verdict_of
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.record import Record, parse_record
from compare.runs.run import Run, picture_entry
from compare.session import Session
from compare.session.repetition import NotHere, clip_here, expectation, require_here, settings_here
from compare.view import render_report
from generate.files import encode_png, texts_of_pair
from generate.models import OpenModel
from generate.picture import ARMS, Arm, Picture, PicturePair
from generate.seedling import EARLIER_SEEDLINGS
from generate.settings import RenderSettings
from ideation import typed_concept

pytestmark = pytest.mark.usefixtures("opened_once")

SETTINGS = RenderSettings(seed=7, num_inference_steps=2, width=64, height=64)
DOG = PairRequest(
    typed_concept("a dog"),
    replace(SETTINGS, images=2),
    simple="a dog",
    expanded="a red dog on a beach",
    negative="blurry",
    examination=Examination("none"),
)
CAT = replace(DOG, concept=typed_concept("a cat"), settings=SETTINGS, simple="a cat", expanded="a cat in the snow")
SCORED = replace(DOG, examination=Examination())
STUDENT = Student(name="林小美", number="B11")
MADE = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def make(folder: Path) -> None:
    """Both runs and their bundle, as a student makes them."""
    session = Session(Gallery(folder / "runs"), environ={})
    runs = [session.run(DOG, observations="The sky is warmer."), session.run(CAT)]
    now = datetime.now(UTC).replace(microsecond=0)
    write_bundle(folder / "bundle.zip", runs, student=STUDENT, language="en", created=now)
    scored = session.run(SCORED)
    now = datetime.now(UTC).replace(microsecond=0)
    write_bundle(folder / "scored.zip", [scored], student=STUDENT, language="en", created=now)


@pytest.fixture(scope="module")
def honest(made_once: MadeOnce) -> Path:
    """A bundle that was made in another process and another folder, which is gone. Beside it lies `scored.zip`, whose
    run has what a CLIP found. The process is a new one: what draws charts does not work in a copy of one that has drawn
    some."""

    def handed_in(teacher: Path) -> None:
        student = teacher / "student"
        process = multiprocessing.get_context("spawn").Process(target=make, args=(student,))
        process.start()
        process.join()
        assert process.exitcode == 0
        for name in ("bundle.zip", "scored.zip"):
            shutil.copy(student / name, teacher)
        shutil.rmtree(student)

    return made_once("honest", handed_in) / "bundle.zip"


@dataclass
class Forger:
    """A bundle that is unpacked, for somebody to change. `files` are those of the zip; the runs lie in `folder`."""

    folder: Path
    bundle: dict[str, Any]

    def run(self, name: str) -> Run:
        """The run whose name has that word in it."""
        return Run.open(next(path for path in (self.folder / "runs").iterdir() if name in path.name))

    def edit(self, file: str, edit: Callable[[str], str]) -> None:
        """Another text in the place of a file's, and its hash in bundle.json, where that has one."""
        path = next(self.folder.glob(file))
        before = path.read_text(encoding="utf-8")
        path.write_text(edit(before), encoding="utf-8")
        assert before != path.read_text(encoding="utf-8"), "nothing was changed"
        self.hash()

    def hash(self) -> None:
        """All hashes in bundle.json made to fit."""
        self.bundle["report_sha256"] = hashlib.sha256((self.folder / "report.html").read_bytes()).hexdigest()
        for one in self.bundle["runs"]:
            record = self.folder / "runs" / one["run"] / "record.json"
            one["record_sha256"] = hashlib.sha256(record.read_bytes()).hexdigest()

    def redo(self, run: Run, record: Record, images: dict[tuple[Arm, int], Image.Image] | None = None) -> None:
        """A run that says and shows something else, with everything that follows from it made anew."""
        drawn = {(one.arm, one.seed): run.image(one.arm, one.seed) for one in run.record.renders} | (images or {})
        pictures = tuple(Picture(arm, seed, image, 1.0) for (arm, seed), image in drawn.items())
        texts = texts_of_pair(record.prompts, PicturePair(record.settings, pictures, record.certificate))
        files = {f"{arm}-{seed}.png": encode_png(image, texts[arm, seed]) for (arm, seed), image in drawn.items()}
        entries = [picture_entry(arm, seed, 1.0, files[f"{arm}-{seed}.png"]) for arm, seed in drawn]
        scores = {seed: score(drawn["simple", seed], drawn["expanded", seed]) for seed in record.settings.seeds}
        record = record.model_copy(update={"renders": tuple(entries), "scores": scores, "findings": None})
        for name, content in files.items():
            (run.folder / name).write_bytes(content)
        (run.folder / "record.json").write_text(record.to_json(), encoding="utf-8")
        (run.folder / "report.html").write_text(render_report(record, files), encoding="utf-8")

    def rewrite(self) -> None:
        """The bundle written anew from its runs, as the program does it."""
        runs = [self.run(one["run"]) for one in self.bundle["runs"]]
        student = Student.model_validate(self.bundle["student"])
        created = datetime.fromisoformat(self.bundle["created"])
        write_bundle(self.folder / "bundle.zip", runs, student=student, language="en", created=created)
        with zipfile.ZipFile(self.folder / "bundle.zip") as archive:
            archive.extractall(self.folder)
        (self.folder / "bundle.zip").unlink()
        self.bundle = json.loads((self.folder / "bundle.json").read_text(encoding="utf-8"))

    def pack(self, path: Path) -> Path:
        (self.folder / "bundle.json").write_text(json.dumps(self.bundle), encoding="utf-8")
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(file for file in self.folder.rglob("*") if file.is_file()):
                archive.write(file, file.relative_to(self.folder).as_posix())
        return path

    def rescore(self, edits: dict[str, Any]) -> None:
        """The scored run with other numbers, by their places in the record, and a report that follows from them. What
        is None is taken out."""
        run = self.run("dog")
        content = json.loads(run.record.to_json())
        for place, value in edits.items():
            *path, last = place.split(".")
            there = content
            for key in path:
                there = there[int(key) if isinstance(there, list) else key]
            if value is None:
                del there[last]
            else:
                there[last] = value
        record = parse_record(json.dumps(content).encode())
        (run.folder / "record.json").write_text(record.to_json(), encoding="utf-8")
        (run.folder / "report.html").write_text(render_report(record, run.files()), encoding="utf-8")
        self.rewrite()


def unpacked(bundle: Path, folder: Path) -> Forger:
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(folder)
    return Forger(folder, json.loads((folder / "bundle.json").read_text(encoding="utf-8")))


@pytest.fixture
def forger(honest: Path, tmp_path: Path) -> Forger:
    return unpacked(honest, tmp_path / "unpacked")


def verified(path: Path, session: Session | None) -> tuple[list[Finding], list[Redrawn]]:
    again = None if session is None else Again(lambda: session)
    with open_bundle(path) as bundle:
        found = list(verify_bundle(bundle, again))
    return (
        [one for one in found if isinstance(one, Finding) and one.kind != "expected"],
        [one for one in found if isinstance(one, Redrawn)],
    )


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(Gallery(tmp_path / "runs"), environ={})


def kinds(findings: list[Finding]) -> set[str]:
    return {one.kind for one in findings if one.is_fault}


@pytest.mark.long
def test_an_honest_bundle_of_another_process_and_another_folder(
    honest: Path, session: Session, twinseed: Twinseed
) -> None:
    findings, pictures = verified(honest, session)
    assert [one.line for one in findings if one.is_fault] == []
    assert [one.outcome for one in pictures] == ["identical"] * 6
    (saw,) = findings
    assert "the observations are the student's own: 4 words" in saw.line
    done = twinseed("verify", str(honest), "--no-render", "--json")
    told = json.loads(done.out)
    assert (done.code, told["holds"], told["rendered"], told["name"]) == (0, True, 0, "bundle.zip")
    assert [one["severity"] for one in told["findings"]] == ["note"]


def painted(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).rectangle((20, 20, 30, 34), fill="#ff0044")
    return image


def paint(forger: Forger) -> None:
    file = forger.run("dog").folder / "expanded-7.png"
    painted(Image.open(file)).save(file)


def other_prompt(forger: Forger) -> None:
    forger.edit("runs/*dog*/record.json", lambda text: text.replace("a red dog on a beach", "a red dog on the moon"))


def other_prompt_in_the_report(forger: Forger) -> None:
    forger.edit("runs/*dog*/report.html", lambda text: text.replace("beach", "moon"))


def swap_files(forger: Forger) -> None:
    folder = forger.run("dog").folder
    for arm in ARMS:
        one, other = folder / f"{arm}-7.png", folder / f"{arm}-8.png"
        one_content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(one_content)


def leave_a_seed_out(forger: Forger) -> None:
    run = forger.run("dog")
    record, certificate = run.record, run.record.certificate
    kept = replace(certificate, latents_sha256={7: certificate.latents_sha256[7]})
    content = json.loads(record.to_json())
    for one in ("simple-8.png", "expanded-8.png"):
        (run.folder / one).unlink()
    left = record.model_copy(
        update={
            "settings": replace(record.settings, images=1),
            "certificate": kept,
            "renders": record.renders[:2],
            "scores": {7: record.scores[7]},
        }
    )
    assert content["request"]["settings"]["images"] == 2
    forger.redo(Run(run.folder, left), left)
    forger.rewrite()


def picture_of_another_run(forger: Forger) -> None:
    shutil.copy(forger.run("cat").folder / "expanded-7.png", forger.run("dog").folder)


def paste_a_certificate(forger: Forger) -> None:
    def paste(text: str) -> str:
        content = json.loads(text)
        content["certificate"]["libraries"]["torch"] = "2.11.0"
        return json.dumps(content)

    forger.edit("runs/*dog*/record.json", paste)


def another_company(forger: Forger) -> None:
    def paste(text: str) -> str:
        content = json.loads(text)
        content["certificate"]["batches"] = {seed: ["7", "8"] for seed in content["certificate"]["latents_sha256"]}
        return json.dumps(content)

    forger.edit("runs/*dog*/record.json", paste)


def other_times(forger: Forger) -> None:
    made = forger.run("cat").record.created
    earlier = made - timedelta(days=3)
    forger.edit(
        "runs/*cat*/record.json", lambda text: text.replace(f"{made:%Y-%m-%dT%H:%M}", f"{earlier:%Y-%m-%dT%H:%M}")
    )


def other_report(forger: Forger) -> None:
    forger.edit("runs/*cat*/report.html", lambda text: text.replace("Same seed, everything", "Other seed, everything"))


def other_student(forger: Forger) -> None:
    forger.bundle["student"] = {"name": "王大明", "number": "B12"}


def no_pictures(forger: Forger) -> None:
    for file in forger.run("cat").folder.glob("*.png"):
        file.unlink()


@pytest.mark.parametrize(
    ("tamper", "kind", "words"),
    [
        (paint, "picture", "dog-7: the picture expanded-7.png is not the one that the record names"),
        (other_prompt, "prompt", "the expanded prompt was edited: the pictures were made with 'a red dog on a beach'"),
        (other_prompt_in_the_report, "report", "the report does not follow from the record: it says"),
        (swap_files, "seed", "dog-7: simple-7.png is of another seed than the record says"),
        (leave_a_seed_out, "seed", "2 seeds were asked for, and the pictures of 1 are here"),
        (picture_of_another_run, "mark", "expanded-7.png is of another pair than the record says"),
        (paste_a_certificate, "certificate", "the certificate is not that of the pictures: it names other libraries"),
        (another_company, "certificate", "their settings let no such seeds share a batch"),
        (other_times, "time", "cat-7: the time was changed: the folder was named at"),
        (other_report, "report", "it says 'it the words? ✓ Other seed, everything but' where"),
        (other_student, "bundle", "the bundle's report does not follow from bundle.json and the records: it says"),
        (no_pictures, "missing", "cat-7: the picture simple-7.png is missing"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_found_without_rendering(
    tamper: Callable[[Forger], None], kind: str, words: str, forger: Forger, tmp_path: Path
) -> None:
    tamper(forger)
    forger.hash()
    findings, _ = verified(forger.pack(tmp_path / "forged.zip"), None)
    lines = [one.line for one in findings if one.is_fault]
    assert kind in kinds(findings), lines
    assert any(words in line for line in lines), lines
    assert all("\n" not in line for line in lines)


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


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"scores.7.ssim": 0.5}, "the scores of seed 7 are not those of the pictures"),
        ({"findings.distances.8.mean_absolute_difference": 0.9}, "the scores of seed 8 are not those of the pictures"),
        ({"findings.verdict.kind": "helped"}, "they give 'cannot tell', the record says 'helped'"),
        ({"findings.verdict.gain.low": 0.01}, "the numbers of the verdict do not follow from the scores"),
        ({"findings.cards.8.expanded_on_expanded": 0.9}, "the numbers of the verdict do not follow from the scores"),
        ({"findings.verdict": None}, "the record has scores and no verdict"),
        ({"findings.cards.8": None}, "the CLIP scores are not of the seeds that the pictures are of"),
        ({"findings.distances": {}}, "the distances are not of the seeds that the pictures are of"),
        ({"findings.clip": None}, "there are CLIP scores, and the record names no CLIP"),
        ({"findings.phrases.0.text": "a blue cat"}, "the phrases that the CLIP looked for are not those of the"),
        ({"findings.phrases.0.mark": "there already"}, "the mark of the phrase 'a red dog' does not follow from its"),
    ],
    ids=lambda value: " and ".join(value) if isinstance(value, dict) else "",
)
def test_scores_that_do_not_follow_are_found_without_a_clip(
    edits: dict[str, Any], words: str, honest: Path, tmp_path: Path
) -> None:
    forger = unpacked(honest.with_name("scored.zip"), tmp_path / "unpacked")
    forger.rescore(edits)
    findings, _ = verified(forger.pack(tmp_path / "forged.zip"), None)
    assert kinds(findings) == {"scores"}, [one.line for one in findings]
    assert any(words in one.line for one in findings), [one.line for one in findings]


def test_what_a_clip_scored_is_measured_again(honest: Path, session: Session, tmp_path: Path) -> None:
    scored = honest.with_name("scored.zip")
    findings, pictures = verified(scored, session)
    assert ([one.line for one in findings], len(pictures)) == ([], 4)

    forger = unpacked(scored, tmp_path / "unpacked")
    findings_of = forger.run("dog").record.findings
    assert findings_of is not None
    card, phrase = findings_of.cards[7], findings_of.phrases[0]
    cards = findings_of.cards | {7: card.model_copy(update={"expanded_on_expanded": card.expanded_on_expanded + 0.05})}
    verdict = verdict_of(forger.run("dog").record.prompts, findings_of.distances, cards)
    assert phrase.on_simple is not None
    forger.rescore(
        {
            "findings.cards.7.expanded_on_expanded": cards[7].expanded_on_expanded,
            "findings.verdict": verdict.model_dump(mode="json"),
            "findings.distances.8.clip": 1.5,
            "findings.phrases.0.on_simple": phrase.on_simple / 2,
            "findings.phrases.0.on_expanded": 0.99,
            "findings.phrases.0.mark": "drawn",
        }
    )
    forged = forger.pack(tmp_path / "forged.zip")
    assert verified(forged, None)[0] == [], "every number follows from another one"
    lines = [one.line.partition(": ")[2] for one in verified(forged, session)[0] if one.kind == "scores"]
    assert [line.partition(" is ")[0] for line in lines] == [
        "the CLIP scores of seed 7 are not those of these pictures: measured again, expanded_on_expanded",
        "the CLIP scores of seed 8 are not those of these pictures: measured again, distance",
        "what the CLIP saw of the phrase 'a red dog'",
    ]


@pytest.mark.parametrize(
    ("edits", "is_fault", "words"),
    [
        ({"findings.clip.digest": "ab" * 32}, True, "the CLIP seedling has other weights here than those that scored"),
        ({"findings.clip.name": "owner/name"}, False, "the CLIP owner/name is not on this machine"),
    ],
)
def test_a_clip_that_is_not_here(
    edits: dict[str, Any], is_fault: bool, words: str, honest: Path, session: Session, tmp_path: Path
) -> None:
    forger = unpacked(honest.with_name("scored.zip"), tmp_path / "unpacked")
    forger.rescore(edits)
    (found,) = verified(forger.pack(tmp_path / "forged.zip"), session)[0]
    assert (found.kind, found.is_fault) == ("not rendered", is_fault)
    assert f"what the CLIP scored was not measured again: {words}" in found.line


def test_by_what_the_clip_of_a_record_is_opened(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    usual = {"TWINSEED_CLIP": str(mine)}
    for name, environ, foreign, opened in (
        ("seedling", {}, True, "seedling"),
        ("mine", usual, True, str(mine)),
        ("mine", {}, True, None),
        (str(mine), {}, False, str(mine)),
        (str(mine), {}, True, None),
        ("../mine", usual, True, None),
        ("stable_diffusion", {}, False, None),
        ("owner/name@main", usual, False, None),
    ):
        if opened is None:
            with pytest.raises(NotHere, match="is not on this machine"):
                clip_here(name, "owner/model", environ, foreign=foreign)
        else:
            assert clip_here(name, "owner/model", environ, foreign=foreign) == opened


OTHER_WORDS = "I see nothing."


@pytest.mark.parametrize(
    ("file", "in_bundle", "told"),
    [
        ("runs/*dog*/record.json", False, "the observations were edited after the bundle was made, as they may be"),
        ("runs/*dog*/record.json", True, "the report has 'The sky is warmer.', the record 'I see nothing.'"),
        ("runs/*dog*/report.html", True, "the report has 'I see nothing.', the record 'The sky is warmer.'"),
        ("report.html", True, "the report has 'I see nothing.', the record 'The sky is warmer.'"),
    ],
)
def test_other_observations_are_allowed_and_shown(
    file: str, in_bundle: bool, told: str, forger: Forger, tmp_path: Path
) -> None:
    before = forger.bundle["runs"][0]["record_sha256"]
    forger.edit(file, lambda text: text.replace("The sky is warmer.", OTHER_WORDS))
    if not in_bundle:
        forger.bundle["runs"][0]["record_sha256"] = before
    findings, _ = verified(forger.pack(tmp_path / "edited.zip"), None)
    assert [one.line for one in findings if one.is_fault] == []
    assert any(told in one.line and one.kind == "observations" for one in findings), [one.line for one in findings]


def test_what_no_digest_can_prove(forger: Forger, tmp_path: Path) -> None:
    # Somebody may set their clock before they begin, and have other eyes. docs/classroom/verify.md says so.
    run = forger.run("cat")
    earlier = run.record.created - timedelta(days=3)
    forger.redo(run, run.record.model_copy(update={"created": earlier, "observations": "I see a cat."}))
    named = run.folder.with_name(f"{earlier:%Y%m%d-%H%M%S}-a-cat-7")
    forger.bundle["runs"][1]["run"] = run.folder.rename(named).name
    forger.rewrite()
    findings, _ = verified(forger.pack(tmp_path / "forged.zip"), None)
    assert [one.line for one in findings if one.is_fault] == []


def rename_the_model(name: str) -> Callable[[Forger], None]:
    def rename(forger: Forger) -> None:
        for word in ("dog", "cat"):
            run = forger.run(word)
            settings = replace(run.record.settings, model=name)
            request = replace(run.record.request, settings=replace(run.record.request.settings, model=name))
            forger.redo(run, run.record.model_copy(update={"settings": settings, "request": request}))

    return rename


def other_weights(digest: str) -> Callable[[Forger], None]:
    def exchange(forger: Forger) -> None:
        for word in ("dog", "cat"):
            run = forger.run(word)
            certificate = replace(run.record.certificate, model_digest=digest)
            forger.redo(run, run.record.model_copy(update={"certificate": certificate}))

    return exchange


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (rename_the_model("mine"), "its pictures are not rendered again: unknown model 'mine'"),
        (rename_the_model("owner/name"), "the model owner/name of the hub is not on this machine"),
        (
            other_weights(next(iter(EARLIER_SEEDLINGS))),
            "an older Seedling drew these pictures, and its weights are not part of this version of Twinseed",
        ),
        (other_weights("ab" * 32), "the model seedling has other weights here than those that made the pictures"),
    ],
)
def test_a_model_that_is_not_here_does_not_pass_for_verified(
    tamper: Callable[[Forger], None], words: str, forger: Forger, session: Session, tmp_path: Path
) -> None:
    tamper(forger)
    forger.rewrite()
    path = forger.pack(tmp_path / "forged.zip")
    findings, pictures = verified(path, session)
    faults = [one for one in findings if one.is_fault]
    assert [one.kind for one in faults] == ["not rendered"] * 2
    assert all(words in one.line for one in faults), [one.line for one in faults]
    assert pictures == []
    assert kinds(verified(path, None)[0]) == set(), "without rendering, nothing was promised"


@pytest.mark.parametrize("name", ["/etc/passwd", "../model", "~/model", "C:/model", "\\\\server\\model"])
def test_a_strangers_record_leads_nowhere(name: str) -> None:
    for settings in (replace(SETTINGS, model=name), replace(SETTINGS, vae=name)):
        with pytest.raises(NotHere):
            require_here(settings, foreign=True, allow_pickle=False)


def test_no_bundle_takes_longer_than_it_may(honest: Path, twinseed: Twinseed) -> None:
    done = twinseed("verify", str(honest), "--minutes", "0")
    assert done.code == 1
    assert done.err.count("3 pairs are rendered again: about ") == 1
    assert "the same device, number format and libraries made the pictures" in done.err
    assert "3 of 3 pairs were not rendered again: it would take longer than the 0 minutes that it may" in done.out
    assert done.out.splitlines()[-1] == "not everything holds; faults: 1"


def test_what_to_expect_is_said_beforehand(honest: Path, seedling: OpenModel) -> None:
    with open_bundle(honest) as bundle:
        record = next(run.record for _, run in bundle.runs() if isinstance(run, Run))
    there = record.certificate
    for changes, exact, close, words in (
        ({}, True, True, "expect equal ones, bit for bit"),
        ({"libraries": there.libraries | {"torch": "2.9.0"}}, False, True, "but for rounding: torch 2.9.0 there"),
        ({"given_up": {7: ("one by one",)}}, False, True, "expect equal pictures but for rounding: memory was short"),
        ({"device": "cuda", "dtype": "float16"}, False, False, "look alike, no equal ones: cuda in float16 there, cpu"),
    ):
        other = record.model_copy(update={"certificate": replace(there, **changes)})
        found = expectation(other, seedling)
        assert (found.exact, found.close) == (exact, close), changes
        assert words in found.words
        assert found.area == 64 * 64 / prod(seedling.native_size)
    here = settings_here(replace(record.settings, device="cuda:1", dtype="float16", compiled=True))
    if here.device == "cpu":
        assert (here.dtype, here.compiled) == ("float32", False)


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


def test_a_run_of_ones_own_and_what_is_no_bundle(twinseed: Twinseed, session: Session, tmp_path: Path) -> None:
    run = session.run(CAT)
    done = twinseed("verify", str(run.folder), "--json")
    told = json.loads(done.out)
    assert (done.code, told["holds"], told["rendered"], told["findings"][0]["kind"]) == (0, True, 2, "expected")
    assert told["pictures"][0] == {
        "run": run.name,
        "arm": "simple",
        "seed": "7",
        "file": "simple-7.png",
        "outcome": "identical",
        "mean_absolute_difference": 0.0,
        "largest_difference": 0,
    }
    assert "opening the model seedling" in done.err
    (tmp_path / "notes.zip").write_bytes(b"PK and nothing else")
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "bundle.json").write_text("{}", encoding="utf-8")
    for name, words in (
        ("nowhere.zip", "cannot read"),
        ("notes.zip", "notes.zip is refused"),
        ("unpacked", "unpacked is a bundle that was unpacked"),
    ):
        done = twinseed("verify", str(tmp_path / name))
        assert (done.code, done.out) == (1, "")
        assert words in done.err
        assert "hint: " in done.err
