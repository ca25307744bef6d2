"""Hostile files: each is built, handed to the door that reads its kind, and must be refused by name.

None may run code, take over 512 MB or 10 s, or end in an error that is not ours; some are harmless where they are read
as plain text, and then must come back as such.

    python benchmarks/hardening/files.py [--write docs/security.md]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded
sys.path.insert(0, str(Path(__file__).parents[2]))

import io
import json
import pickle
import shutil
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from safetensors.torch import save_file

from benchmarks.hardening.child import Outcome, in_child
from benchmarks.hardening.table import Table, arguments
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from generate.choices.presets import find_preset
from generate.choices.styles import find_style
from generate.files import encode_png, read_picture
from generate.models import open_model
from generate.seedling import SEEDLING_FOLDER
from ideation import InstructionTemplate, read_wildcards, read_words, typed_concept

LIMIT_S, LIMIT_MB = 10.0, 512.0


class Touch:
    """Unpickled by a careless program, it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


@dataclass(frozen=True)
class Hostile:
    """`build` writes it under the folder that it is given and returns the door to knock at. `named` must stand in the
    refusal; "" where the text is harmless and `build`'s door returns True."""

    kind: str
    name: str
    build: Callable[[Path], Callable[[], Any]]
    named: str


def pickles() -> Iterator[Hostile]:
    def in_torch(folder: Path) -> dict[str, bytes]:
        buffer = io.BytesIO()
        torch.save({"state_dict": {"a": torch.zeros(1), "b": Touch(folder / "RAN")}}, buffer)
        old = io.BytesIO()
        torch.save({"b": Touch(folder / "RAN")}, old, _use_new_zipfile_serialization=False)
        bare = pickle.dumps({"b": Touch(folder / "RAN")})
        return {"zip": buffer.getvalue(), "legacy": old.getvalue(), "bare": bare}

    for disguise in ("zip", "legacy", "bare"):
        for ending in (".ckpt", ".pt", ".bin", ".safetensors"):

            def model(folder: Path, disguise: str = disguise, ending: str = ending) -> Callable[[], Any]:
                (folder / f"evil{ending}").write_bytes(in_torch(folder)[disguise])
                return lambda: open_model(str(folder / f"evil{ending}"), device="cpu", allow_pickle=True)

            yield Hostile("pickles", f"a {disguise} pickle called {ending}", model, f"evil{ending}")

    def lora(folder: Path) -> Callable[[], Any]:
        (folder / "loras").mkdir()
        (folder / "loras" / "evil.safetensors").write_bytes(in_torch(folder)["zip"])
        return lambda: open_model("seedling", device="cpu").load([("evil", 1, 1)])

    def embedding(folder: Path) -> Callable[[], Any]:
        (folder / "embeddings").mkdir()
        (folder / "embeddings" / "evil.pt").write_bytes(in_torch(folder)["zip"])
        return lambda: open_model("seedling", device="cpu").load(embeddings=["evil"], allow_pickle=True)

    def bomb(folder: Path) -> Callable[[], Any]:
        with zipfile.ZipFile(folder / "evil.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"a": 1}))
            archive.writestr("archive/data/0", bytes(700_000_000))
        return lambda: open_model(str(folder / "evil.ckpt"), device="cpu", allow_pickle=True)

    yield Hostile("pickles", "a pickle as a LoRA", lora, "evil")
    yield Hostile("pickles", "a pickle as an embedding", embedding, "evil")
    yield Hostile("pickles", "a zip that unpacks to 700 MB", bomb, "evil.ckpt")


def safetensors() -> Iterator[Hostile]:
    def one(shape: Any, offsets: Any, dtype: str = "F32", name: str = "a") -> str:
        return json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}})

    def header(text: str | bytes, length: int | None = None, rest: bytes = b"") -> bytes:
        content = text.encode() if isinstance(text, str) else text
        return struct.pack("<Q", len(content) if length is None else length) + content + rest

    overlapping = json.dumps(
        {name: {"dtype": "F32", "shape": [2], "data_offsets": at} for name, at in (("a", [0, 8]), ("b", [4, 12]))}
    )
    gap = json.dumps(
        {name: {"dtype": "F32", "shape": [1], "data_offsets": at} for name, at in (("a", [0, 4]), ("b", [8, 12]))}
    )
    many = json.dumps({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(200_000)})
    contents = {
        "a header of 2^63 bytes": header("{}", 2**63),
        "a header of 99 MB of spaces": header(b"{" + b" " * 99_000_000 + b"}"),
        "a header of 2^64 - 1 bytes": header("{}", 2**64 - 1),
        "no header": b"",
        "offsets that overlap": header(overlapping, rest=bytes(12)),
        "offsets with a gap": header(gap, rest=bytes(12)),
        "negative offsets": header(one([2], [-8, 0]), rest=bytes(8)),
        "offsets behind the end": header(one([2], [2**40, 2**40 + 8]), rest=bytes(8)),
        "a shape of 2^80 numbers": header(one([2**40, 2**40], [0, 8]), rest=bytes(8)),
        "a shape of a million dimensions": header(one([1] * 1_000_000, [0, 4]), rest=bytes(4)),
        "duplicate names": header('{"a":%s,"a":%s}' % ((one([1], [0, 4])[6:-1],) * 2), rest=bytes(4)),
        "JSON 100,000 deep": header("[" * 100_000 + "]" * 100_000),
        "JSON 100,000 objects deep": header('{"a":' * 100_000 + "1" + "}" * 100_000),
        "200,000 tensors": header(many),
        "an unknown kind of number": header(one([2], [0, 8], "X9"), rest=bytes(8)),
        "a number of 10,000 digits": header(one([2], [0, 8]).replace("8", "8" * 10_000), rest=bytes(8)),
        "names out of the terminal's control codes": header(one([1], [0, 4], name="\x1b]0;owned\x07"), rest=bytes(4)),
    }
    for name, content in contents.items():

        def build(folder: Path, content: bytes = content) -> Callable[[], Any]:
            (folder / "evil.safetensors").write_bytes(content)
            return lambda: open_model(str(folder / "evil.safetensors"), device="cpu")

        yield Hostile("safetensors", name, build, "evil.safetensors")


