"""`twinseed homework`: what is done, what is left alone, what fails and is told, and the bundle that comes of it."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Done, Twinseed
from loopback import WIRES, LoopbackServer, OpenAIWire, Reply, Wire

import compare.session.making
from compare.homework.batch import Batch, BatchProgress, BatchStopped, Failed
from compare.homework.bundle import open_bundle
from compare.homework.kept import KEPT_FILE
from compare.homework.plan import plan_of
from compare.homework.table import table_of_concepts
from compare.request import PairOptions
from compare.runs import Gallery, Run
from compare.session import Session
from generate.families import FAMILIES
from generate.models import digest_of_weights
from generate.render.batch import RenderCancelled
from generate.seedling import SEEDLING_FOLDER

pytestmark = pytest.mark.usefixtures("opened_once")

QUICK = ("--steps", "2", "--size", "64x64", "--clip", "none")
OPTIONS = PairOptions(steps=2, size="64x64", clip="none", expander="openai", llm_model="stand-in", no_cache=True)
DAY_IS_OVER = Reply(429, json.dumps({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}))


@pytest.fixture
def homework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twinseed: Twinseed) -> Callable[..., Done]:
    """Runs the command in a folder of its own; lists of rows are written to the table `hw.csv` first."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: Any) -> Done:
        words = []
        for one in arguments:
            if isinstance(one, list):
                with Path("hw.csv").open("w", encoding="utf-8", newline="") as file:
                    csv.writer(file).writerows(one)
            words.append("hw.csv" if isinstance(one, list) else str(one))
        return twinseed("homework", *words, *QUICK)

    return run


def environ_of(wire: Wire, server: LoopbackServer) -> dict[str, str]:
    if wire.name == "gemini":
        return {"GEMINI_API_KEY": "AQ.some-key-0123456789", "GEMINI_API_ENDPOINT": server.url}
    return {"OPENAI_API_KEY": "sk-some-key-0123456789", "OPENAI_BASE_URL": f"{server.url}/v1"}


def prompts_for(concept: str) -> str:
    return json.dumps({"language": "en", "simple": concept, "expanded": f"{concept} at sunset, soft light"})


def renderings(err: str) -> int:
    return err.count("rendering pair ")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.glob("2*/*")}


def test_a_second_call_does_only_what_is_missing(homework: Callable[..., Done], tmp_path: Path) -> None:
    rows = [["concept", "seed", "observations"], ["a dog", "3", "The sky is warmer."], ["一隻貓", "", ""]]
    first = homework(rows, "--student", "林小美", "--student-id", "B12", "--json")
    assert first.code == 0, first.err
    told = json.loads(first.out)
    assert [(one["line"], one["concept"], one["made"]) for one in told["runs"]] == [
        (2, "a dog", True),
        (3, "一隻貓", True),
    ]
    assert (told["failed"], told["bundle"]) == ([], "hw-B12.zip")
    assert renderings(first.err) == 2
    with open_bundle(Path("hw-B12.zip")) as bundle:
        assert bundle.content.student is not None
        assert (bundle.content.student.name, bundle.content.student.number) == ("林小美", "B12")
        assert [one.run for one in bundle.content.runs] == [one["run"] for one in told["runs"]]
        assert "The sky is warmer." in bundle.report
    made = files(tmp_path / "runs")
    seeds = json.loads(Path("runs", KEPT_FILE).read_bytes())["seeds"]

    second = homework(rows, "--student", "林小美", "--student-id", "B12", "--json")
    assert second.code == 0, second.err
    assert [one | {"made": True} for one in json.loads(second.out)["runs"]] == told["runs"]
    assert renderings(second.err) == 0
    assert files(tmp_path / "runs") == made

    rows[1][2] = "The sky is warmer, the dog happier."
    third = homework([*rows, ["a bird", "4", ""]], "--student", "林小美", "--student-id", "B12", "--json")
    assert [one["made"] for one in json.loads(third.out)["runs"]] == [False, False, True]
    assert renderings(third.err) == 1
    now = files(tmp_path / "runs")
    changed = {Path(path).name for path in made if made[path] != now[path]}
    assert changed == {"record.json", "report.html"}
    gallery = Gallery(tmp_path / "runs")
    assert gallery.open(told["runs"][0]["run"]).record.observations == "The sky is warmer, the dog happier."
    assert json.loads(Path("runs", KEPT_FILE).read_bytes())["seeds"] == seeds


