"""A class: bundles put together, tables that no program calculates with, a ballot that does not know, and its count."""

from __future__ import annotations

import csv
import json
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import html5lib
import openpyxl
import pytest
from conftest import Twinseed
from hostile_zips import hostile_zips
from PIL import Image
from sample_class import BETTER, ballot_of, merged, sample_bundle, sample_pair
from sample_run import sample_record

from compare.homework.classroom import Class, bundles_in, pooled, read_class
from compare.homework.classroom.content import Refused
from compare.homework.classroom.grades import grades
from compare.homework.classroom.hand_ins.anonymity import student_files
from compare.homework.classroom.hand_ins.gathering import gather_all
from compare.homework.classroom.hand_ins.hand_in import Gathered, styles_of
from compare.homework.classroom.pictures import MAX_PIXELS
from compare.homework.classroom.pooled import votes_of
from compare.report import policy_hash
from compare.runs import Gallery
from generate.files import pixels_sha256


@pytest.fixture
def folder(one_class: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(one_class, tmp_path / "class"))


def texts_in(folder: Path) -> str:
    """All that is in a folder, the names of files too, as far as it is text; workbooks cell by cell."""
    found = []
    for path in sorted(folder.rglob("*")):
        found.append(str(path.relative_to(folder)))
        if path.suffix == ".xlsx":
            found += [str(cell) for sheet in openpyxl.load_workbook(path) for row in sheet.values for cell in row]
        elif path.is_file():
            found.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(found)


def test_the_folder_of_a_class(hand_ins: list[Path], tmp_path: Path, twinseed: Twinseed) -> None:
    bad, out = tmp_path / "bad.zip", tmp_path / "class"
    bad.write_bytes(b"<html><script>alert(1)</script>")
    done = twinseed("class", *map(str, hand_ins), str(bad), "--out", str(out), "--title", "Week 3", "--json")
    assert done.code == 1, "one was refused"
    assert "error: bad.zip is refused" in done.err
    data = json.loads(done.out)
    assert data["folder"] == str(out)
    room = read_class(out)
    assert [(one.label, len(one.pairs), one.verified) for one in room.hand_ins] == [
        ("Ana </script><b>Ruiz", 2, True),
        ("B11201001 林小美", 2, True),
        ("B11201004", 2, True),
        ("nobody.zip", 2, True),
    ]
    assert [one.file for one in room.refused] == ["bad.zip"]
    assert {path.name for path in out.iterdir()} == {
        "index.html",
        "ballot.html",
        "grades.csv",
        "grades.xlsx",
        "class.json",
        "pictures",
    }
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    for path in (out / "pictures").iterdir():
        with Image.open(path) as image:
            image.load()
            assert (image.format, image.info) == ("PNG", {}), "nothing but pixels"
            assert path.stem == pixels_sha256(image)[:16]


def test_nothing_that_somebody_wrote_is_more_than_text(one_class: Path) -> None:
    for name, texts in (("index.html", ("Ana </script><b>Ruiz", "onerror")), ("ballot.html", ())):
        page = (one_class / name).read_text(encoding="utf-8")
        tree = html5lib.parse(page, namespaceHTMLElements=False)
        scripts = [one for one in tree.iter("script") if one.get("type") is None]
        styles = list(tree.iter("style"))
        (policy,) = (one.get("content") for one in tree.iter("meta") if one.get("http-equiv"))
        assert "default-src 'none'" in policy
        assert [policy_hash(one.text) in policy for one in (*scripts, *styles)] == [True, True]
        assert not [one for one in tree.iter() for key in one.attrib if key.startswith("on") or key == "style"]
        assert not list(tree.iter("b")) or name == "index.html"
        shown = "".join(tree.itertext())
        assert all(text in shown for text in texts), name


def test_tables_hold_texts_and_no_formulas(one_class: Path) -> None:
    content = (one_class / "grades.csv").read_bytes()
    assert content.startswith("\ufeffNumber,Student,File".encode()), "Excel needs the mark to read 林"
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    assert [(row["Number"], row["Student"], row["Concepts"], row["Verified"]) for row in rows[:2]] == [
        ("", "Ana </script><b>Ruiz", "2", "yes"),
        ("B11201001", "林小美", "2", "yes"),
    ]
    assert [(row["Observations"], row["Words in observations"]) for row in rows[:3]] == [
        ("1", "6"),
        ("2", "14"),
        ("0", "0"),
    ]
    assert "same picture as nobody.zip" in rows[0]["Handed in twice"].casefold()
    book = openpyxl.load_workbook(one_class / "grades.xlsx")
    assert book.sheetnames == ["Grades", "Pairs"]
    cells = [cell for sheet in book for row in sheet for cell in row]
    assert "f" not in {cell.data_type for cell in cells}
    assert "=1+1 The sky is warmer." in {cell.value for cell in cells}