def model_folders() -> Iterator[Hostile]:
    def changed(file: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], Callable[[], Any]]:
        def build(folder: Path) -> Callable[[], Any]:
            model = folder / "evil"
            shutil.copytree(SEEDLING_FOLDER, model)
            (model / "evil.py").write_text(f"import os; os.mkdir({str(folder / 'RAN')!r})\n")
            content = json.loads((model / file).read_text())
            change(content)
            (model / file).write_text(json.dumps(content))
            return lambda: open_model(str(model), device="cpu")

        return build

    index = "model_index.json"
    for name, entry in {
        "a part from another library": ["antigravity", "DDIMScheduler"],
        "a part from a file beside it": ["evil", "Evil"],
        "a part from the standard library": ["subprocess", "Popen"],
        "a part that is no class of a scheduler": ["diffusers", "logging"],
        "a part that is a number": 7,
    }.items():
        yield Hostile("model folders", name, changed(index, lambda at, entry=entry: at.update(scheduler=entry)), "evil")
    yield Hostile(
        "model folders",
        "a pipeline of its own",
        changed(index, lambda at: at.update(_class_name=["evil", "Evil"])),
        "evil",
    )
    yield Hostile(
        "model folders", "an unknown pipeline", changed(index, lambda at: at.update(_class_name="EvilPipeline")), "evil"
    )
    for part in ("text_encoder", "unet", "vae"):
        yield Hostile(
            "model folders",
            f"auto_map in {part}",
            changed(
                f"{part}/config.json", lambda at: at.update(auto_map={"AutoModel": "evil.Evil"}, _class_name="Evil")
            ),
            "evil",
        )
    yield Hostile(
        "model folders",
        "a U-Net of 10^12 channels",
        changed("unet/config.json", lambda at: at.update(block_out_channels=[10**12] * 3)),
        "evil",
    )

    def inside(folder: Path) -> Callable[[], Any]:
        (folder / "loras").mkdir()
        save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, folder.parent / "outside.safetensors")
        (folder / "loras" / "evil.safetensors").symlink_to(folder.parent / "outside.safetensors")
        return lambda: open_model("seedling", device="cpu").load([("evil", 1, 1)])

    def circle(folder: Path) -> Callable[[], Any]:
        (folder / "evil").symlink_to(folder / "evil2")
        (folder / "evil2").symlink_to(folder / "evil")
        return lambda: open_model("evil", device="cpu")

    def device(folder: Path) -> Callable[[], Any]:
        (folder / "evil.safetensors").symlink_to("/dev/zero")
        return lambda: open_model("evil", device="cpu")

    def fifo(folder: Path) -> Callable[[], Any]:
        os.mkfifo(folder / "evil.safetensors")
        return lambda: open_model(str(folder / "evil.safetensors"), device="cpu")

    yield Hostile("links and devices", "a LoRA that is a link out", inside, "evil")
    yield Hostile("links and devices", "links in a circle", circle, "evil")
    yield Hostile("links and devices", "a link to /dev/zero", device, "evil")
    yield Hostile("links and devices", "a pipe without a writer", fifo, "evil")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


