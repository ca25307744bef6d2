"""`twinseed verify` on bundles: an honest one is accepted, and every kind of tampering is found and named, whether by
somebody careless or by somebody who knows the formats and makes everything agree again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from math import prod
from pathlib import Path

import pytest
from conftest import Twinseed
from forger import CAT, SETTINGS, Forger, kinds, painted, verified
from PIL import Image

from compare.homework import open_bundle
from compare.runs.run import Run
from compare.session import Session
from compare.session.repetition import NotHere, expectation, require_here, settings_here
from generate.models import OpenModel
from generate.picture import ARMS
from generate.seedling import EARLIER_SEEDLINGS

pytest_plugins = ["forger"]
pytestmark = pytest.mark.usefixtures("opened_once")


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
