"""Looking closer: at a new pair, at one that is there, and what stays of it when it ends early."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import MadeOnce, Twinseed
from PIL import Image
from sample_run import OLD_RUN

from compare.instruments import Examination
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.record import RecordError
from compare.runs.run import Run
from compare.session import Progress, Session, SessionStopped
from generate.families import FAMILIES
from generate.models import OpenModel
from generate.render.batch import RenderCancelled
from generate.settings import RenderSettings, SettingsError
from ideation import typed_concept

WORDS = ("--simple", "a dog riding a bicycle", "--expanded", "a dog riding a bicycle, at night, in the snow")
SMALL = ("--seed", "7", "--steps", "3", "--size", "64x64")
SETTINGS = RenderSettings(seed=7, num_inference_steps=2, width=64, height=64)
REQUEST = PairRequest(typed_concept("a dog"), SETTINGS, simple="a dog", expanded="a dog, at night, in the snow")

pytestmark = pytest.mark.usefixtures("opened_once")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(Gallery(tmp_path), environ={})


@pytest.fixture
def run(made_once: MadeOnce, tmp_path: Path) -> Path:
    """A copy of one run, in the session's gallery."""
    made = made_once("examined", lambda folder: Session(Gallery(folder), environ={}).run(REQUEST))
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return next(tmp_path.glob("2*"))


def test_a_pair_is_scored_without_being_asked(run: Path) -> None:
    findings = Run.open(run).record.findings
    assert findings is not None
    assert findings.clip is not None
    assert findings.clip.name == "seedling"
    assert set(findings.cards) == set(findings.distances) == {7}
    assert [phrase.text for phrase in findings.phrases][-2:] == ["at night", "in the snow"]
    assert findings.verdict is not None
    assert findings.verdict.kind == "one pair"
    assert (findings.results, findings.files) == ({}, ())


