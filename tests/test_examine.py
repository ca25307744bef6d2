"""Looking closer: at a new pair, at one that is there, and what stays of it when it ends early."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from conftest import Twinseed

from compare.instruments import Examination
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from compare.session import Progress, Session, SessionStopped
from generate.models import OpenModel
from generate.render.batch import RenderCancelled
from generate.settings import RenderSettings, SettingsError
from ideation import typed_concept

WORDS = ("--simple", "a dog riding a bicycle", "--expanded", "a dog riding a bicycle, at night, in the snow")
SMALL = ("--seed", "7", "--steps", "3")
SETTINGS = RenderSettings(seed=7, num_inference_steps=2, width=64, height=64)
REQUEST = PairRequest(typed_concept("a dog"), SETTINGS, simple="a dog", expanded="a dog, at night, in the snow")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(Gallery(tmp_path))


@pytest.fixture
def run(session: Session) -> Run:
    return session.run(REQUEST)


def test_a_pair_is_scored_without_being_asked(run: Run) -> None:
    findings = run.record.findings
    assert findings is not None
    assert findings.clip is not None
    assert findings.clip.name == "seedling"
    assert set(findings.cards) == set(findings.distances) == {7}
    assert [phrase.text for phrase in findings.phrases][-2:] == ["at night", "in the snow"]
    assert findings.verdict is not None
    assert findings.verdict.kind == "one pair"
    assert (findings.ladder, findings.files) == (None, ())


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


def test_the_same_report_again_as_markdown_and_pdf(run: Run, twinseed: Twinseed, tmp_path: Path) -> None:
    files = ("--markdown", str(tmp_path / "a.zip"), "--pdf", str(tmp_path / "a.pdf"))
    done = twinseed("report", str(run.folder), *files)
    assert done.code == 0, done.err
    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        assert "report.md" in bundle.namelist()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    done = twinseed("report", str(run.folder), "--language", "zh-TW")
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
    done = twinseed("ladder", *WORDS, *SMALL, "--size", "64x64", "--runs", str(tmp_path))
    assert done.code == 0, done.err
    assert Path(done.out.strip()).name == "report.html"
    assert "%  in the snow" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("pair", "a dog", "--with", "ladder,crystal ball"), "there is no instrument 'crystal ball'"),
        (("examine", "RUN"), "nothing was asked for"),
        (("examine", "nowhere", "--with", "ladder"), "there is no run 'nowhere'"),
        (("examine", "RUN", "--observations", "no-such-file.txt"), "no-such-file.txt cannot be read"),
        (("examine", "RUN", "--observations", "LATIN"), "is not text in UTF-8"),
        (("examine", "RUN", "--with", "ladder", "--clip", "no/such-clip"), "no/such-clip"),
        (("sweep", "a dog", "--steps", "5"), "steps is '5'"),
        (("sweep", "a dog", "--schedulers", "Euler,Oiler"), "Oiler"),
        (("report", "RUN", "--pdf", "no/such/folder/a.pdf"), "cannot be written"),
    ],
)
def test_what_can_go_wrong_is_said(
    words: tuple[str, ...], message: str, run: Run, twinseed: Twinseed, tmp_path: Path
) -> None:
    (tmp_path / "latin.txt").write_bytes("déjà vu".encode("latin-1"))
    there = {"RUN": str(run.folder), "LATIN": str(tmp_path / "latin.txt")}
    done = twinseed(*(there.get(word, word) for word in words), "--runs", str(run.folder.parent))
    assert done.code == 1
    assert message in done.err
    assert "hint: " in done.err
    assert "Traceback" not in done.err


def test_a_run_of_another_model_is_not_looked_into(run: Run, session: Session, seedling: OpenModel) -> None:
    file = run.folder / "record.json"
    file.write_text(file.read_text(encoding="utf-8").replace(seedling.digest, "0" * 64), encoding="utf-8")
    with pytest.raises(SettingsError, match="is not the one that made the run"):
        session.examine(run.name, Examination(instruments=("ladder",)))


@pytest.mark.parametrize("again", [False, True], ids=["with the pair", "afterwards"])
def test_what_was_found_before_a_stop_is_kept(again: bool, run: Run, session: Session) -> None:
    wanted = Examination(instruments=("ladder", "morph"), options={"morph": {"frames": 9}})

    def stop(progress: Progress) -> None:
        if progress.detail == "morph" and progress.step is not None:
            raise RenderCancelled("stopped", hint="-")

    first, second = (
        partial(session.run, replace(REQUEST, examination=wanted)),
        partial(session.examine, run.name, wanted),
    )
    with pytest.raises(SessionStopped) as caught:
        (second if again else first)(on_progress=stop)
    record = session.gallery.open(caught.value.run.name).record
    assert record.findings is not None
    assert list(record.findings.results) == ["ladder"]
    assert set(caught.value.run.files()) == set(record.files)
