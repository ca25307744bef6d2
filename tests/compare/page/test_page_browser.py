"""The page in a real Chromium: draw, generate, see two pictures, move the slider, and ask nobody outside."""

from __future__ import annotations

import re
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sample_run import write_sample

from compare.homework import open_bundle
from compare.report import sentences
from compare.runs.gallery import Gallery
from generate.seedling import SEEDLING_SIZES

pytest_plugins = ["page_browser"]
pytestmark = pytest.mark.browser

#: The engine of axe, which a package of its makers' friends brings along; not there where it is not installed.
AXE = find_spec("axe_playwright_python")
_STILL = """() => document.getAnimations().every(
  one => one.playState !== "running" || one.effect.getComputedTiming().iterations === Infinity)"""
AT_REST = "[data-testid=stApp][data-test-script-state=notRunning]"  # the script has run to its end
WAIT_MS = 150_000  # torch and the model are loaded in the background after the first click


def _set_steps(page: Page, steps: int) -> None:
    page.get_by_text("Settings", exact=True).click()
    page.get_by_text("Steps and size").click()
    field = page.get_by_label("Steps", exact=True)
    field.fill(str(steps))
    field.press("Enter")
    expect(field).to_have_value(str(steps))


def _clip(page: Page) -> str:
    style: str = page.locator(".stage .over").evaluate("picture => getComputedStyle(picture).clipPath")
    return style


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end)
    page.mouse.up()


def test_draw_generate_and_slide(page: Page, address: str, served_runs: Path) -> None:
    page.goto(f"{address}/")
    page.get_by_role("button", name="Draw one").click()
    concept = page.get_by_label("Concept")
    expect(concept).to_have_value(re.compile(r"^\w+ .+style$"))
    topic = page.locator(".st-key-reel-topic .tw-reel").inner_text()
    page.locator(".st-key-reel-topic").get_by_text("Hold").click()
    before = concept.input_value()
    page.get_by_role("button", name="Draw one").click()
    expect(concept).not_to_have_value(before)
    expect(page.locator(".st-key-reel-topic .tw-reel")).to_have_text(topic)
    _set_steps(page, 4)
    page.get_by_role("button", name="Write prompts").click()
    expanded = page.get_by_label("Expanded prompt", exact=True)
    expect(expanded).to_have_value(re.compile("style"))
    expanded.fill(f"{expanded.input_value()}, seven red balloons")
    expanded.press("Control+Enter")
    expect(page.locator(".tw-prompt ins").filter(has_text="balloons")).to_be_visible()
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    # A job belongs to the server: who reloads finds it, and the form; somebody else finds neither.
    wanted = concept.input_value()
    page.reload()
    expect(page.get_by_role("button", name="Stop").or_(page.locator(".stage"))).to_be_visible()
    expect(concept).to_have_value(wanted)
    expect(page.get_by_label("Expanded prompt", exact=True)).to_have_value(re.compile("seven red balloons"))
    with page.context.browser.new_context() as other:  # type: ignore[union-attr]
        stranger = other.new_page()
        stranger.goto(f"{address}/")
        expect(stranger.get_by_label("Concept")).to_have_value("")
        expect(stranger.get_by_role("button", name="Generate")).to_be_enabled()
        assert "balloons" not in stranger.content()

    slider = page.get_by_role("slider", name="Line between the simple and the expanded picture")
    expect(slider).to_be_visible(timeout=WAIT_MS)
    pictures = page.locator(".stage img[alt*=' prompt gave with seed ']")
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        picture.evaluate("picture => picture.decode()")
        assert picture.evaluate("picture => picture.naturalWidth") > 0
    assert len({picture.get_attribute("src") for picture in pictures.all()}) == 2
    alts = [picture.get_attribute("alt") or "" for picture in pictures.all()]
    assert ["simple prompt" in alts[0], "balloons" in alts[1]] == [True, True]
    expect(page.get_by_text("Same seed, everything but the prompt held equal")).to_be_visible()
    assert page.locator(".tw-prompt ins").count() > 0

    assert _clip(page) == "inset(0px 0px 0px 50%)"
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert _clip(page) == "inset(0px 0px 0px 53%)"
    assert slider.get_attribute("aria-valuetext") == "53 percent simple"
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    assert 18 <= int(slider.input_value()) <= 22
    # What is zoomed is dragged, both pictures alike, and by its line still divided.
    page.get_by_role("button", name="Zoom in").click()
    at = box["x"], box["y"] + box["height"] / 2, box["width"]
    _drag(page, (at[0] + 0.7 * at[2], at[1]), (at[0] + 0.5 * at[2], at[1] - 40))
    assert 18 <= int(slider.input_value()) <= 22
    places = {one.evaluate("one => getComputedStyle(one).transformOrigin") for one in pictures.all()}
    assert len(places) == 1
    assert float(places.pop().split("px")[0]) == pytest.approx(0.7 * at[2], abs=2)
    _drag(page, (at[0] + 0.2 * at[2], at[1]), (at[0] + 0.6 * at[2], at[1]))
    assert 58 <= int(slider.input_value()) <= 62

    with page.expect_download() as download:
        page.get_by_role("button", name="Report", exact=True).click()
    assert "<!doctype html>" in Path(download.value.path()).read_text(encoding="utf-8")
    folder = served_runs / page.url.partition("?run=")[2]
    page.get_by_role("button", name="Other formats").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Report as PDF").click()
    assert download.value.suggested_filename == f"{folder.name}.pdf"
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    with page.expect_download() as download:
        page.get_by_role("button", name="Report as Markdown").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"report.md", f"pictures/{next(folder.glob('simple-*.png')).name}"} <= set(archive.namelist())
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.get_by_role("button", name="expanded", exact=True).click()
    assert Path(download.value.path()).read_bytes() == next(folder.glob("expanded-*.png")).read_bytes()