def test_a_pair_with_a_ladder_then_attention_then_words(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", *WORDS, *SMALL, "--with", "ladder", "--runs", str(tmp_path), "--json")
    assert done.code == 0, done.err
    assert "hint: --images 4 renders four seeds" in done.err, "one pair is no evidence"
    first = json.loads(done.out)
    ladder = first["findings"]["ladder"]
    assert [rung["phrase"] for rung in ladder["rungs"]] == ["", "at night", "in the snow"]
    (run,) = tmp_path.glob("2*")
    assert all((run / rung["file"]).is_file() for rung in ladder["rungs"])

    saw = tmp_path / "saw.txt"
    saw.write_text("夜裡多了雪。<script>alert(1)</script>\n", encoding="utf-8")
    done = twinseed("examine", str(run), "--with", "attention", "--observations", str(saw), "--json")
    assert done.code == 0, done.err
    second = json.loads(done.out)
    assert second["findings"]["ladder"] == ladder
    assert {"dog", "bicycle"} <= {one["word"] for one in second["findings"]["attention"]["shared"]}
    assert second["observations"] == "夜裡多了雪。<script>alert(1)</script>"
    assert [one["sha256"] for one in second["renders"]] == [one["sha256"] for one in first["renders"]]
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "夜裡多了雪。&lt;script&gt;" in report


def test_the_same_report_again_as_markdown_and_pdf(run: Path, twinseed: Twinseed, tmp_path: Path) -> None:
    files = ("--markdown", str(tmp_path / "a.zip"), "--pdf", str(tmp_path / "a.pdf"))
    done = twinseed("report", str(run), *files)
    assert done.code == 0, done.err
    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        assert "report.md" in bundle.namelist()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    done = twinseed("report", str(run), "--language", "zh-TW")
    assert done.code == 0, done.err
    assert '<html lang="zh-TW"' in Path(done.out.strip()).read_text(encoding="utf-8")


def test_a_sweep_says_who_settles(twinseed: Twinseed, tmp_path: Path) -> None:
    options = ("--schedulers", "euler,Euler a", "--steps", "2,3,4")
    done = twinseed("sweep", *WORDS, "--seed", "7", *options, "--size", "64x64", "--runs", str(tmp_path), "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["findings"]["sweep"]["rows"]
    assert [(row["scheduler"], row["settles"]) for row in rows] == [("Euler", True), ("Euler a", False)]
    assert [cell["num_inference_steps"] for cell in rows[0]["cells"]] == [2, 3, 4]
    assert "Euler a" in done.err


def test_a_ladder_says_what_moved_the_picture(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("ladder", *WORDS, *SMALL, "--runs", str(tmp_path))
    assert done.code == 0, done.err
    assert Path(done.out.strip()).name == "report.html"
    assert " points  in the snow" in done.err
    assert "moved the picture most" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pair", "a dog", "--with", "ladder,crystal ball"), "there is no instrument 'crystal ball'"),
        (("examine", "RUN"), "nothing was asked for"),
        (("examine", "nowhere", "--with", "ladder"), "there is no run 'nowhere'"),
        (("examine", "RUN", "--observations", "no-such-file.txt"), "no-such-file.txt cannot be read"),
        (("examine", "RUN", "--observations", "LATIN"), "cannot be read: line 1 is not UTF-8 text"),
        (("examine", "RUN", "--with", "ladder", "--clip", "no/such-clip"), "no/such-clip"),
        (("sweep", "a dog", "--steps", "5"), "steps is '5'"),
        (("sweep", "a dog", "--schedulers", "Euler,Oiler"), "Oiler"),
        (("report", "RUN", "--pdf", "no/such/folder/a.pdf"), "cannot be written"),
    ],
)
def test_what_can_go_wrong_is_said(
    words: tuple[str, ...], message: str, run: Path, twinseed: Twinseed, tmp_path: Path
) -> None:
    (tmp_path / "latin.txt").write_bytes("déjà vu".encode("latin-1"))
    there = {"RUN": str(run), "LATIN": str(tmp_path / "latin.txt")}
    done = twinseed(*(there.get(word, word) for word in words), "--runs", str(run.parent))
    assert done.code == 1
    assert message in done.err
    assert "hint: " in done.err
    assert "Traceback" not in done.err


def test_a_run_of_another_model_is_not_looked_into(
    run: Path, session: Session, seedling: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(vars(seedling), "digest", "0" * 64)  # as if its weights had become others since
    with pytest.raises(SettingsError, match="is not the one that made the run"):
        session.examine(run.name, Examination(instruments=("ladder",)))
    with pytest.raises(SettingsError, match="is not the one that made the run"):
        session.refine(run.name)


@pytest.mark.parametrize("again", [False, True], ids=["with the pair", "afterwards"])
def test_what_was_found_before_a_stop_is_kept(again: bool, run: Path, session: Session) -> None:
    wanted = Examination(instruments=("ladder", "morph"))

    def stop(progress: Progress) -> None:
        if progress.detail == "morph" and progress.step is not None:
            raise RenderCancelled("stopped", hint="-")

    how: dict[str, Any] = {"on_progress": stop}
    afterwards = partial(session.examine, run.name, wanted, **how)
    with_the_pair = partial(session.run, replace(REQUEST, examination=wanted), **how)
    with pytest.raises(SessionStopped) as caught:
        (afterwards if again else with_the_pair)()
    kept = session.gallery.open(caught.value.run.name)
    assert isinstance(caught.value.reason, RenderCancelled)
    assert kept.record.findings is not None
    assert list(kept.record.findings.results) == ["ladder"]
    assert set(kept.files()) == set(kept.record.files)
    assert list(kept.faults()) == []


def swap(run: Run) -> None:
    """The two pictures in each other's place."""
    simple, expanded = run.folder / "simple-7.png", run.folder / "expanded-7.png"
    first = simple.read_bytes()
    simple.write_bytes(expanded.read_bytes())
    expanded.write_bytes(first)


def cut(run: Run) -> None:
    file = run.folder / "expanded-7.png"
    file.write_bytes(file.read_bytes()[:-20])


def paint(run: Run) -> None:
    """One other pixel."""
    file = run.folder / "simple-7.png"
    with Image.open(file) as picture:
        picture.putpixel((3, 3), (1, 2, 3))
        picture.save(file)


def unlink_7(run: Run) -> None:
    (run.folder / "simple-7.png").unlink()


@pytest.mark.parametrize("harm", [swap, cut, paint, unlink_7])
def test_a_picture_that_is_another_one_is_found_before_anything_is_rendered(
    harm: Callable[[Run], None], run: Path, session: Session, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    harm(Run.open(run))
    left = {path.name: path.read_bytes() for path in run.iterdir()}
    monkeypatch.setattr("compare.session.kept_open.open_model", lambda **_: pytest.fail("the model was opened"))
    words = "is missing" if harm is unlink_7 else "is not the one that the record names"
    for work in (
        lambda: session.examine(run.name, Examination(instruments=("ladder",))),
        lambda: session.examine(run.name, None, observations="It got dark."),
        lambda: session.refine(run.name),
    ):
        with pytest.raises(RecordError, match=words):
            work()
    for command in (("examine", str(run), "--with", "ladder"), ("refine", str(run)), ("report", str(run))):
        done = twinseed(*command)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
        assert "hint: copy the run again" in done.err
    assert {path.name: path.read_bytes() for path in run.iterdir()} == left
    assert len(list(session.gallery.root.glob("2*"))) == 1


@pytest.fixture
def old_run(session: Session) -> Path:
    return Path(shutil.copytree(OLD_RUN, session.gallery.root / OLD_RUN.name))


def test_a_run_of_version_1_is_looked_into_and_refined(
    old_run: Path, session: Session, seedling: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, record = old_run, old_run / "record.json"
    monkeypatch.setitem(
        vars(seedling), "digest", Run.open(copy).record.certificate.model_digest
    )  # as if it were so old
    pictures = {path.name: path.read_bytes() for path in copy.glob("*.png")}

    run = session.examine(copy.name, Examination(instruments=("placebo",)), observations="It rains.")
    assert json.loads(record.read_text(encoding="utf-8"))["version"] == 2
    assert run.record.findings is not None
    assert list(run.record.findings.results) == ["placebo"]
    assert run.record.observations == "It rains."
    assert list(run.damage()) == []
    assert pictures.items() <= run.files().items()
    assert "It rains." in run.report.read_text(encoding="utf-8")
    assert [row.name for row in session.gallery.runs()] == [copy.name]
    refined = session.refine(copy.name, 21)
    assert refined.record.draft is not None
    assert refined.record.draft.run == copy.name
    assert refined.record.prompts == run.record.prompts


def test_a_run_of_an_older_seedling_is_looked_at_and_told_of_alone(
    old_run: Path, session: Session, seedling: OpenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_by = Run.open(old_run).record.certificate.model_digest
    monkeypatch.setitem(vars(seedling), "digest", "0" * 64)
    monkeypatch.setitem(FAMILIES, "seedling", replace(FAMILIES["seedling"], earlier_weights={made_by: 128}))
    before = (old_run / "record.json").read_bytes()
    for act in (partial(session.examine, old_run.name, Examination()), partial(session.refine, old_run.name)):
        with pytest.raises(SettingsError, match="an older Seedling drew these pictures") as caught:
            act()
        assert "這些圖片是舊版的 Seedling 畫的" in caught.value.told("zh-TW")[0]
    assert (old_run / "record.json").read_bytes() == before
    assert session.examine(old_run.name, None, observations="It rains.").report.is_file()


def test_where_a_run_comes_from_is_kept_by_whoever_looks_again(session: Session, run: Path) -> None:
    before = Run.open(run).record
    after = session.examine(run.name, Examination(instruments=("morph",)), observations="!").record
    for name in ("concept", "request", "prompts", "settings", "renders", "certificate", "scores", "created", "draft"):
        assert getattr(after, name) == getattr(before, name), name
