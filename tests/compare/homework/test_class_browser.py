"""The pages of a class in a real Chromium, from the disk: filters, big pictures, and a ballot from begin to count."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Twinseed
from playwright.sync_api import Browser, Page, expect
from sample_class import merged

from compare.homework.classroom import pooled, read_class
from compare.homework.classroom.ballot import left_of

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window, a phone's where a test says so; whatever it asked for must have come from the disk."""
    phone = "phone" in request.node.name
    context = browser.new_context(
        viewport={"width": 390, "height": 844} if phone else {"width": 1440, "height": 1000}, has_touch=phone
    )
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.set_default_timeout(30_000)
    yield page
    context.close()
    assert asked
    assert [url for url in asked if urlsplit(url).scheme not in ("file", "data", "blob")] == []
    assert faults == []


def shown(page: Page) -> list[str]:
    return page.locator(".card:visible h3").all_inner_texts()


def test_all_pairs_can_be_filtered_and_looked_at(page: Page, one_class: Path) -> None:
    page.goto((one_class / "index.html").as_uri())
    expect(page.get_by_role("status")).to_have_text("8 of 8 pairs")
    for picture in page.locator(".look img").all():
        picture.scroll_into_view_if_needed()
        picture.evaluate("picture => picture.decode()")
    page.get_by_role("combobox", name="Student").select_option(label="B11201001 林小美")
    assert [text.split()[1] for text in shown(page)] == ["fox", "owl"]
    page.get_by_role("combobox", name="Concept").select_option(label="a fox riding a bicycle, watercolor style")
    assert len(shown(page)) == 1
    page.reload()
    assert len(shown(page)) == 1, "what was chosen stands in the address"
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_role("status")).to_have_text("8 of 8 pairs")
    page.get_by_role("searchbox").fill("WARMER dog")
    expect(page.get_by_role("status")).to_have_text("2 of 8 pairs")
    page.get_by_role("searchbox").fill("zebra")
    expect(page.get_by_text("No pair is like that.")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    for name, label, count in (("Style", "no style", 8), ("Model", "seedling", 8), ("Verdict", "one seed alone", 8)):
        choice = page.get_by_role("combobox", name=name)
        if choice.is_enabled():
            choice.select_option(label=label)
        assert len(shown(page)) == count
    page.get_by_role("combobox", name="Remarks").select_option(label="like another hand-in")
    assert len(shown(page)) == 2

    page.locator(".card:visible .look").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="a dog riding a bicycle, watercolor style")).to_be_visible()
    expect(dialog.get_by_text("=1+1 The sky is warmer.")).to_be_visible()
    expect(dialog.get_by_text("Same picture as nobody.zip")).to_be_visible()
    assert dialog.locator("ins").count() > 0
    assert all(one.evaluate("one => one.decode().then(() => one.naturalWidth)") for one in dialog.locator("img").all())
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_text("2 of 2")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_ballot_is_answered_with_keys_and_counted(
    page: Page, one_class: Path, tmp_path: Path, twinseed: Twinseed
) -> None:
    folder = Path(shutil.copytree(one_class, tmp_path / "class"))
    room = read_class(folder)
    page.goto((folder / "ballot.html").as_uri())
    page.get_by_role("button", name="Begin").click()
    pairs = {pair.concept: (key, pair.seeds[0]) for key, (_, pair) in room.on_ballot().items()}
    data = json.loads(page.locator("#pairs").text_content() or "")
    names = {address: name for one in data for name, address in one["pictures"].items()}
    for at in range(5):
        expect(page.get_by_role("status")).to_have_text(f"{at + 1} of 7")
        key, seed = pairs[page.get_by_role("heading").inner_text()]
        left = names[page.locator(".picture img").first.get_attribute("src") or ""]
        voter = page.evaluate("state.voter")
        assert left == left_of(voter, key, (seed.simple, seed.expanded)), "the page and the count draw the same side"
        page.keyboard.press("ArrowDown" if at == 4 else "ArrowLeft" if left == seed.expanded else "ArrowRight")
    page.keyboard.press("Backspace")
    expect(page.get_by_role("status")).to_have_text("6 of 7")
    page.wait_for_timeout(250)
    page.keyboard.press("Backspace")
    expect(page.get_by_role("status")).to_have_text("5 of 7")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("status")).to_have_text("6 of 7")
    page.reload()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("status")).to_have_text("6 of 7")
    page.get_by_role("button", name="Finish").click()
    expect(page.get_by_text("You answered 5 of 7.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the file").click()
    assert download.value.suggested_filename.startswith("ballot-")
    code = page.get_by_label("Your code").input_value()

    (tmp_path / "code.txt").write_text(code)
    for file in (str(download.value.path()), str(tmp_path / "code.txt")):
        named = shutil.copy(file, tmp_path / f"answers{Path(file).suffix or '.json'}")
        assert twinseed("class", "--out", str(folder), "--ballots", str(named)).code == 0
        people = pooled(read_class(folder)).people
        assert people is not None
        assert (people.judgements, people.win.share, people.tie.share) == (5, 0.8, 0.2)

    page.goto((folder / "index.html").as_uri())
    expect(page.get_by_text("On an average pair, 80 % of the answers chose the expanded picture.")).to_be_visible()
    page.goto((folder / "ballot.html").as_uri())
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Finish").click()
    page.get_by_role("button", name="Somebody else votes").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("status")).to_have_text("1 of 7")


def test_pages_and_ballot_on_a_phone_in_chinese(page: Page, hand_ins: list[Path], tmp_path: Path) -> None:
    folder = merged(hand_ins, tmp_path / "class", "zh-TW")
    page.emulate_media(color_scheme="dark")
    page.goto((folder / "index.html").as_uri())
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) == 0
    expect(page.get_by_role("status")).to_have_text("8 組中的 8 組")
    page.get_by_text("選擇要看的圖片").click()
    page.get_by_role("combobox", name="學生").select_option(label="B11201001 林小美")
    expect(page.get_by_role("status")).to_have_text("8 組中的 2 組")
    page.locator(".card:visible .look").first.tap()
    expect(page.get_by_role("dialog").get_by_text("天空比較暖")).to_be_visible()
    assert page.evaluate(wide) == 0

    page.goto((folder / "ballot.html").as_uri())
    page.get_by_role("button", name="開始").tap()
    expect(page.get_by_role("status")).to_have_text("第 1 題，共 7 題")
    boxes = [box for picture in page.locator(".picture").all() if (box := picture.bounding_box())]
    assert boxes[0]["y"] == boxes[1]["y"], "the two pictures are not side by side"
    page.locator(".picture").first.tap()
    expect(page.get_by_role("status")).to_have_text("第 2 題，共 7 題")
    swipe(page, 300, 60)
    expect(page.get_by_role("status")).to_have_text("第 3 題，共 7 題")
    page.get_by_role("button", name="分不出高下").tap()
    expect(page.get_by_role("status")).to_have_text("第 4 題，共 7 題")
    assert page.evaluate(wide) == 0
    assert sorted(page.evaluate("Object.values(state.choices)")) == ["left", "left", "tie"]


def swipe(page: Page, start: int, end: int) -> None:
    """One finger across the pictures, which rests before it is lifted: of one that is flung, a browser takes the next
    tap for a stop."""
    touch = page.context.new_cdp_session(page)
    moves = [("touchMove", x) for x in ((start + end) // 2, end, end, end)]
    for kind, x in (("touchStart", start), *moves, ("touchEnd", None)):
        points = [] if x is None else [{"x": x, "y": 420}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(30)
