"""Texts made to be run: in runs, in what is typed, in somebody's own files, in pictures dropped in, in reports."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import BrowserContext, Page
from sample_run import full_record, png, write_sample

from benchmarks.hardening.page_trials.server import PageServer
from benchmarks.hardening.page_trials.window import (
    NAME,
    READ,
    TEXT,
    Watch,
    choose,
    flat,
    made,
    opened,
    otherwise,
    see,
    settle,
    unfold,
)
from benchmarks.hardening.table import Table
from compare.runs.gallery import Gallery
from compare.runs.record import parse_record
from ideation import TwinseedError


def choices() -> dict[str, Any]:
    """A style and a preset of somebody's own."""
    style = {"name": f"style {NAME}"[:100], "zh": NAME[:100], "positive": "{prompt}, " + NAME, "negative": NAME}
    settings = {"num_inference_steps": 2}
    preset = {"name": f"preset {NAME}"[:100], "description": TEXT, "zh": TEXT, "settings": settings, "negative": TEXT}
    return {"styles": [style], "presets": preset}


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the strings in a JSON value stand."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(inner, (*at, key))
    elif isinstance(value, str):
        yield at


def _put(value: Any, at: tuple[Any, ...], text: str) -> Any:
    """The JSON value with the text at that place."""
    copy = json.loads(json.dumps(value))
    inner = copy
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = text
    return copy


def write_runs(server: PageServer) -> dict[str, str]:
    """Runs made to harm: of a record with every text that it may have, of names of folders. Returns the marks of the
    record's texts, and where each stands."""
    record, files = full_record()
    content = json.loads(record.to_json())
    marks: dict[str, str] = {}
    for at in list(_places(content)):
        mark = f"mark{len(marks):03}"
        tried = _put(content, at, f"{mark} {TEXT}")
        try:
            parse_record(json.dumps(tried).encode())
        except TwinseedError:
            continue
        content, marks[mark] = tried, ".".join(map(str, at))
    told = parse_record(json.dumps(content).encode())
    kept = ("concept", "request", "prompts", "settings", "certificate", "findings", "observations")
    # Its pictures say the same of themselves, as those of a run that somebody made up would.
    others = {name: data for name, data in files.items() if name in told.findings.files} if told.findings else {}
    made = write_sample(Gallery(server.runs), files=others, **{name: getattr(told, name) for name in kept})
    made.folder.rename(server.runs / "hostile")
    sample = write_sample(Gallery(server.runs))
    shutil.copytree(sample.folder, server.runs / f"run {NAME}")
    for name, broken in ((f"broken {NAME}", b"{"), ("foreign", json.dumps({"version": TEXT}).encode())):
        (server.runs / name).mkdir()
        (server.runs / name / "record.json").write_bytes(broken)
    return marks


def runs_on_the_page(
    table: Table, context: BrowserContext, server: PageServer, watch: Watch, marks: dict[str, str]
) -> None:
    for language in ("zh-TW", "en"):  # the page keeps the last for this browser
        page = opened(context, watch, f"{server.address}/?lang={language}&run=hostile")
        page.locator(".stage").wait_for()
        page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach(one => one.click())")
        settle(page)
        shown = flat(page.evaluate(READ))
        lost = made(page, watch)
        for mark, place in marks.items():
            wrong = lost or otherwise(shown, mark)
            table.add(f"texts of a record, on the page ({language})", f"{place}: {wrong}" if wrong else "")
        page.close()
    page = opened(context, watch, f"{server.address}/?run={quote(f'run {NAME}')}")
    page.locator(".stage").wait_for()
    table.add("texts made to be run, on the page", made(page, watch))
    page.goto(f"{server.address}/?run={quote(TEXT)}")
    page.get_by_text("there is no run").wait_for()
    see(table, page, watch, "a name in the address", TEXT)
    page.get_by_role("link", name="Gallery").click()
    page.locator("article .open").first.wait_for()
    settle(page)
    see(table, page, watch, "a folder that is no run", f"broken {NAME}")
    see(table, page, watch, "a record's version", TEXT)
    page.get_by_placeholder("Search").or_(page.locator(".st-key-query input")).first.fill(TEXT)
    page.keyboard.press("Enter")
    settle(page)
    see(table, page, watch, "the search", TEXT)
    page.close()


