"""Picture files: written whole or not at all, read back equal, read from other programs, hostile ones refused."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from picture_bytes import IMAGE, with_texts
from PIL import Image
from sample_run import EXPANDED, PROMPTS, SIMPLE, sample_run
from sd_parsers import ParserManager

from compare.runs.gallery import Gallery
from compare.runs.record import RecordError
from generate.files.infotext import PictureError
from generate.files.parameters import LoraUse, PictureParameters, render_settings_of
from generate.files.png import (
    PARTIAL,
    TwinseedMark,
    pair_of,
    parse_picture,
    pixels_sha256,
    read_mark,
    read_picture,
    texts_of_pairs,
    write_picture,
    write_png,
)
from generate.files.sampler_names import sampler_and_schedule, scheduler_named
from generate.schedulers.table import SCHEDULERS

REPOSITORY = Path(__file__).parent.parent
PARAMETERS = PictureParameters(
    prompt="a dog riding a bicycle, watercolor style",
    negative_prompt="blurry, text",
    seed=2**60 + 1,
    num_inference_steps=20,
    guidance_scale=5.5,
    scheduler="DPM++ 2M Karras",
    width=64,
    height=48,
    model="seedling",
    model_hash="abababab12",
)
MARK = TwinseedMark(
    pair="1" * 64,
    arm="simple",
    seed=str(2**60 + 1),
    partner_pixels_sha256="2" * 64,
    settings_digest="3" * 64,
    model_digest="4" * 64,
)
HARD_PROMPTS = [
    'commas, colons: and "quotes"',
    "two\nlines",
    "  spaces  \n",
    "🐶 一隻狗，水彩",
    "café",
    "Negative prompt: inside",
    "a\nNegative prompt: inside",
    "Steps: 5, Sampler: Euler, Seed: 1, Size: 1x1",
    "a\nSteps: 5",
    "<lora:add_detail:0.7> a dog",
    "",
]


# ---- written and read back


@pytest.mark.parametrize("negative", HARD_PROMPTS)
@pytest.mark.parametrize("prompt", HARD_PROMPTS)
def test_what_is_written_is_read_back(tmp_path: Path, prompt: str, negative: str) -> None:
    parameters = replace(PARAMETERS, prompt=prompt, negative_prompt=negative)
    write_picture(tmp_path / "a.png", IMAGE, parameters, MARK)
    assert read_picture(tmp_path / "a.png") == parameters
    assert read_mark(tmp_path / "a.png") == MARK
    with Image.open(tmp_path / "a.png") as stored:
        assert stored.tobytes() == IMAGE.tobytes()


def test_random_parameters_come_back(tmp_path: Path) -> None:
    rng = random.Random(5)
    letters = [*'ab, :"\\\n\t<>{}()[]|éñ狗🐶', "Negative prompt: ", "Steps: 3, ", "Prompt: ", "lora"]

    def text() -> str:
        return "".join(rng.choices(letters, k=rng.randrange(30)))

    for _ in range(300):
        parameters = PictureParameters(
            prompt=text(),
            negative_prompt=text(),
            seed=rng.randrange(2**63),
            num_inference_steps=rng.randrange(1, 1001),
            guidance_scale=rng.choice([0.0, 7.0, 1e-7, rng.uniform(0, 100)]),
            scheduler=rng.choice(list(SCHEDULERS)),
            width=8 * rng.randrange(1, 513),
            height=8 * rng.randrange(1, 513),
            model=text() or None,
            model_hash=f"{rng.randrange(2**40):010x}",
            loras=tuple(
                LoraUse(f"lora {number}-狗", rng.choice([0.7, 1.0, -0.25]), rng.choice([None, "ab12"]))
                for number in range(rng.randrange(3))
            ),
        )
        write_picture(tmp_path / "a.png", IMAGE, parameters, MARK)
        assert read_picture(tmp_path / "a.png") == parameters


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_comes_back(scheduler: str) -> None:
    assert scheduler_named(*sampler_and_schedule(scheduler)) == scheduler


@pytest.mark.parametrize("prompt", [prompt for prompt in HARD_PROMPTS if prompt and "Negative prompt:" not in prompt])
def test_another_program_reads_the_same(tmp_path: Path, prompt: str) -> None:
    write_picture(tmp_path / "a.png", IMAGE, replace(PARAMETERS, prompt=prompt), MARK)
    found = ParserManager().parse(tmp_path / "a.png")
    assert found is not None
    (sampler,) = found.samplers
    assert [each.value for each in sampler.prompts] == [prompt.strip()]
    assert [each.value for each in sampler.negative_prompts] == ["blurry, text"]
    assert sampler.name == "DPM++ 2M"
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("seedling", "abababab12")
    assert sampler.parameters == {
        "scheduler": "Karras",
        "seed": str(2**60 + 1),
        "steps": "20",
        "cfg_scale": "5.5",
    }
    assert found.metadata["Size"] == "64x48"
    assert found.metadata["RNG"] == "CPU"


def test_the_texts_of_a_picture(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", IMAGE, PARAMETERS, MARK)
    with Image.open(tmp_path / "a.png") as stored:
        texts = stored.text  # type: ignore[attr-defined]
    assert list(texts) == ["parameters", "twinseed", "XML:com.adobe.xmp"]
    assert (
        texts["parameters"]
        .splitlines()[-1]
        .startswith(
            "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 1152921504606846977, "
            "Size: 64x48, Model hash: abababab12, Model: seedling, RNG: CPU, Version: Twinseed"
        )
    )
    assert json.loads(texts["twinseed"])["seed"] == "1152921504606846977"
    assert (
        'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"'
        in texts["XML:com.adobe.xmp"]
    )
    content = (tmp_path / "a.png").read_bytes()
    assert b"tEXtparameters" in content
    assert b"iTXtXML:com.adobe.xmp\0\0\0" in content
    write_picture(tmp_path / "b.png", IMAGE, replace(PARAMETERS, prompt="狗"), MARK)
    assert b"iTXtparameters" in (tmp_path / "b.png").read_bytes()


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, IMAGE.copy(), PARAMETERS, MARK)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_twins_name_each_other() -> None:
    run = sample_run(images=2)
    texts = texts_of_pairs(run.prompts, run.settings, run.renders, "ab" * 32)
    images = {(render.arm, render.seed): render.image for render in run.renders}
    assert set(texts) == set(images)
    pairs = set()
    for (arm, seed), other in (((a, s), "expanded" if a == "simple" else "simple") for a, s in images):
        found = parse_picture(with_texts(**texts[arm, seed]))
        mark = TwinseedMark.model_validate_json(texts[arm, seed]["twinseed"])
        assert found.prompt == (SIMPLE if arm == "simple" else EXPANDED)
        assert (found.negative_prompt, found.seed, found.model, found.model_hash) == (
            "blurry",
            seed,
            "seedling",
            "ab" * 5,
        )
        assert (mark.arm, mark.seed, mark.settings_digest) == (arm, str(seed), run.settings.digest)
        assert mark.partner_pixels_sha256 == hashlib.sha256(images[other, seed].tobytes()).hexdigest()
        pairs.add((seed, mark.pair))
        assert render_settings_of(found, run.settings) == replace(run.settings, seed=seed)
    assert len(pairs) == 2, "both pictures of a seed name the same pair, other seeds another"
    alone = pair_of(PROMPTS, replace(run.settings, seed=8, images=1), 8, "ab" * 32)
    assert (8, alone) in pairs, "rendered alone it is the same pair"
    assert pair_of(replace(PROMPTS, simple="a cat"), run.settings, 7, "ab" * 32) not in {pair for _, pair in pairs}


@pytest.mark.parametrize(
    ("model", "shown"),
    [("seedling", "seedling"), ("owner/name", "owner/name"), ("/home/me/models/mine", "mine"), ("./mine", "mine")],
)
def test_no_folder_of_the_maker_is_passed_on(model: str, shown: str) -> None:
    run = sample_run()
    texts = texts_of_pairs(run.prompts, replace(run.settings, model=model), run.renders, "ab" * 32)
    assert parse_picture(with_texts(**texts["simple", 7])).model == shown
    assert "/home" not in "".join(texts["simple", 7].values())


def test_the_gallery_keeps_the_texts(tmp_path: Path) -> None:
    run = sample_run()
    texts = texts_of_pairs(run.prompts, run.settings, run.renders, "ab" * 32)
    gallery = Gallery(tmp_path)
    folder = gallery.write(replace(run, png_text=texts))
    mark = read_mark(folder / "simple-7.png")
    assert mark is not None
    _, expanded = gallery.open_record(folder.name).pair("7")
    assert mark.partner_pixels_sha256 == expanded.pixels_sha256, "the record counts pixels in the same way"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version: Input should be 1"),
        ({"seed": 5}, "seed: Input should be a valid string"),
        ({"seed": "-5"}, "seed: String should match"),
        ({"arm": "left"}, "arm: Input should be 'simple' or 'expanded'"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"partner_pixels_sha256": "../../etc"}, "partner_pixels_sha256: String should match"),
    ],
)
def test_a_mark_that_was_changed(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    (tmp_path / "a.png").write_bytes(with_texts(twinseed=json.dumps(MARK.model_dump() | changes)))
    with pytest.raises(PictureError, match=message) as caught:
        read_mark(tmp_path / "a.png")
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (replace(PARAMETERS, prompt="half \ud800"), r"contains half a character, '\\ud800'"),
        (replace(PARAMETERS, prompt="a\0b"), r"contains the character U\+0000"),
        (replace(PARAMETERS, prompt="x" * 2_000_000), "1,048,576 are read"),
        (replace(PARAMETERS, loras=(LoraUse("a, b", 1.0),)), "the LoRA 'a, b' cannot be named"),
    ],
)
def test_what_cannot_be_written_is_not(tmp_path: Path, parameters: PictureParameters, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        write_picture(tmp_path / "a.png", IMAGE, parameters, MARK)
    assert list(tmp_path.iterdir()) == []


# ---- killed on the way

# The modules take a second to load, a picture is written in milliseconds: one process loads, copies of it are killed.
KILLER = """
import os, random, signal, sys, time
sys.path[:0] = sys.argv[1:3]
root = sys.argv[3]
{setup}
rng, began, kills = random.Random(7), time.monotonic(), 0
def is_over():
    # Until some were killed in the middle of their work, however busy the machine; or something is wrong.
    caught = sum(name.startswith(".partial-") for name in os.listdir(root))
    return kills >= 20 and caught >= 3 or time.monotonic() - began > 60
