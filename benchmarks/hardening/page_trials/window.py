"""A browser's window on the page, what it did, and what is to be read in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page

from benchmarks.hardening.table import Table

WAIT_MS = 20_000
#: What would be run, loaded, linked or turned into signs if it were not shown as it is.
PAYLOADS = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "<a href=javascript:alert(1)>x</a>",
    "[x](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "https://evil.example/x www.evil.example me@evil.example",
    r"$\href{javascript:alert(1)}{x}$",
    ":material/home: :red[x] :streamlit: :rainbow-background[x]",
    "&lt;b&gt; &#60;i&#62; `x` **x** ~~x~~",
    "-> <- -- >= {{7*7}} {0} %s",
)
TEXT = " ".join(PAYLOADS)
#: Without what no file name may have, and what a text of one line is.
NAME = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) :red[x] &lt;b&gt; `x` **x** www.evil.example"
#: Elements that nothing on the page or in the report makes but such a text.
MADE = """[onerror], [onload], a[href^=javascript], [href*='evil.example'], [src*='evil.example'], img[src='x'],
#root script, iframe, .katex, b > i, [aria-label='home icon'], img[alt='Streamlit logo']"""
#: What is to be read on the page, in its text, its fields, and the texts for those who do not see.
READ = """() => { for (const sign of document.querySelectorAll('sup, .sign, .spoken')) sign.style.display = 'none';
  return [document.body.innerText,
  ...[...document.querySelectorAll('input, textarea')].map(one => one.value),
  ...[...document.querySelectorAll('[alt], [aria-label], [title]')].map(
     one => [one.alt, one.ariaLabel, one.title].join('\\n')),
  ...[...document.querySelectorAll('*')].filter(one => one.shadowRoot).map(one => one.shadowRoot.textContent)
  ].join('\\n'); }"""


@dataclass
class Watch:
    """What a browser's window did that no text may make it do: dialogs, scripts, requests to elsewhere."""

    own: str
    fired: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)

    def on(self, page: Page) -> Page:
        page.set_default_timeout(WAIT_MS)
        page.on("dialog", lambda dialog: (self.fired.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.fired.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))
        page.on("websocket", self._socket)
        return page

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "file") and parts.netloc != self.own:
            self.elsewhere.append(url)

    def _socket(self, socket: Any) -> None:
        self._asked(socket.url)
        for event in ("framereceived", "framesent"):
            socket.on(event, lambda sent: self.frames.append(sent if isinstance(sent, bytes) else sent.encode()))


def flat(text: str) -> str:
    """The text as it reads: what joins words is nothing, spaces are spaces, and so are names in quotes."""
    return " ".join(text.replace("\N{WORD JOINER}", "").replace("\\\\", "\\").replace('\\"', '"').split())


def made(page: Page, watch: Watch) -> str:
    """What a text made of itself on the page, or ""."""
    found = page.locator(MADE).evaluate_all("all => all.map(one => one.outerHTML.slice(0, 150))")
    fired, watch.fired[:] = list(watch.fired), []
    return f"{fired or found}"[:400] if fired or found else ""


def see(table: Table, page: Page, watch: Watch, source: str, text: str, mark: str = "") -> None:
    """Trials of a text that is shown on the page: one for each thing that it tries."""
    shown = flat(page.evaluate(READ))
    lost = made(page, watch)
    wanted = flat(f"{mark}{text}" if mark.endswith("'") else f"{mark} {text}")
    if not lost and wanted not in shown:
        at = shown.find(mark or wanted[:12])
        lost = f"not shown as it is, but {shown[at : at + 400]!r}" if at >= 0 else f"not shown: {shown[-300:]!r}"
    for payload in PAYLOADS if text == TEXT else (text,):
        table.add("texts made to be run, on the page", f"{source}, {payload}: {lost}" if lost else "")


def opened(context: BrowserContext, watch: Watch, url: str) -> Page:
    page = watch.on(context.new_page())
    page.goto(url)
    page.get_by_label("Concept").or_(page.get_by_label("構想")).first.wait_for()
    unfold(page, "settings")
    settle(page)
    return page


def unfold(page: Page, key: str) -> None:
    """Opens the box of that key, where it is folded: a click while something else still moves may go astray."""
    box = page.locator(f".st-key-{key} details").first
    for _ in range(10):
        if box.get_attribute("open") is not None:
            return
        box.locator("summary").first.click()
        page.wait_for_timeout(700)


def settle(page: Page) -> None:
    page.wait_for_timeout(300)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(500)


def otherwise(shown: str, mark: str) -> str:
    """How a text behind the mark is shown where it is not shown as it is, or "". It may be cut, and then says so."""
    text = flat(TEXT)
    for part in shown.split(mark)[1:]:
        given = part.strip()
        same = next((at for at, (one, other) in enumerate(zip(given, text, strict=False)) if one != other), len(text))
        if same < len(text) and not given[same:].startswith("…"):
            return f"not shown as it is, but {given[: same + 40]!r}"
    return ""


def choose(page: Page, label: str, option: str) -> None:
    field_ = page.get_by_role("combobox", name=label).first
    field_.click()
    field_.fill(option)
    page.get_by_role("option").filter(has_text=option).first.click()
    page.keyboard.press("Escape")
    settle(page)