def yaml_files() -> Iterator[Hostile]:
    texts = {
        "an alias bomb": BOMB,
        "a tag that runs a program": '- !!python/object/apply:os.mkdir ["RAN"]\n',
        "a tag of a module": "- !!python/module:os\n",
        "100,000 brackets": "[" * 100_000,
        "a key of a megabyte": f"? {'k' * 1_000_000}\n: x\n",
        "an anchor that holds itself": "&a [*a]\n",
        "a number of 5,000 digits": f"- name: {'9' * 5_000}\n",
    }
    doors: dict[str, Callable[[Path], Any]] = {
        "style": lambda folder: find_style("evil"),
        "preset": lambda folder: find_preset("evil"),
        "wildcards": lambda folder: [
            read_wildcards(folder / "words").entries(name) for name in read_wildcards(folder / "words").names
        ],
    }
    for door, knock in doors.items():
        for name, text in texts.items():

            def build(folder: Path, text: str = text, knock: Callable[[Path], Any] = knock) -> Callable[[], Any]:
                for place in ("styles", "presets", "words"):
                    (folder / place).mkdir()
                    (folder / place / "evil.yaml").write_text(text)
                return lambda: (os.chdir(folder), knock(folder))[1]

            yield Hostile(f"YAML of {door}", name, build, "evil")


def templates() -> Iterator[Hostile]:
    texts = {
        "reaching for classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "reaching through cycler": "{{ cycler.__init__.__globals__.os.mkdir('RAN') }}",
        "a file from outside": "{% include '../../etc/passwd' %}",
        "a file by its whole path": "{% include '/etc/passwd' %}",
        "a range of 10^9": "{% for n in range(1000000000) %}x{% endfor %}",
        "loops in loops": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "a text times 10^10": "{{ 'x' * 10000000000 }}",
        "a number to the power": "{{ 9 ** 999999999 }}",
        "silent loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "a width of 10^10": "{{ '%10000000000d' % 1 }}",
        "padding of 10^10": "{{ 'x'.ljust(10000000000) }}",
        "the filter center": "{{ 'x' | center(10000000000) }}",
    }
    for name, text in texts.items():

        def build(_: Path, text: str = text) -> Callable[[], Any]:
            return lambda: InstructionTemplate("evil.j2", text).render(concept="a dog", marker="m")

        yield Hostile("Jinja templates", name, build, "evil.j2")
    for text in ("{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "${7*7}", "<script>alert(1)</script>"):

        def concept(_: Path, text: str = text) -> Callable[[], Any]:
            return lambda: text in typed_concept(f"a dog {text}").text

        yield Hostile("Jinja in a concept is text", text, concept, "")


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(min(height, 64) * (1 + 3 * min(width, 64))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pictures() -> Iterator[Hostile]:
    squeezed = zlib.compress(b"a" * 600_000_000, 9)
    infotext = b"parameters\0" + b"Steps: 9, Sampler: Euler, Size: 99999999999x99999999999, Seed: " + b"9" * 5_000
    deep = b"prompt\0" + b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    cycle = (
        b"prompt\0"
        + json.dumps(
            {
                "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": ["2", 0], "seed": 1}},
                "2": {
                    "class_type": "ConditioningCombine",
                    "inputs": {"conditioning_1": ["2", 0], "conditioning_2": ["2", 0]},
                },
            }
        ).encode()
    )
    contents = {
        "a text of 600 MB, squeezed": png(8, 8, chunk(b"zTXt", b"parameters\0\0" + squeezed)),
        "an international text of 600 MB": png(8, 8, chunk(b"iTXt", b"parameters\0\1\0\0\0" + squeezed)),
        "a chunk of 4 GB": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**32 - 1) + b"tEXtparameters\0x",
        "100,000 texts": png(8, 8, *[chunk(b"tEXt", b"x%d\0y" % n) for n in range(100_000)]),
        "a wrong checksum": png(8, 8)[:-4] + b"abcd",
        "a number of 5,000 digits": png(8, 8, chunk(b"tEXt", infotext)),
        "JSON 100,000 deep": png(8, 8, chunk(b"tEXt", deep)),
        "a graph that runs in a circle": png(8, 8, chunk(b"tEXt", cycle)),
        "an SVG called PNG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "a web page called PNG": b"<html><script>alert(1)</script></html>",
        "a zip behind a PNG": png(8, 8) + b"PK\x03\x04" + bytes(100),
        "a header and nothing more": b"\x89PNG\r\n\x1a\n",
        "a GIF called PNG": b"GIF89a" + bytes(20),
        "a PDF called PNG": b"%PDF-1.7\n" + bytes(20),
        "nothing": b"",
    }
    for name, content in contents.items():

        def build(folder: Path, content: bytes = content) -> Callable[[], Any]:
            (folder / "evil.png").write_bytes(content)
            return lambda: read_picture(folder / "evil.png")

        yield Hostile("pictures", name, build, "evil.png")


