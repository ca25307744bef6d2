"""The report moves in a real browser, and is whole there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sample_run import CONCEPT, full_record, sample_record

from compare.view import render_report
from templates import LANGUAGES, Language


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        yield context.new_page()


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_full_report_in_a_browser(tmp_path: Path, browser_page: Page, language: Language, width: int) -> None:
    record, files = full_record(images=3, observations="x" * 5000)
    file = tmp_path / "report.html"
    file.write_text(render_report(record, files, language), encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    browser_page.on("request", lambda request: requests.append(request.url.partition(":")[0]))
    browser_page.set_viewport_size({"width": width, "height": 800})
    browser_page.goto(file.as_uri())
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out"
    accent = "() => getComputedStyle(document.querySelector('#ruler .plot path[fill=\"var(--accent)\"]')).fill"
    light = browser_page.evaluate(accent)
    browser_page.emulate_media(color_scheme="dark")
    assert (light, browser_page.evaluate(accent)) == ("rgb(15, 107, 92)", "rgb(124, 207, 185)")
    moving = browser_page.locator(".moving img")
    assert not moving.is_visible()
    browser_page.locator(".moving summary").focus()
    browser_page.keyboard.press("Enter")
    assert moving.is_visible()
    assert complaints == []
    assert set(requests) <= {"file", "data"}


@pytest.mark.browser
def test_the_slider_moves_in_a_browser(tmp_path: Path, browser_page: Page) -> None:
    record, files = sample_record(images=2, concept=replace(CONCEPT, text="</script>" + "x" * 4000))
    file = tmp_path / "report.html"
    file.write_text(render_report(record, files), encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    browser_page.on("console", lambda message: complaints.append(message.text))
    browser_page.on("pageerror", lambda error: complaints.append(str(error)))
    browser_page.on("request", lambda request: requests.append(request.url.partition(":")[0]))
    browser_page.goto(file.as_uri())

    slider = browser_page.get_by_label("Line between the simple and the expanded picture, seed 7")
    clip = "() => getComputedStyle(document.querySelector('.stage .expanded')).clipPath"
    assert browser_page.evaluate(clip) == "inset(0px 0px 0px 50%)"
    slider.focus()
    for _ in range(3):
        browser_page.keyboard.press("ArrowRight")
    assert browser_page.evaluate(clip) == "inset(0px 0px 0px 53%)"
    assert slider.get_attribute("aria-valuetext") == "53 percent simple"
    browser_page.keyboard.press("Home")
    assert browser_page.evaluate(clip) == "inset(0px 0px 0px 0%)"
    box = slider.bounding_box()
    assert box is not None
    browser_page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    assert slider.input_value() in ("24", "25", "26"), "a click puts the line where the pointer is"
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out on a phone"
    assert complaints == []
    assert set(requests) <= {"file", "data"}
