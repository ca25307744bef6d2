"""Hostile runs: records, indexes and pictures of them."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.hardening.hostile.case import Hostile, Knock
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from generate.files import encode_png


def runs(real: Path) -> Iterator[Hostile]:
    """`real` is a run that the program wrote."""

    def with_record(change: Callable[[str], str]) -> Callable[[Path], Knock]:
        def build(folder: Path) -> Knock:
            shutil.copytree(real, folder / "evil")
            record = folder / "evil" / "record.json"
            record.write_text(change(record.read_text()))
            return lambda: list(Gallery(folder).open("evil").faults()) == []

        return build

    def edited(edit: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
        def change(text: str) -> str:
            content = json.loads(text)
            edit(content)
            return json.dumps(content)

        return change

    changes: dict[str, Callable[[str], str]] = {
        "NaN": edited(lambda at: at["settings"].update(guidance_scale=float("nan"))),
        "a number of 5,000 digits": lambda text: text.replace(
            '"num_inference_steps": ', '"num_inference_steps": ' + "9" * 5_000
        ),
        "steps of 10^18": edited(lambda at: at["settings"].update(num_inference_steps=10**18)),
        "100,000 brackets": lambda text: "[" * 100_000 + "]" * 100_000,
        "a deep value": lambda text: text[:-2] + ',"x":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
        "a picture out of the folder": edited(lambda at: at["renders"][0].update(file="../../../../etc/passwd")),
        "a picture by its whole path": edited(lambda at: at["renders"][0].update(file="/etc/passwd")),
        "a picture called CON or with a colon": edited(lambda at: at["renders"][0].update(file="c:evil.png")),
        "an extra key": edited(lambda at: at.update(evil=1)),
        "a version to come": edited(lambda at: at.update(version=99)),
        "lone surrogates": lambda text: text.replace('"created": "', '"created": "\\ud800', 1),
        "no JSON at all": lambda text: text[: len(text) // 2],
        "a list": lambda text: "[]",
        "a number too large for any": lambda text: text.replace('"guidance_scale": ', '"guidance_scale": 1e999'),
        "a guidance of 10^300": edited(lambda at: at["settings"].update(guidance_scale=1e300)),
        "a size of 10^9": edited(lambda at: at["settings"].update(width=10**9, height=10**9)),
        "a seed that is a number": edited(lambda at: at["renders"][0].update(seed=7)),
        "a seed of 2^63": edited(lambda at: at["renders"][0].update(seed=str(2**63))),
        "a version twice": lambda text: text.replace("{", '{"version": 99, ', 1).replace(
            '"version": 2', '"version": 98'
        ),
        "100 MB of spaces": lambda text: " " * 100_000_000 + text,
        "15 MB of lists": lambda text: text[:-2] + ',"x":[' + "[]," * 5_000_000 + "[]]}",
        "100,000 pictures": edited(lambda at: at.update(renders=at["renders"] * 50_000)),
        "a concept of 20 MB": edited(lambda at: at["concept"].update(text="x" * 20_000_000)),
        "a concept that is code": edited(lambda at: at.update(concept={"__reduce__": ["os.mkdir", ["RAN"]]})),
        "a picture with U+0000": edited(lambda at: at["renders"][0].update(file="a\0.png")),
        "a picture of no name": edited(lambda at: at["renders"][0].update(file="")),
        "a hidden picture": edited(lambda at: at["renders"][0].update(file=".evil.png")),
        "a hash of another form": edited(lambda at: at["renders"][0].update(sha256="../../evil")),
    }
    for name, change in changes.items():
        yield Hostile("records", name, with_record(change), "record.json")

    def index(content: bytes | str) -> Callable[[Path], Knock]:
        def build(folder: Path) -> Knock:
            shutil.copytree(real, folder / "honest")
            Gallery(folder).runs()
            file = folder / "twinseed.db"
            if isinstance(content, bytes):
                file.write_bytes(content)
            else:
                with sqlite3.connect(file) as connection:
                    connection.executescript(content)
            return lambda: [row.name for row in Gallery(folder).runs()] == ["honest"]

        return build

    for name, content in {
        "rubbish": b"rubbish" * 1000,
        "a header and zeros": b"SQLite format 3\0" + bytes(5000),
        "nothing": b"",
        "a trigger": "CREATE TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM runs; END;",
        "rows of runs outside": "INSERT INTO runs SELECT '../../evil', " + ", ".join(["'x'"] * 14) + ";",
        "a row of a run that is not there": "INSERT INTO runs SELECT 'gone', " + ", ".join(["'x'"] * 14) + ";",
        "a version to come": "PRAGMA user_version = 999999;",
        "no table": "DROP TABLE runs;",
        "a view in the place of the table": "ALTER TABLE runs RENAME TO old; CREATE VIEW runs AS SELECT * FROM old;",
    }.items():
        yield Hostile("an index that lies is made anew", name, index(content), "")

    for name, make in {
        "a pipe": lambda file: os.mkfifo(file),
        "a folder": lambda file: file.mkdir(),
        "a link out": lambda file: file.symlink_to("/etc/passwd"),
        "a link to /dev/zero": lambda file: file.symlink_to("/dev/zero"),
    }.items():

        def replaced(folder: Path, make: Callable[[Path], Any] = make) -> Knock:
            shutil.copytree(real, folder / "honest")
            make(folder / "twinseed.db")
            return lambda: [row.name for row in Gallery(folder).runs()] == ["honest"]

        yield Hostile("something else in the place of an index", name, replaced, "")

    def swapped(folder: Path) -> Knock:
        shutil.copytree(real, folder / "evil")
        picture = next((folder / "evil").glob("simple-*.png"))
        picture.write_bytes(encode_png(Image.new("RGB", (64, 64)), {}))
        return lambda: picture.name in " ".join(map(str, Run.open(folder / "evil").faults()))

    def linked(folder: Path) -> Knock:
        shutil.copytree(real, folder / "evil")
        picture = next((folder / "evil").glob("simple-*.png"))
        picture.unlink()
        picture.symlink_to("/etc/passwd")
        return lambda: picture.name in " ".join(map(str, Run.open(folder / "evil").faults()))

    def measured(folder: Path) -> Knock:
        with_record(edited(lambda at: at["renders"][0].update(width=10**12)))(folder)
        return lambda: "the record's size" in " ".join(map(str, Run.open(folder / "evil").faults()))

    yield Hostile("pictures of a run are checked", "a width of 10^12", measured, "")
    yield Hostile("pictures of a run are checked", "another picture in its place", swapped, "")
    yield Hostile("pictures of a run are checked", "a link in its place", linked, "")