def test_grades_say_first_what_was_done_in_the_language_of_the_class(tmp_path: Path) -> None:
    gallery, said = Gallery(tmp_path / "runs"), "The sky is warmer and the dog is smaller."
    runs = [sample_pair(gallery, topic, seed, said) for topic, seed in (("dog", 10), ("fox", 32))]
    honest = sample_bundle(tmp_path / "honest.zip", runs[:1], "Ana", "1", "zh-TW")
    sample_bundle(tmp_path / "other.zip", runs[1:], "Lin", "2", "zh-TW")
    with zipfile.ZipFile(honest) as before, zipfile.ZipFile(tmp_path / "again.zip", "w") as after:
        for entry in before.infolist():
            content = before.read(entry)
            if entry.filename == f"runs/{runs[0].name}/record.json":
                content = content.replace(b"soft light", b"lamp light")
            after.writestr(entry, content)
    files = [tmp_path / name for name in ("honest.zip", "again.zip", "other.zip")]
    out = merged(files, tmp_path / "class", "zh-TW")
    head, table = grades(read_class(out))
    rows = {str(row[2]): dict(zip(head, map(str, row), strict=True)) for row in table}
    why = rows["again.zip"]["不符原因"].split("\n")
    assert len(why) == 5
    assert why[0].startswith("「a dog riding a bicycle, watercolor style」：擴充提示詞被改過：生成圖片時是 '")
    assert why[-1].endswith("項：twinseed verify again.zip")
    assert not re.search("it says|where the|the record|the report", "".join(map(str, rows.values())))
    assert rows["honest.zip"]["評語"] == "只有一個種子：1", "as reports name it"
    place, other = "a dog riding a bicycle, watercolor style", "a fox riding a bicycle, watercolor style"
    assert rows["honest.zip"]["重複繳交"].split("\n") == [
        "1 繳交不只一次，另有 again.zip",
        f"「{place}」：觀察與 2 Lin（「{other}」） 一字不差",
    ], "nobody is compared with himself"
    hand_ins = read_class(out).hand_ins
    files = student_files(hand_ins, {"1": 7, "2": 8}, {hand_ins[2].sha256: "student-8.zip"})
    assert [*files.values()] == ["student-8.zip", "student-7.zip", "student-7-2.zip"]


def test_the_style_is_the_chosen_one_or_else_that_of_the_concept() -> None:
    record, _ = sample_record()
    words = replace(record.prompts, kept=("subject: dog", "style: ink"), lost=("style: woodcut",))
    plain = record.model_copy(update={"concept": replace(record.concept, style=None), "prompts": words})
    chosen = plain.model_copy(update={"request": replace(record.request, styles=("anime",))})
    assert [styles_of(one) for one in (record, plain, chosen)] == [("watercolor",), ("ink", "woodcut"), ("anime",)]


def test_a_class_without_names(hand_ins: list[Path], tmp_path: Path, twinseed: Twinseed) -> None:
    telling = tmp_path / "ana-ruiz.zip"
    gallery = Gallery(tmp_path / "runs")
    said = "I, 林小美, number B11201001, see a warmer sky. Linear."
    sample_bundle(telling, [sample_pair(gallery, "dog", 10, said)], "林小美", "B11201001")
    (tmp_path / "wang-report.zip").write_bytes(b"PK")
    out = tmp_path / "class"
    done = twinseed(
        "class", str(telling), str(hand_ins[2]), str(tmp_path / "wang-report.zip"), "--out", str(out), "--anonymous"
    )
    assert done.code == 1
    texts = texts_in(out)
    assert not [
        name for name in ("林小美", "B112010", "ana", "Ruiz", r"four\.zip", "wang") if re.search(rf"\b{name}\b", texts)
    ]
    assert "I, Student" in texts
    assert "Linear" in texts
    assert re.search(r"note: Student (\d) \(student-\1\.zip\) is B11201001 林小美 \(ana-ruiz\.zip\)", done.err), (
        "for the teacher's eyes"
    )
    numbers = {one.sha256: one.name for one in read_class(out).hand_ins}
    assert twinseed("class", *map(str, (*hand_ins, telling)), "--out", str(out), "--anonymous").code == 0
    assert numbers.items() <= {one.sha256: one.name for one in read_class(out).hand_ins}.items(), "numbers stay"


