"""Bundles as students make them, and a forger who knows the formats and makes everything agree again."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import MadeOnce
from PIL import Image, ImageDraw

from compare.homework import Student, open_bundle, write_bundle
from compare.homework.verification import Again, Finding, Redrawn, verify_bundle
from compare.instruments import Examination
from compare.instruments.distance import score
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.record import Record, parse_record
from compare.runs.run import Run, picture_entry
from compare.session import Session
from compare.view import render_report
from generate.files import encode_png, texts_of_pair
from generate.picture import Arm, Picture, PicturePair
from generate.settings import RenderSettings
from ideation import typed_concept

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


def painted(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).rectangle((20, 20, 30, 34), fill="#ff0044")
    return image