def typed_and_dropped(table: Table, context: BrowserContext, server: PageServer, watch: Watch) -> None:
    page = opened(context, watch, f"{server.address}/?lang={quote(TEXT)}")
    table.add("texts made to be run, on the page", made(page, watch))
    concept = page.get_by_label("Concept")
    concept.fill(TEXT)
    concept.press("Enter")
    page.get_by_text("has never learnt").wait_for()
    see(table, page, watch, "a concept", TEXT)
    seed = page.get_by_label("Seed", exact=True)
    seed.fill("<img src=x onerror>")
    seed.press("Enter")
    page.get_by_role("button", name="Generate").click()
    page.locator("[data-testid=stAlertContentError]").wait_for()
    see(table, page, watch, "a seed", "<img src=x onerror>")
    seed.fill("7")
    choose(page, "Preset", "preset")
    see(table, page, watch, "a preset's description", TEXT)
    choose(page, "Styles", "style")
    table.add("texts made to be run, on the page", made(page, watch))
    choose(page, "Model", f"{NAME} of a model.safetensors")
    page.get_by_role("button", name="Generate").click()
    page.locator("[data-testid=stAlertContentError]").wait_for()
    settle(page)
    see(table, page, watch, "a model file's name", NAME)
    page.close()
    for number, (parameters, shown) in enumerate(_infotexts()):
        page = opened(context, watch, server.address)
        _drop(page, [(f"{number}.png", _picture(parameters))])
        page.get_by_text(f"{number}.png").wait_for()
        settle(page)
        table.add("texts made to be run, on the page", made(page, watch))
        for source in shown:
            see(table, page, watch, f"a picture's text: {source}", TEXT, source)
        page.close()
    page = opened(context, watch, server.address)
    kind = "files dropped in: of a wrong type, too many, too large, bombs"
    for files, told in _bad_files():
        _drop(page, files)
        page.get_by_text(told).first.wait_for(timeout=20_000)
        settle(page)
        table.add(kind, made(page, watch))
        table.add(kind, "" if page.locator(".stException").count() == 0 else f"{files[0][0]}: an exception is shown")
        page.reload()
        page.get_by_label("Concept").wait_for()
        settle(page)
    page.close()


def _infotexts() -> Iterator[tuple[str, tuple[str, ...]]]:
    """What AUTOMATIC1111 would write into a picture's file, and the words after which the texts are then shown."""
    value = json.dumps(TEXT)
    settings = "Steps: 4, Seed: 7, Size: 64x64"
    yield f"prompt {TEXT}\nNegative prompt: negative {TEXT}\n{settings}", ("prompt", "negative")
    yield f"a dog\n{settings}, Sampler: {value}, Model: {value}, VAE: {value}", ("unknown model '",)
    yield f"a dog\n{settings}, Clip skip: {value}", ()
    yield f'a dog <lora:{NAME}:1>\n{settings}, Lora hashes: "{NAME}: abc", {NAME}: x, Hires upscaler: {value}', ()


def _picture(parameters: str) -> bytes:
    texts, stored = PngInfo(), BytesIO()
    texts.add_text("parameters", parameters)
    Image.new("RGB", (64, 64)).save(stored, "PNG", pnginfo=texts)
    return stored.getvalue()


def _bad_files() -> Iterator[tuple[list[tuple[str, bytes]], str]]:
    small = png(Image.new("RGB", (8, 8)))
    bomb = bytearray(small)
    bomb[16:24] = (2**30).to_bytes(4, "big") * 2
    yield [("x.exe", b"MZ")], "not allowed"
    yield [("x.svg", b"<svg onload=alert(1)/>")], "not allowed"
    yield [("a.png", small), ("b.png", small), ("c.png", small)], "Only one file"
    yield [("large.png", bytes(65 * 2**20))], "64.0MB or smaller"
    yield [(f"{NAME}.png", b"<script>alert(1)</script>")], "picture"
    yield [("bomb.png", bytes(bomb))], "picture"


def _drop(page: Page, files: list[tuple[str, bytes]]) -> None:
    """Drops files on the field, as with a mouse: a dialog would let only some be chosen."""
    for key in ("settings", "like_box"):
        unfold(page, key)
    zone = page.get_by_test_id("stFileUploaderDropzone")
    zone.wait_for()
    transfer = page.evaluate_handle(
        """async files => { const all = new DataTransfer();
          for (const [name, data, more] of files) all.items.add(
            new File([Uint8Array.from(atob(data), one => one.charCodeAt(0)), new Uint8Array(more)], name));
          return all; }""",
        # Zeros at the end are made there.
        [[name, b64encode(data.rstrip(b"\0")).decode(), len(data) - len(data.rstrip(b"\0"))] for name, data in files],
    )
    zone.dispatch_event("drop", {"dataTransfer": transfer})


def reports(table: Table, context: BrowserContext, server: PageServer, watch: Watch, marks: dict[str, str]) -> None:
    """The report of the hostile record, opened from the disk."""
    page = watch.on(context.new_page())
    page.goto((server.runs / "hostile" / "report.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    shown = flat(page.evaluate(READ))
    scripts = page.locator("script").count()
    lost = made(page, watch) or ("" if scripts == 1 else f"it has {scripts} scripts")
    for mark, place in marks.items():
        wrong = lost or otherwise(shown, mark)
        table.add("texts of a record, in the report opened from the disk", f"{place}: {wrong}" if wrong else "")
    page.close()