def test_a_folder_is_never_overwritten_by_mistake(
    hand_ins: list[Path], folder: Path, tmp_path: Path, twinseed: Twinseed
) -> None:
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "thesis.txt").write_text("years of work")
    done = twinseed("class", str(hand_ins[0]), "--out", str(other))
    assert (done.code, [path.name for path in other.iterdir()]) == (1, ["thesis.txt"])
    assert "is not empty, and it is not that of a class" in done.err

    (folder / "grades.csv").write_text("a teacher's marks")
    (folder / "notes.txt").write_text("a teacher's notes")
    done = twinseed("class", *map(str, hand_ins[:3]), "--out", str(folder))
    assert done.code == 0
    assert "kept as grades-before-1.csv" in done.err
    assert (folder / "grades-before-1.csv").read_text() == "a teacher's marks"
    assert (folder / "notes.txt").exists()
    shown = set(re.findall(r"pictures/[0-9a-f]{16}\.png", (folder / "index.html").read_text()))
    assert shown == {f"pictures/{path.name}" for path in (folder / "pictures").iterdir()}, "what is gone is gone"

    with_names = twinseed("class", *map(str, hand_ins), "--out", str(folder), "--anonymous")
    assert (with_names.code, "has names" in with_names.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "there is nothing to put together"),
        (["nowhere.zip"], "none of the 1 files is a bundle"),
        (["*.zap"], "no file is like *.zap"),
        (["votes.json"], "votes.json is no bundle"),
        (["--ballots", "votes.json"], "there is no class in"),
        (["--ballots", "votes.json", "--anonymous"], "need the bundles"),
        (["empty"], "there is no .zip file in empty"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twinseed: Twinseed
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("votes.json").write_text("{}")
    done = twinseed("class", *arguments)
    assert (done.code, words in done.err) == (1, True), done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "votes.json"]