def test_an_earlier_run_on_a_phone_in_chinese(page: Page, address: str, served_runs: Path) -> None:
    name = write_sample(Gallery(served_runs), size=(128, 128)).name
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/gallery?lang=zh-TW")
    card = page.locator(f"[data-name='{name}']")
    page.get_by_placeholder("搜尋").fill("dog bicycle watercolor")
    expect(page.locator("article")).to_have_count(1)
    card.locator(".choose").focus()
    card.locator(".star").evaluate("star => star.click()")
    while not Gallery(served_runs).marks(name).star:
        page.wait_for_timeout(20)
    page.locator(AT_REST).wait_for()
    page.keyboard.press("Space")  # it is still where the fingers are
    page.get_by_role("button", name="刪除", exact=True).click()
    expect(card).to_have_count(0)
    assert not (served_runs / name).exists()
    page.get_by_role("button", name="復原").click()
    expect(card.locator(".star")).to_have_attribute("aria-pressed", "true")

    page.goto(f"{address}/blind?lang=zh-TW")
    page.get_by_text("只看有星號的").click()
    expect(page.get_by_text("目前共有 1 組")).to_be_visible()
    page.get_by_role("button", name="開始").click()
    expect(page.locator(".ballot img").first).to_be_visible()
    assert "bicycle" not in page.locator(".stMain").inner_text(), "the prompts are hidden"
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("你的選擇已經和結果一起保存")).to_be_visible()
    assert len(Gallery(served_runs).marks(name).votes) == 1

    page.goto(f"{address}/gallery?lang=zh-TW")
    card.locator(".open").click()
    expect(page.get_by_role("slider")).to_be_visible()
    expect(page.get_by_text("種子相同，除了提示詞之外一切相同")).to_be_visible()
    page.get_by_role("radio", name="並排").click()
    boxes = [box for picture in page.locator(".stage img[alt^='以']").all() if (box := picture.bounding_box())]
    assert len(boxes) == 2
    with page.expect_download() as download:
        page.get_by_role("button", name="報告", exact=True).click()
    assert '<html lang="zh-TW">' in Path(download.value.path()).read_text(encoding="utf-8"), "whatever is kept"
    assert boxes[0]["y"] == boxes[1]["y"], "the two pictures are not side by side"
    widths = page.evaluate("[...document.querySelectorAll('.stMain, html')].map(e => e.scrollWidth - e.clientWidth)")
    assert max(widths) <= 0, "the page is wider than the screen"


def test_several_runs_are_compared_and_taken_home(page: Page, address: str, served_runs: Path) -> None:
    gallery = Gallery(served_runs)
    names = [write_sample(gallery, size=(64, 64), observations=words).name for words in ("It is night.", None)]
    page.goto(f"{address}/gallery?lang=en")
    for name in names:
        page.locator(f"[data-name='{name}'] .choose").click()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    expect(page.get_by_text("These runs were made with the same settings.")).to_be_visible()
    page.get_by_role("button", name="Take them home").click()
    expect(page.get_by_text("Without a name")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="One report of all").click()
    report = Path(download.value.path()).read_text(encoding="utf-8")
    assert "It is night." in report
    assert report.count("data:image/") >= 4
    with page.expect_download() as download:
        page.get_by_role("button", name="One file to hand in").click()
    with open_bundle(Path(download.value.path())) as bundle:
        assert sorted(one.run for one in bundle.content.runs) == sorted(names)