while not is_over():
    child = os.fork()
    if child == 0:
        number = 0
        while True:
            number += 1
            {work}
    time.sleep(rng.uniform(0, {longest}))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kills += 1
print(kills)
"""
PICTURES = (
    """
from pathlib import Path
from PIL import Image
from generate.files.png import write_png
image = Image.effect_noise((32, 32), 80).convert("RGB")
write_png(Path(root) / "0.png", image, {"parameters": "xxx"})
""",
    'write_png(Path(root) / f"{number % 5}.png", image, {"parameters": "x" * 900_000 + str(number)})',
    0.05,
)
RUNS = (
    """
from pathlib import Path
from compare.runs.gallery import Gallery
from sample_run import sample_run
gallery, run = Gallery(Path(root)), sample_run(size=(64, 64))
gallery.write(run)
""",
    "gallery.write(run)",
    0.3,
)


def kill_at_random(what: tuple[str, str, float], root: Path) -> int:
    """How many processes were killed while they did `what` in `root`."""
    script = KILLER.format(setup=what[0], work=what[1], longest=what[2])
    done = subprocess.run(
        [sys.executable, "-c", script, str(REPOSITORY), str(REPOSITORY / "tests"), str(root)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return int(done.stdout)


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with fork and SIGKILL")


@needs_fork
def test_killed_while_writing_pictures(tmp_path: Path) -> None:
    kills = kill_at_random(PICTURES, tmp_path)
    whole, partial = [], []
    for path in tmp_path.iterdir():
        (partial if path.name.startswith(PARTIAL) else whole).append(path)
    assert kills >= 20
    assert {path.name for path in whole} <= {f"{number}.png" for number in range(5)}
    assert whole
    for path in whole:
        with Image.open(path) as image:
            image.load()
            assert image.text["parameters"].startswith("xxx")  # type: ignore[attr-defined]
    assert len(partial) >= 3, "some were killed in the middle"
    assert not list(tmp_path.glob(f"{PARTIAL}*.png")), "what is not finished is not called a picture"


@needs_fork
def test_killed_while_writing_runs(tmp_path: Path) -> None:
    kills = kill_at_random(RUNS, tmp_path)
    assert kills >= 20
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders
    gallery = Gallery(tmp_path)
    assert {row.name for row in gallery.runs(10_000)} == folders
    assert gallery.rebuild() == len(folders)
    for name in folders:
        record, pictures = gallery.open_record(name), gallery.pictures(name)
        for render in record.renders:
            assert hashlib.sha256(pictures[render.file]).hexdigest() == render.sha256
            with Image.open(BytesIO(pictures[render.file])) as image:
                assert pixels_sha256(image) == render.pixels_sha256
        assert (tmp_path / name / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert len(list(tmp_path.glob(f"{PARTIAL}*/"))) >= 3, "some were killed in the middle"


def test_a_run_without_its_record_is_none(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    whole, half = (gallery.write(sample_run(seed=seed)) for seed in (1, 2))
    (half / "record.json").unlink()
    assert gallery.rebuild() == 1
    assert [row.name for row in gallery.runs()] == [whole.name]
    with pytest.raises(RecordError, match="there is no record"):
        gallery.pictures(half.name)


def test_a_run_whose_texts_cannot_be_written(tmp_path: Path) -> None:
    run = sample_run(png_text={("simple", 7): {"parameters": "a\0b"}})
    with pytest.raises(PictureError, match="U\\+0000"):
        Gallery(tmp_path).write(run)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", IMAGE, {})
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(OSError, match="cannot write mode"):
        write_png(tmp_path / "a.png", Image.new("HSV", (8, 8)), {})
    with pytest.raises(FileNotFoundError):
        write_png(tmp_path / "no folder" / "a.png", IMAGE, {})
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of files")
def test_a_picture_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_png(tmp_path / "a.png", IMAGE, {})
    finally:
        os.umask(mask)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644
