"""The gallery: whole runs or none, and an index that heals itself."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sample_run import PROMPTS, drawing, sample_record, write_sample

from compare.runs import Gallery, GalleryError, run_name, write_whole
from compare.runs.index import INDEX_FILE
from compare.runs.record import RecordError
from generate.files import read_mark
from generate.picture import ARMS

REPOSITORY = Path(__file__).parents[3]
CREATED = datetime(2026, 11, 23, 14, 25, 30, tzinfo=UTC)
PICTURES_OF_TWO = {f"{arm}-{seed}.png" for arm in ARMS for seed in (7, 8)}
WRITE_RUNS = """
import sys
from pathlib import Path
from compare.runs.gallery import Gallery
from ideation.errors import TwinseedError
from sample_run import write_sample

try:
    for seed in range(int(sys.argv[2])):
        write_sample(Gallery(Path(sys.argv[1])), seed=seed, size=(64, 64))
except TwinseedError as error:
    print(error.message)
    print(error.hint)
    sys.exit(1)
"""


def start_writer(root: Path, runs: int, *wrapper: str) -> subprocess.Popen[str]:
    """A process of its own that writes runs."""
    return subprocess.Popen(
        [*wrapper, sys.executable, "-c", WRITE_RUNS, str(root), str(runs)],
        env={**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'tests' / 'support'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def later(hours: float, simple: str = PROMPTS.simple) -> dict[str, Any]:
    """What of a record is another, that many hours later."""
    return {"created": CREATED + timedelta(hours=hours), "prompts": replace(PROMPTS, simple=simple)}


def test_a_run_is_a_folder(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "new" / "runs")
    run = write_sample(gallery, images=2)

    assert run.folder.name == run.name == "20261123-142530-a-dog-riding-a-bicycle-watercolor-style-7"
    assert {path.name for path in run.folder.iterdir()} == {
        "record.json",
        "report.html",
        *(f"{arm}-{seed}.png" for arm in ("simple", "expanded") for seed in (7, 8)),
    }
    again = gallery.open(run.name)
    assert again.record == run.record
    assert again.record.seeds == [7, 8]
    for arm in ARMS:
        for seed in (7, 8):
            assert again.image(arm, seed).tobytes() == drawing(arm, seed, (32, 32)).tobytes()
            mark = read_mark(run.folder / f"{arm}-{seed}.png")
            assert mark is not None
            assert (mark.arm, mark.seed) == (arm, seed)
    assert set(again.files()) == {path.name for path in run.folder.glob("*.png")}
    assert list(again.faults()) == []
    assert run.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert {path.name for path in gallery.root.iterdir()} - {f"{INDEX_FILE}-wal", f"{INDEX_FILE}-shm"} == {
        run.name,
        INDEX_FILE,
    }, "no partial folder is left"


@pytest.mark.parametrize(
    ("simple", "slug"),
    [
        ("a dog riding a bicycle", "-a-dog-riding-a-bicycle"),
        ("Joan Miró's  OWL!", "-joan-miro-s-owl"),
        ("一隻狗", ""),
        ("../../etc/passwd", "-etc-passwd"),
        ("an extraordinarily long prompt about a penguin", "-an-extraordinarily-long-prompt-about-a"),
        ("x" * 300, "-" + "x" * 40),
    ],
)
def test_names_of_runs(simple: str, slug: str) -> None:
    record, _ = sample_record(prompts=replace(PROMPTS, simple=simple))
    assert run_name(record) == f"20261123-142530{slug}-7"


def test_the_same_name_twice_and_a_file_in_the_way(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    first = write_sample(gallery)
    (tmp_path / f"{first.name}-2").write_text("in the way")
    third = write_sample(gallery)
    assert third.name == f"{first.name}-3"
    assert [row.name for row in gallery.runs()] == [third.name, first.name]


def test_newest_first_searched_and_limited(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    owl = write_sample(gallery, seed=1, **later(1, simple="an owl, 100% Miró")).name
    dog = write_sample(gallery, seed=2**62, **later(0)).name
    cat = write_sample(gallery, seed=3, images=2, **later(2, simple="a cat")).name

    def names(query: str = "", limit: int = 50) -> list[str]:
        return [row.name for row in gallery.runs(limit, query)]

    assert names() == [cat, owl, dog]
    assert names(limit=2) == [cat, owl]
    assert names("OWL MIRÓ") == [owl]
    assert names("100%") == [owl]
    assert names("_") == [], "an underscore is itself, not any character"
    assert names(str(2**62)) == [dog]
    assert names("owl cat") == []
    assert names("owl " * 5000) == [owl]
    assert names("'; DROP TABLE runs; --") == []
    row = gallery.runs(1)[0]
    assert (row.simple, row.seed, row.images) == ("a cat", "3", 2)
    assert (row.simple_file, row.expanded_file) == ("simple-3.png", "expanded-3.png")
    assert row.created == "2026-11-23T16:25:30Z"


def test_an_empty_gallery(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "nothing")
    assert gallery.runs() == []
    assert gallery.rebuild() == 0
    assert not gallery.root.exists(), "looking makes nothing"


def test_the_folders_are_the_truth(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "here")
    gone, kept = (write_sample(gallery, seed=seed) for seed in (1, 2))
    copied = write_sample(Gallery(tmp_path / "there"), seed=3)
    shutil.rmtree(gone.folder)
    shutil.copytree(copied.folder, gallery.root / "copied by hand")
    (gallery.root / ".partial-half").mkdir()
    shutil.copy(kept.folder / "record.json", gallery.root / ".partial-half")
    (gallery.root / "holiday").mkdir()
    broken = gallery.root / "broken"
    broken.mkdir()
    (broken / "record.json").write_text("{")

    listing = gallery.listing()
    assert {row.name for row in listing.rows} == {kept.name, "copied by hand"}
    assert [one.name for one in listing.left_out] == ["broken"]
    assert gallery.rebuild() == 2

    (broken / "record.json").write_bytes((kept.folder / "record.json").read_bytes())
    (kept.folder / "record.json").write_text("")
    listing = gallery.listing()
    assert {row.name for row in listing.rows} == {"broken", "copied by hand"}, "a record that was written again is read"
    assert [one.name for one in listing.left_out] == [kept.name]


def test_one_bad_folder_hides_no_run(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    good = write_sample(gallery)
    record = (good.folder / "record.json").read_bytes()
    for name in ("my run: cats", "a\\b", "c" * 230, "貓", "%2e", "a b'\"<&>"):
        shutil.copytree(good.folder, tmp_path / name)
        assert gallery.open(name).record.seeds == [7]
        assert gallery.open(name).files()
    shown = {row.name for row in gallery.runs()}

    def folder(name: str, content: bytes | None = None) -> Path:
        (tmp_path / name).mkdir()
        if content is not None:
            (tmp_path / name / "record.json").write_bytes(content)
        return tmp_path / name

    folder("holiday")
    folder("zero", b"")
    folder("utf-16", record.decode().encode("utf-16"))
    folder("newer", record.replace(b'"version": 2', b'"version": 3'))
    folder("deep", b"[" * 100_000)
    os.rename(folder("latin", record), os.fsencode(tmp_path) + b"/caf\xe9")
    (folder("is a folder") / "record.json").mkdir()
    os.mkfifo(folder("is a pipe") / "record.json")
    (folder("leads nowhere") / "record.json").symlink_to(tmp_path / "nowhere")
    (folder("lost its record") / "simple-7.png").write_bytes(b"")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link").symlink_to(good.folder)
    (tmp_path / "round").symlink_to(tmp_path / "round")
    listing = gallery.listing()
    assert {row.name for row in listing.rows} == shown
    assert len(shown) == 7
    reasons = {one.name: one.problem.message for one in listing.left_out}
    assert dict.fromkeys(reasons, True) == {
        name: said in reasons[name]
        for name, said in {
            "caf\ufffd": "is not written in UTF-8",
            "deep": "is not JSON",
            "gone": "is a link",
            "is a folder": "it is not a regular file",
            "is a pipe": "it is not a regular file",
            "leads nowhere": "there is no record",
            "link": "is a link",
            "lost its record": "there is no record",
            "newer": "its version is 3",
            "round": "is a link",
            "utf-16": "is not JSON",
            "zero": "is not JSON",
        }.items()
    }
    assert gallery.unfinished("0" * 64) is None
    assert gallery.rebuild() == 7


def test_a_folder_that_nobody_may_read(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    good = write_sample(gallery)
    (tmp_path / "locked").mkdir(mode=0)
    if os.access(tmp_path / "locked", os.R_OK):
        pytest.skip("this user may read everything")
    listing = gallery.listing()
    assert [row.name for row in listing.rows] == [good.name]
    assert ["cannot read" in one.problem.message for one in listing.left_out] == [True]


@pytest.mark.parametrize("damage", [b"this was never a database, " * 100, None])
def test_a_broken_index_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes | None) -> None:
    gallery = Gallery(tmp_path)
    names = {write_sample(gallery, seed=seed).name for seed in range(3)}
    index = tmp_path / INDEX_FILE
    if damage is None:  # a good head, and pages of rubbish after it
        content = index.read_bytes()
        damage = content[:4096] + b"\xa5" * (len(content) - 4096)
    index.write_bytes(damage)

    with caplog.at_level(logging.WARNING):
        assert {row.name for row in gallery.runs()} == names
    assert "is broken" in caplog.text
    assert [path.read_bytes() for path in tmp_path.glob(f".trash/{INDEX_FILE}.broken-*")] == [damage]
    names.add(write_sample(gallery, seed=9).name)
    assert {row.name for row in gallery.runs()} == names


def test_an_index_of_another_version_is_made_anew(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    name = write_sample(gallery).name
    (tmp_path / INDEX_FILE).unlink()
    old = sqlite3.connect(tmp_path / INDEX_FILE)
    old.execute("CREATE TABLE runs (something_else)")
    old.close()
    assert [row.name for row in gallery.runs()] == [name]


def test_without_a_usable_index_the_folders_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gallery = Gallery(tmp_path)
    (tmp_path / INDEX_FILE).mkdir()  # nothing can be opened under this name
    with caplog.at_level(logging.WARNING):
        run = write_sample(gallery)
    assert "not yet in the index" in caplog.text
    assert [row.name for row in gallery.runs(query="dog")] == [run.name]
    with pytest.raises(GalleryError, match="cannot rebuild"):
        gallery.rebuild()


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, runs=4) for _ in range(3)]
    for writer in writers:
        output, errors = writer.communicate(timeout=120)
        assert (writer.returncode, output, errors) == (0, "", "")
    with sqlite3.connect(tmp_path / INDEX_FILE) as index:
        indexed = {name for (name,) in index.execute("SELECT name FROM runs")}
    index.close()
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert indexed == folders
    assert len(folders) == 12, "equal names were told apart"


@pytest.mark.parametrize(
    "name", ["..", ".", "", "a/b", "a\\b", "/etc", "\0", "C:", ".partial-x", "no such run", "x" * 999]
)
def test_names_stay_inside(tmp_path: Path, name: str) -> None:
    gallery = Gallery(tmp_path)
    write_sample(gallery)
    (tmp_path / ".partial-x").mkdir()
    with pytest.raises(GalleryError, match="there is no run"):
        gallery.open(name)


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "runs")
    folder = write_sample(gallery).folder
    outside = tmp_path / "outside"
    shutil.copytree(folder, outside)
    (gallery.root / "link").symlink_to(outside)
    with pytest.raises(GalleryError, match="there is no run 'link'"):
        gallery.open("link")
    (folder / "simple-7.png").unlink()
    (folder / "simple-7.png").symlink_to(outside / "simple-7.png")
    with pytest.raises(RecordError, match=r"the picture .* is missing"):
        gallery.open(folder.name).files()


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    file.write_text("not a folder")
    for root in (file, file / "inside"):
        gallery = Gallery(root)
        for attempt in (gallery.require_writable, lambda gallery=gallery: write_sample(gallery)):
            with pytest.raises(GalleryError, match="is a file, or lies inside one") as caught:
                attempt()
            assert "--runs" in caught.value.hint
    assert Gallery(file / "inside").runs() == []
    with pytest.raises(GalleryError, match=r"cannot read the runs folder .*runs: Not a directory"):
        Gallery(file).runs()


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that refuses even root")
def test_a_root_that_cannot_be_written() -> None:
    with pytest.raises(GalleryError, match="cannot write to the runs folder") as caught:
        Gallery(Path("/sys/kernel/twinseed")).require_writable()
    assert "TWINSEED_RUNS" in caught.value.hint


def test_writable_leaves_nothing_behind(tmp_path: Path) -> None:
    Gallery(tmp_path / "runs").require_writable()
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("full", ["simple-8.png", "record.json", "report.html"])
def test_a_full_disk_keeps_the_pictures_that_were_saved(
    full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_until_full(path: Path, content: bytes) -> None:
        if path.name == full:
            Path("/dev/full").write_bytes(content)
        write_whole(path, content)

    monkeypatch.setattr("compare.runs.writer.write_whole", write_until_full)
    with pytest.raises(GalleryError, match=r"no room left.*No space left on device") as caught:
        write_sample(Gallery(tmp_path), images=2)
    saved = sorted(tmp_path.glob("*/*.png"))
    first = ["expanded-7.png", "simple-7.png"]
    assert [path.name for path in saved] == (first if full == "simple-8.png" else sorted([*PICTURES_OF_TWO]))
    assert all(str(path) in caught.value.hint for path in saved)
    there = Gallery(tmp_path).runs()
    assert len(there) == (full == "report.html"), "a run is one as soon as it has its record"


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs a system that limits the size of files")
@pytest.mark.parametrize(("bytes_per_file", "kept", "runs"), [(60, 0, 0), (3000, 2, 0), (9000, 2, 1)])
def test_files_that_grow_too_large(tmp_path: Path, bytes_per_file: int, kept: int, runs: int) -> None:
    """Pictures of 64 x 64 fit into 3,000 bytes, their record into 9,000, the report does not; nothing fits into 60."""
    writer = start_writer(tmp_path, 1, "prlimit", f"--fsize={bytes_per_file}")
    output, errors = writer.communicate(timeout=60)
    assert writer.returncode == 1
    assert ("not yet in the index" in errors) == bool(runs), "which is larger still"
    assert output.startswith("no room left for the runs")
    assert len(list(tmp_path.glob("*/*.png"))) == kept
    assert ("these pictures were saved" in output) == bool(kept)
    assert len(list(tmp_path.glob("2026*"))) == len(Gallery(tmp_path).runs()) == runs
    assert not list(tmp_path.glob("*/.partial-*"))


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    mount = f'mount -t tmpfs -o size=200k,mode=755 tmpfs "{tmp_path}"'
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a small disk of their own")
    writer = start_writer(tmp_path, 100, unshare, "-rm", "sh", "-c", f'{mount} && exec "$@"', "sh")
    output, errors = writer.communicate(timeout=120)
    assert writer.returncode == 1, errors
    assert output.startswith("no room left for the runs")


def test_pictures_of_somebody_who_was_killed_while_writing_them_make_room(tmp_path: Path) -> None:
    """They were in a folder without a record, under a name that no run has; the same request has them again. Those of
    another request go to the trash: they are whole."""
    gallery = Gallery(tmp_path)
    record, files = sample_record()
    digest = record.request.digest
    left, others = (tmp_path / f".partial-{one[:16]}-abc" for one in (digest, "0" * 64))
    for folder in (left, others):
        folder.mkdir()
        (folder / "simple-7.png").write_bytes(files["simple-7.png"])
    with gallery.begin(digest) as writer:
        assert writer.run is None
        assert left.is_dir(), "until there is something better"
        run = writer.add(record, files)
    assert not left.exists()
    assert not others.exists()
    put_away = tmp_path / ".trash" / f"unfinished-{'0' * 16}-abc" / "simple-7.png"
    assert put_away.read_bytes() == files["simple-7.png"]
    assert [row.name for row in gallery.runs()] == [run.name]


def test_whoever_comes_second_begins_a_run_of_their_own(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    record, files = sample_record(complete=False)
    first = gallery.write(record, files, "")
    with gallery.begin(record.request.digest) as one, gallery.begin(record.request.digest) as other:
        assert one.run == first
        assert other.run is None
        assert other.add(record, files).folder != first.folder
    with gallery.begin(record.request.digest) as one:
        assert one.run is not None, "and whoever comes when both are gone goes on"
    assert gallery.unfinished("0" * 64) is None
    assert not list(tmp_path.glob(".lock-*"))


def test_a_run_whose_report_there_was_no_room_or_time_for_is_unfinished(tmp_path: Path) -> None:
    run = write_sample(Gallery(tmp_path))
    digest = run.record.request.digest
    assert Gallery(tmp_path).unfinished(digest) is None
    run.report.unlink()
    assert Gallery(tmp_path).unfinished(digest) == run