def test_a_closer_look_appears_at_once_and_outlives_a_change_of_language(
    page: Page, address: str, served_runs: Path
) -> None:
    page.goto(f"{address}/")
    page.get_by_label("Concept").fill("a dog riding a bicycle, at night")
    _set_steps(page, 2)
    width, fault = page.get_by_label("Width", exact=True), page.get_by_text("width is 100 pixels")
    width.fill("100")
    width.press("Tab")
    expect(fault).to_be_visible()
    width.fill("128")
    width.press("Tab")
    expect(fault).to_have_count(0)
    # What is clicked and emptied before the page is whole again counts, and what the fields held is still in them.
    page.reload()
    page.get_by_text("Settings", exact=True).click()
    page.get_by_text("Steps and size").click()
    expect(width).to_have_value("128")
    width.fill("")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text(f"{SEEDLING_SIZES[0][0]} × {SEEDLING_SIZES[0][1]}")).to_be_visible(timeout=WAIT_MS)
    expect(width).to_have_value("")
    page.get_by_role("button", name="Look closer").click()
    page.get_by_text("From one picture to the other").click()
    page.get_by_role("button", name=re.compile("Look \\(about")).click()
    morph = page.get_by_text("On the way from simple to expanded")
    expect(morph).to_be_in_viewport(timeout=WAIT_MS)
    steps = page.evaluate("history.length")
    page.get_by_role("link", name="Make a pair").click()
    expect(page.get_by_label("Concept")).to_have_value("a dog riding a bicycle, at night")
    expect(page).to_have_url(re.compile(r"/pair\?run="))
    assert page.evaluate("history.length") == steps + 1, "one screen back is one step back"
    # What is typed into a screen that is about to go is lost: each step back is waited for.
    page.go_back()
    expect(page.get_by_label("Concept")).to_have_count(0)
    page.go_back()
    expect(page.get_by_label("Concept")).to_be_visible()
    page.locator(AT_REST).wait_for()

    page.get_by_label("What do you see?").fill("It got dark.")
    page.get_by_role("button", name="Put it into the report").click()
    expect(page.get_by_text("Your words are in the report.")).to_be_visible(timeout=WAIT_MS)

    page.get_by_text("繁體中文").click()
    expect(page.get_by_role("button", name="抽一個")).to_be_visible()
    page.get_by_role("button", name="抽一個").click()
    expect(page.get_by_role("textbox", name="構想", exact=True)).not_to_have_value("a dog riding a bicycle, at night")
    expect(page.locator(".stException, [data-testid='stAlertContentError']")).to_have_count(0)
    assert "lang=zh-TW" in page.url
    page.reload()
    expect(page.get_by_role("button", name="抽一個")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("寫進報告", exact=True)).to_be_visible()


def test_every_screen_is_whole_in_both_languages(page: Page, address: str, served_runs: Path) -> None:
    """On a phone, light in English and dark in Chinese: nothing is wider than it, and axe, which looks for what shuts
    out people who read with their ears or fingers, finds nothing serious."""
    name = write_sample(Gallery(served_runs), size=(128, 128)).name
    page.set_viewport_size({"width": 390, "height": 844})
    for language, scheme in (("en", "light"), ("zh-TW", "dark")):
        page.emulate_media(color_scheme=scheme)
        for screen in ("pair", f"pair?run={name}", "gallery", "blind", f"lab?run={name}", "homework", "learn"):
            words_of = sentences(language)["page"]
            if language == "en" or screen not in words_of:  # at its address; in Chinese by the links of the menu
                page.goto(f"{address}/{screen}{'&' if '?' in screen else '?'}lang={language}")
                shown = page.get_by_role("heading", level=2).or_(page.locator(".st-key-ask"))
            else:
                page.locator(f"a[href$='/{screen}']").evaluate("link => link.click()")  # it is folded, and there
                shown = page.get_by_role("heading", level=2, name=words_of[screen]["title"])
            expect(shown.first, screen).to_be_visible()
            page.locator(AT_REST).wait_for()
            expect(page.locator(".stException, [data-testid='stAlertContentError']"), screen).to_have_count(0)
            widths = page.evaluate(
                "[...document.querySelectorAll('.stMain, html')].map(e => e.scrollWidth - e.clientWidth)"
            )
            assert max(widths) <= 0, f"{screen} is wider than the screen"
            words = page.locator(".stMain").inner_text()
            assert any("\u4e00" <= letter <= "\u9fff" for letter in words) or language == "en", screen
            assert _shut_out(page) == [], screen
    if AXE is None:
        pytest.skip("the screens are whole, but axe is not here: pip install axe-playwright-python")


def _shut_out(page: Page) -> list[str]:
    """What axe calls serious or critical on the page, in boxes that are folded too."""
    if AXE is None or AXE.origin is None:
        return []
    page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach(one => one.click())")
    page.wait_for_timeout(100)
    page.wait_for_function(_STILL)  # what is half transparent on its way has no contrast
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(Path(AXE.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