def test_pairs_of_an_older_model_are_handed_in_and_named(
    homework: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["concept", "seed"], ["a dog", "3"]]
    assert "an older" not in homework(rows).err
    older = {digest_of_weights(SEEDLING_FOLDER): 128}
    monkeypatch.setitem(FAMILIES, "seedling", replace(FAMILIES["seedling"], earlier_weights=older))
    again = homework(rows)
    assert again.code == 0, again.err
    assert again.err.count("note: line 2: an older Seedling drew this pair; it is handed in as it is") == 1


def words_in(bundle: str) -> list[str | None]:
    with open_bundle(Path(bundle)) as opened:
        return [run.record.observations for _, run in opened.runs() if isinstance(run, Run)]


def test_students_who_share_a_folder_hand_in_their_own_seeds_and_words(homework: Callable[..., Done]) -> None:
    rows = [["concept", "seed"], ["a dog", "3"], ["a cat", ""]]
    Path("seen.txt").write_text("The sky is warmer.\n\nNo cat.\n")
    mei, wen = ("--student", "Lin Mei", "--student-id", "B1"), ("--student", "Wen", "--student-id", "B2")
    draft = json.loads(homework(rows, "--json").out)["runs"]
    first = homework(rows, *mei, "--observations", "seen.txt", "--json")
    assert renderings(first.err) == 0, "what she made before she said who she is, is hers"
    mine = json.loads(first.out)["runs"]
    assert [one["seed"] for one in mine] == [one["seed"] for one in draft]
    assert words_in("hw-B1.zip") == ["The sky is warmer.", "No cat."]

    other = homework(rows, *wen, "--json")
    theirs = json.loads(other.out)
    assert [one["run"] == own["run"] for one, own in zip(theirs["runs"], mine, strict=True)] == [True, False]
    assert words_in("hw-B2.zip") == [None, None]
    with open_bundle(Path("hw-B2.zip")) as bundle:
        assert "warmer" not in bundle.report
    assert "note: line 2: somebody else wrote the words that are kept with these pictures: they are left" in other.err
    assert any("somebody else wrote" in note for note in theirs["notes"])
    nameless = homework(rows, "--bundle", "nameless.zip")
    assert nameless.code == 0, nameless.err
    assert words_in("nameless.zip") == [None, None]

    again = homework(rows, *mei)
    assert words_in("hw-B1.zip") == ["The sky is warmer.", "No cat."]
    assert again.err.count("the words on it are those kept with the run since 20") == 2
    Path("seen.txt").write_text("Colder.\n\nA lion.\n")
    assert (
        "line 2: these words take the place of somebody else's"
        in homework(rows, *wen, "--observations", "seen.txt").err
    )
    assert words_in("hw-B2.zip") == ["Colder.", "A lion."]
    homework(rows, *mei)
    assert words_in("hw-B1.zip") == [None, "No cat."]
    assert "Mei" not in Path("runs", KEPT_FILE).read_text()


def test_the_notes_of_pairs_are_told_once(homework: Callable[..., Done]) -> None:
    rows = [["concept", "seed"], ["a hedgehog eating ramen", "3"], ["一隻水豚在開車", "4"]]
    done = homework(rows, "--student-id", "=1+1", "--json")
    assert done.code == 0, done.err
    drawn = done.err.index("rendering pair")
    for note in ('line 2: Seedling has never learnt "hedgehog": ', 'line 3: Seedling has never learnt "capybara": '):
        assert done.err.count(f"note: {note}") == 1, done.err
        assert done.err.index(note) < drawn, "before anything is drawn"
    told = json.loads(done.out)
    assert any("never learnt" in note for note in told["notes"])
    assert any("never learnt" in note for note in told["runs"][0]["notes"])
    assert "the number '=1+1' cannot be part of a file's name, so the bundle is called hw.zip" in done.err


def test_rows_that_say_the_same(homework: Callable[..., Done]) -> None:
    done = homework([["concept", "seed"], ["a dog", ""], ["a dog", ""], ["a dog", "5"], ["a dog", "5"]], "--json")
    assert done.code == 0, done.err
    assert "note: line 5 asks for the same as line 4: it is made once" in done.err
    seeds = [one["seed"] for one in json.loads(done.out)["runs"]]
    assert len(set(seeds)) == 3, "two rows without a seed are two pairs"
    other = homework([["concept", "seed", "observations"], ["a dog", "5", "warm"], ["a dog", "5", "cold"]])
    assert other.code == 1
    assert "line 3: it asks for the same as line 2, with other observations" in other.err