def test_bundles_are_found_in_folders_and_pictures_are_counted_first(
    hand_ins: list[Path], tmp_path: Path, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hand_in in zip(("A_1_file", "B_2_file"), hand_ins, strict=False):  # as a learning platform packs them
        (tmp_path / "all" / name).mkdir(parents=True)
        shutil.copy(hand_in, tmp_path / "all" / name / "homework.zip")
    shutil.copy(hand_ins[0], tmp_path / "all" / "again.zip")
    done = twinseed("class", str(tmp_path / "all"), "--out", str(tmp_path / "class"))
    assert (done.code, "again.zip is the same file as A_1_file/homework.zip" in done.err) == (0, True)
    assert [one.file for one in read_class(tmp_path / "class").hand_ins] == [
        "A_1_file/homework.zip",
        "B_2_file/homework.zip",
    ]
    assert MAX_PIXELS > 200_000_000
    monkeypatch.setattr("compare.homework.classroom.pictures.MAX_PIXELS", 3000)
    done = twinseed("class", str(hand_ins[0]), "--out", str(tmp_path / "other"))
    assert (done.code, "more than 3,000 pixels" in done.err) == (1, True)


def test_ballots_are_counted_from_files_and_codes(folder: Path, tmp_path: Path, twinseed: Twinseed) -> None:
    room = read_class(folder)
    assert len(room.on_ballot()) == 7, "what two have handed in is voted on once"
    first, _ = ballot_of(room, "1" * 16, lambda key, pair: "expanded")
    _, second = ballot_of(room, "2" * 16, lambda key, pair: "tie" if "cat" in pair.concept else "expanded")
    _, third = ballot_of(room, "3" * 16, lambda key, pair: "simple", most=3)
    less, _ = ballot_of(room, "1" * 16, lambda key, pair: "simple", most=1)
    (tmp_path / "first.json").write_text(json.dumps(first))
    (tmp_path / "less.json").write_text(json.dumps(less))
    quoted = "\n".join(f"> {second[at : at + 40]}" for at in range(0, len(second), 40))
    (tmp_path / "mail.txt").write_text(f"\ufeffHello, here is mine:\n{quoted}\nBob: {third}", encoding="utf-8")
    files = [str(tmp_path / name) for name in ("less.json", "first.json", "mail.txt")] + [
        str(tmp_path / "none" / "*.json")
    ]
    done = twinseed("class", "--out", str(folder), "--ballots", *files, "--json")
    assert done.code == 0, done.err
    assert f"the voter {'1' * 16} handed in more than once" in done.err
    assert f"note: no file is like {tmp_path / 'none' / '*.json'}" in done.err
    found = pooled(read_class(folder))
    assert found.people is not None
    assert (found.people.judgements, found.people.pairs, found.people.students) == (17, 7, 4)
    assert json.loads(done.out)["pooled"]["people"]["win"]["share"] == pytest.approx(found.people.win.share)
    counts = votes_of(read_class(folder)).values()
    assert sum(one.expanded for one in counts) + sum(one.tie for one in counts) == 14
    assert "counted: ballots: 3, answers: 17; expanded " in done.err
    assert found.people.win.interval is None, "four students are too few"
    decided = [pair for _, pair in room.on_ballot().values() if "cat" not in pair.concept]
    agree = sum(pair.seeds[0].clip > 0 for pair in decided) / len(decided)
    assert found.agreement is not None
    assert found.agreement.same.share == pytest.approx(agree, abs=0.17)
    assert found.sides is not None
    assert not found.sides.biased
    table = (folder / "votes.csv").read_text(encoding="utf-8-sig").splitlines()
    assert len(table) == 18
    assert "of the answers chose the expanded picture" in (folder / "index.html").read_text()
    # Bundles that come later leave the ballots as they were counted.
    assert read_class(folder).votes


def test_ballots_that_were_changed_are_not_counted(folder: Path, tmp_path: Path, twinseed: Twinseed) -> None:
    room = read_class(folder)
    good, code = ballot_of(room, "a" * 16, lambda key, pair: "expanded")
    other = {"0" * 16, *(room.on_ballot()[good["answers"][0]["pair"]][1].seeds[0].simple,)}
    turned = next(name for name in other if name != good["answers"][0]["left"])
    cases: list[tuple[str, str]] = [
        (json.dumps(good | {"answers": [good["answers"][0] | {"left": turned}]}), "sides are not those that its seed"),
        (json.dumps(good | {"answers": [good["answers"][0]] * 2}), "answered twice"),
        (json.dumps(good | {"answers": [good["answers"][0] | {"pair": "0" * 8}]}), "about a pair of this class"),
        (json.dumps(good | {"extra": 1}), "holds no answers to a ballot: extra"),
        (json.dumps(good | {"voter": "../../x"}), "holds no answers to a ballot: voter"),
        ("[" * 5000, "there is no code in it"),
        ("{" * 5000, "holds no answers to a ballot"),
        (code.replace(code[30], "0" if code[30] != "0" else "1", 1), "changed"),
        (code[:-9], "cut off or changed: 1"),
        ("", "there is no code in it"),
        ("\0\ud800".encode("utf-16", "surrogatepass").decode("latin-1"), "holds no answers"),
    ]
    for at, (content, words) in enumerate(cases):
        file = tmp_path / f"{at}.{'json' if content.startswith('{') else 'txt'}"
        file.write_text(content, encoding="utf-8")
        done = twinseed("class", "--out", str(folder), "--ballots", str(file))
        assert (done.code, words in done.err) == (1, True), (content[:80], done.err)
        assert read_class(folder).votes == ()
    (tmp_path / "good.json").write_text(json.dumps(good))
    done = twinseed(
        "class", "--out", str(folder), "--ballots", *map(str, (tmp_path / "0.json", tmp_path / "good.json"))
    )
    assert (done.code, len(read_class(folder).votes)) == (1, 1), "the good one counts, and the other is named"


def test_the_ballot_does_not_say_which_picture_is_which(one_class: Path) -> None:
    page = (one_class / "ballot.html").read_text(encoding="utf-8")
    assert not re.search(r"simple|expanded|seed-?\d|sunset|Ana|林|B112", page.replace("sc-simple", ""))
    (data,) = re.findall(r'<script type="application/json" id="pairs">(.*?)</script>', page, flags=re.DOTALL)
    pairs = json.loads(data)
    room = read_class(one_class)
    assert {one["id"] for one in pairs} == set(room.on_ballot())
    firsts = [room.on_ballot()[one["id"]][1].seeds[0].simple == next(iter(one["pictures"])) for one in pairs]
    assert all(list(one["pictures"]) == sorted(one["pictures"]) for one in pairs)
    assert 0 < sum(firsts) < len(firsts), "neither always comes first"


def test_many_bundles_are_gathered_by_processes(
    hand_ins: list[Path], one_class: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compare.homework.classroom.hand_ins.gathering.FEWEST", 2)
    monkeypatch.setattr(
        "compare.homework.classroom.hand_ins.gathering.MOST_PROCESSES", 1
    )  # each takes a second to begin
    (tmp_path / "bad.zip").write_bytes(b"PK")
    files = [*hand_ins[:2], tmp_path / "bad.zip"]
    told: list[tuple[int, str]] = []
    names = {path: path.name for path in files}
    found = list(gather_all(names, None, lambda at, path: told.append((at, path.name))))
    assert told == [(0, "ana.zip"), (1, "lin.zip"), (2, "bad.zip")]
    assert [one.hand_in for one in found[:2] if isinstance(one, Gathered)] == list(read_class(one_class).hand_ins[:2])
    assert isinstance(found[2], Refused)


def test_every_hostile_file_is_refused_by_its_name_and_the_others_go_on(
    hand_ins: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compare.homework.classroom.hand_ins.gathering.FEWEST", 1000)
    kinds = list(hostile_zips(hand_ins[1].read_bytes()))
    (tmp_path / "in").mkdir()
    for at, kind in enumerate(kinds):
        (tmp_path / "in" / f"bad-{at}.zip").write_bytes(kind.content)
    shutil.copy(hand_ins[0], tmp_path / "in" / "good.zip")
    merged(bundles_in([tmp_path / "in"]), tmp_path / "class")
    room = read_class(tmp_path / "class")
    assert [one.file for one in room.hand_ins] == ["good.zip"]
    why = {one.file: one.why["en"] for one in room.refused}
    assert len(why) == len(kinds) > 60
    for at, kind in enumerate(kinds):
        assert why[f"bad-{at}.zip"].startswith(f"bad-{at}.zip is refused: "), kind.name
        assert kind.refusal in why[f"bad-{at}.zip"], kind.name
    page = (tmp_path / "class" / "index.html").read_text(encoding="utf-8")
    assert all(f"bad-{at}.zip is refused" in page for at in range(len(kinds)))
    assert {path.name for path in tmp_path.iterdir()} == {"in", "class"}, "nothing was unpacked beside them"


def test_what_a_class_says_together(one_class: Path) -> None:
    room = read_class(one_class)
    found = pooled(room)
    assert found.clip is not None
    assert found.people is None
    better = [pair.seeds[0].clip == pytest.approx(BETTER - 0.28) for _, pair in room.on_ballot().values()]
    assert found.clip.win.share == pytest.approx(sum(better) / len(better))
    # Many students with concepts of their own: intervals that allow for both, and are none where nothing varies.
    many = [replace_hand_in(room, number, clip=0.02 if number % 3 else -0.02) for number in range(12)]
    wide = pooled(room.model_copy(update={"hand_ins": tuple(many)})).clip
    assert wide is not None
    assert wide.win.interval is not None
    assert (wide.students, wide.concepts, wide.win.share) == (12, 12, pytest.approx(2 / 3))
    assert 0.3 < wide.win.interval.low < 2 / 3 < wide.win.interval.high < 1
    # What CLIP cannot judge counts for people alone.
    strange = [one.model_copy(update={"pairs": (one.pairs[0].model_copy(update={"unlearnt": True}),)}) for one in many]
    told = pooled(room.model_copy(update={"hand_ins": (*strange[:4], *many[4:])}))
    assert told.clip is not None
    assert (told.unjudged, told.clip.pairs, told.clip.win.share) == (4, 8, pytest.approx(3 / 4))
    none = pooled(room.model_copy(update={"hand_ins": tuple(strange)}))
    assert (none.clip, none.agreement, none.unjudged) == (None, None, 12)
    same = [replace_hand_in(room, number, clip=0.02) for number in range(12)]
    sure = pooled(room.model_copy(update={"hand_ins": tuple(same)})).clip
    assert sure is not None
    assert sure.win.interval is not None
    assert sure.win.share == 1
    assert 0.7 < sure.win.interval.low < 0.8, "twelve of twelve, and not certainty"


def replace_hand_in(room: Class, number: int, clip: float) -> Any:
    """One hand-in of one pair, of a student and a concept of its own."""
    hand_in = room.hand_ins[0]
    pair = hand_in.pairs[0]
    seed = pair.seeds[0].model_copy(update={"clip": clip, "simple": f"{number:016x}"})
    changed = pair.model_copy(update={"concept": f"concept {number}", "seeds": (seed,)})
    return hand_in.model_copy(update={"name": f"student {number}", "pairs": (changed,), "sha256": f"{number:064x}"})