def runs(real: Path) -> Iterator[Hostile]:
    """`real` is a run that the program wrote."""

    def with_record(change: Callable[[str], str]) -> Callable[[Path], Callable[[], Any]]:
        def build(folder: Path) -> Callable[[], Any]:
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
    }
    for name, change in changes.items():
        yield Hostile("records", name, with_record(change), "record.json")

    def index(content: bytes | str) -> Callable[[Path], Callable[[], Any]]:
        def build(folder: Path) -> Callable[[], Any]:
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
        "a view in the place of the table": "ALTER TABLE runs RENAME TO old; CREATE VIEW runs AS SELECT * FROM old;",
    }.items():
        yield Hostile("an index that lies is made anew", name, index(content), "")

    def swapped(folder: Path) -> Callable[[], Any]:
        shutil.copytree(real, folder / "evil")
        picture = next((folder / "evil").glob("simple-*.png"))
        picture.write_bytes(encode_png(Image.new("RGB", (64, 64)), {}))
        return lambda: picture.name in " ".join(Run.open(folder / "evil").faults())

    def linked(folder: Path) -> Callable[[], Any]:
        shutil.copytree(real, folder / "evil")
        picture = next((folder / "evil").glob("simple-*.png"))
        picture.unlink()
        picture.symlink_to("/etc/passwd")
        return lambda: picture.name in " ".join(Run.open(folder / "evil").faults())

    yield Hostile("pictures of a run are checked", "another picture in its place", swapped, "")
    yield Hostile("pictures of a run are checked", "a link in its place", linked, "")


def words() -> Iterator[Hostile]:
    contents: dict[str, bytes] = {
        "UTF-8 cut in a character": "老奶".encode()[:-1],
        "a line of 10 MB": b"a" * 10_000_000,
        "a million lines": b"a\n" * 1_000_000 + b"b\n",
        "control codes": b"dog\x1b]0;owned\x07\n",
        "zeros": bytes(10_000),
        "nothing": b"",
    }
    for name, content in contents.items():

        def build(folder: Path, content: bytes = content) -> Callable[[], Any]:
            (folder / "words").mkdir()
            for file in ("topics.txt", "actions.txt", "styles.txt"):
                (folder / "words" / file).write_bytes(content)
            return lambda: read_words(folder / "words")

        yield Hostile("word lists", name, build, "topics.txt")


def real_run(folder: Path) -> Path:
    """A small run of the embedded model."""
    from compare import PairOptions, PairRequest, Session

    options = PairOptions(simple="a dog", expanded="a dog, at night", size="64x64", seed="7", steps=2, clip="none")
    request, _ = PairRequest.from_options(options)
    return Session(Gallery(folder), environ={}).run(request).folder


def verdict(hostile: Hostile, outcome: Outcome, folder: Path) -> str:
    """What was lost, or ""."""
    if any(folder.rglob("RAN")):
        return "it ran code"
    if outcome.crashed:
        return outcome.crashed.strip().splitlines()[-1]
    if outcome.seconds > LIMIT_S or outcome.megabytes > LIMIT_MB:
        return f"it took {outcome.seconds:.1f} s and {outcome.megabytes:.0f} MB"
    if not hostile.named:
        return "" if outcome.value is True else f"refused or changed: {outcome.refused or outcome.value!r}"
    if not outcome.refused:
        return "it was taken for good"
    return "" if hostile.named in outcome.refused else f"refused without its name: {outcome.refused[:200]}"


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", metavar="WORD", help="the ones whose kind or name has it")
    options = parser.parse_args()
    table = Table("files", ("seconds", "MB"))
    with tempfile.TemporaryDirectory() as there:
        # In a child: a torch that has computed cannot be forked.
        made = in_child(lambda: real_run(Path(there, "real")), limit_s=120)
        assert isinstance(made.value, Path), made
        everything = [
            *pickles(),
            *safetensors(),
            *model_folders(),
            *yaml_files(),
            *templates(),
            *pictures(),
            *runs(made.value),
            *words(),
        ]
        for number, hostile in enumerate(everything):
            if options.only and options.only not in f"{hostile.kind}: {hostile.name}":
                continue
            folder = Path(there, f"{number}", "models")
            folder.mkdir(parents=True)
            for variable, place in (("MODELS", "."), ("STYLES", "styles"), ("PRESETS", "presets")):
                os.environ[f"TWINSEED_{variable}"] = str(folder / place)
            knock = hostile.build(folder)
            outcome = in_child(knock, limit_s=3 * LIMIT_S)
            lost = verdict(hostile, outcome, folder)
            table.add(
                hostile.kind, f"{hostile.name}: {lost}" if lost else "", seconds=outcome.seconds, MB=outcome.megabytes
            )
            shutil.rmtree(folder.parent, ignore_errors=True)
    return table.finish("python benchmarks/hardening/files.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