def test_all_faults_come_before_any_work(homework: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compare.session.kept_open.open_model", lambda *_, **__: pytest.fail("a model was opened"))
    rows = [
        ["concept", "seed", "style", "scheduler", "expander"],
        ["a dog", "x", "", "", ""],
        ["a cat", "", "watercolour", "", ""],
        ["a bird", "", "", "Oiler", ""],
        ["a fish", "", "", "", "gemini"],
        ["a cow", "7", "", "", ""],
    ]
    done = homework(rows)
    assert done.code == 1
    assert done.out == ""
    lines = [line.strip() for line in done.err.splitlines()]
    assert lines[0] == "error: hw.csv cannot be done as it is:"
    for line, words in zip(lines[1:5], ("seed is 'x'", "watercolour", "Oiler", "no key for Gemini"), strict=True):
        assert words in line
    assert [line.partition(":")[0] for line in lines[1:5]] == ["line 2", "line 3", "line 4", "line 5"]
    assert lines[5].startswith("hint: mend this in the table")
    assert not Path("hw.zip").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("hw.csv",), "there is no file hw.csv"),
        (("a dog", "hw.csv"), "hw.csv is a table, and stands beside 1 other arguments"),
        (("a dog", "a cat", "--simple", "a horse"), "--simple would be the same for all 2 concepts"),
        (("a dog", "--bundle", "nowhere/a.zip"), "there is no folder nowhere"),
        (("a dog", "--bundle", "."), "is not a plain file"),
        (("a dog", "--bundle", "/dev/null"), "is not a plain file"),
        (("a dog", "--bundle", "other.zip"), "other.zip is there already, and is no bundle"),
        (("a dog", "--student", "a\u202eb"), "name of the student cannot be used"),
        (("a dog", "--observations", "none.txt"), "none.txt cannot be read"),
        (("",), "concept 1: the concept is empty"),
    ],
)
def test_what_is_refused_at_once(homework: Callable[..., Done], arguments: tuple[str, ...], words: str) -> None:
    Path("other.zip").write_bytes(b"PK")
    done = homework(*arguments)
    assert done.code == 1, done.err
    assert words in done.err
    assert "rendering" not in done.err


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_a_quota_is_waited_for_and_told(
    wire: Wire, homework: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    with LoopbackServer([wire.fails(429, "slow down", wait_s=1), wire.says(prompts_for("a cat"))]) as server:
        for name, value in environ_of(wire, server).items():
            monkeypatch.setenv(name, value)
        done = homework("a cat", "--llm-model", "m")
        again = homework("a cat", "--llm-model", "m")
    assert done.code == 0, done.err
    assert "answered 429: slow down: waiting until " in done.err
    assert (done.out, again.out) == ("homework.zip\n", "homework.zip\n")
    assert len(server.requests) == 2


def test_one_concept_fails_and_the_others_do_not(
    homework: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = OpenAIWire()
    replies = [wire.says(prompts_for("a dog")), wire.fails(400, "not for me"), wire.says(prompts_for("a bird"))]
    with LoopbackServer(replies) as server:
        for name, value in environ_of(wire, server).items():
            monkeypatch.setenv(name, value)
        done = homework([["concept"], ["a dog"], ["a cat"], ["a bird"]], "--llm-model", "m", "--json", "--runs", "mine")
    assert done.code == 1
    told = json.loads(done.out)
    assert [one["concept"] for one in told["runs"]] == ["a dog", "a bird"]
    (failed,) = told["failed"]
    assert (failed["line"], failed["concept"]) == (3, "a cat")
    assert "not for me" in failed["reason"]
    assert done.err.rstrip().splitlines()[-4:] == [
        f"  line 3, a cat: {failed['reason']}",
        f"    hint: {failed['hint']}",
        f"    again: {failed['command']}",
        "hint: the same homework command tries only these again",
    ]
    with open_bundle(Path("hw.zip")) as bundle:
        (one,) = bundle.content.failed
        assert (one.concept, one.line) == ("a cat", 3)
        assert str(Path.cwd()) not in one.command
        assert len(bundle.content.runs) == 2

    # The command that is told does just this one, and then nothing is missing.
    monkeypatch.delenv("OPENAI_BASE_URL")
    with LoopbackServer([wire.says(prompts_for("a cat"))]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
        from commands.program import app

        app(shlex.split(failed["command"])[1:], standalone_mode=False)
        last = homework([["concept"], ["a dog"], ["a cat"], ["a bird"]], "--llm-model", "m", "--json", "--runs", "mine")
    assert last.code == 0, last.err
    assert [one["made"] for one in json.loads(last.out)["runs"]] == [False] * 3
    assert len(server.requests) == 1


def batch_of(concepts: list[str], runs: Path, server: LoopbackServer, **changes: Any) -> Batch:
    session = Session(Gallery(runs), environ=environ_of(OpenAIWire(), server) | {"TWINSEED_LLM_DEADLINE": "1"})
    options = [replace(OPTIONS, **changes)] * len(concepts)
    plan = plan_of(table_of_concepts(concepts, options[0]), session.gallery, session.check)
    return Batch(session, plan.tasks, sleep=lambda _: None)


def test_a_day_that_is_over_ends_the_rows_of_that_expander_alone(tmp_path: Path) -> None:
    with LoopbackServer([OpenAIWire().says(prompts_for("a dog")), DAY_IS_OVER]) as server:
        batch = batch_of(["a dog", "a cat", "a bird", "a fish"], tmp_path, server)
        own = plan_of(
            table_of_concepts(["a cow"], replace(OPTIONS, expander="offline", llm_model=None)),
            Gallery(tmp_path),
            lambda _: None,
        )
        outcome = Batch(batch.session, [*batch.tasks, *own.tasks]).run(lambda _: None)
    assert [one.task.request.concept.text for one in outcome.done] == ["a dog", "a cow"]
    assert [one.task.request.concept.text for one in outcome.failed] == ["a cat", "a bird", "a fish"]
    assert all("exceeded your quota" in one.reason.message and "tomorrow" in one.reason.hint for one in outcome.failed)
    assert len(server.requests) == 2, "what is spent is not asked for again"


def test_a_longer_wait_than_a_deadline_is_told_with_its_time_and_can_be_ended(tmp_path: Path) -> None:
    heard: list[BatchProgress] = []
    wire = OpenAIWire()

    def stop_while_waiting(now: BatchProgress) -> None:
        heard.append(now)
        if now.pair is not None and now.pair.stage == "wait":
            raise RenderCancelled("stopped", hint="-")

    with LoopbackServer([wire.says(prompts_for("a dog")), wire.fails(429, "slow", wait_s=40)]) as server:
        batch = batch_of(["a dog", "a cat"], tmp_path, server)
        with pytest.raises(BatchStopped) as caught:
            batch.run(stop_while_waiting)
    assert [one.task.request.concept.text for one in caught.value.outcome.done] == ["a dog"]
    waiting = heard[-1].pair
    assert waiting is not None
    assert waiting.until is not None
    assert 30 < (waiting.until - datetime.now(UTC)).total_seconds() <= 40
    assert "slow" in waiting.detail
    assert [now.number for now in heard if now.ended] == [1]
    left = [now.seconds_left for now in heard if now.seconds_left is not None]
    assert left
    assert left[-1] > 0


def test_a_disk_that_is_full_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    import compare.runs.writer

    with LoopbackServer([OpenAIWire().says(prompts_for("a dog"))]) as server:
        batch = batch_of(["a dog", "a cat"], tmp_path, server, expander="offline", llm_model=None)
        write = compare.runs.writer.write_whole

        def full(path: Path, content: bytes) -> None:
            if "a-cat" in str(path) or batch.session.gallery.runs():
                raise OSError(errno.ENOSPC, "No space left on device")
            write(path, content)

        monkeypatch.setattr("compare.runs.writer.write_whole", full)
        with pytest.raises(BatchStopped) as caught:
            batch.run(lambda _: None)
    assert "no room left" in str(caught.value.reason)


def test_a_fault_of_the_program_fails_one_concept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LoopbackServer([OpenAIWire().says(prompts_for("a dog"))]) as server:
        batch = batch_of(["a dog", "a cat"], tmp_path, server, expander="offline", llm_model=None)
        render = compare.session.making.render_pair
        calls: list[str] = []

        def broken(*args: Any, **kwargs: Any) -> Any:
            calls.append("")
            if len(calls) == 1:
                raise ZeroDivisionError("by nought")
            return render(*args, **kwargs)

        monkeypatch.setattr("compare.session.making.render_pair", broken)
        outcome = batch.run(lambda _: None)
    (failed,) = outcome.failed
    assert isinstance(failed, Failed)
    assert "by nought" in failed.reason.message
    assert len(outcome.done) == 1


def test_seeds_that_cannot_be_read_are_put_away(homework: Callable[..., Done]) -> None:
    Path("runs").mkdir()
    Path("runs", KEPT_FILE).write_text('{"version": 1, "seeds": {"a": 7}}')
    done = homework("a dog")
    assert done.code == 0, done.err
    assert "could not be read and lies in" in done.err
    assert Path("runs", ".trash", KEPT_FILE).exists()
