"""The page in Chromium: texts made to be run from every source, other pages, files dropped in, keys, requests to
elsewhere. All with one server, one browser and one server of an LLM."""

from __future__ import annotations

import json
import shutil
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from loopback import LoopbackServer, OpenAIWire, Reply
from playwright.sync_api import BrowserContext, expect, sync_playwright

from benchmarks.hardening.page_trials.server import PageServer
from benchmarks.hardening.page_trials.texts import choices, reports, runs_on_the_page, typed_and_dropped, write_runs
from benchmarks.hardening.page_trials.window import (
    NAME,
    PAYLOADS,
    READ,
    TEXT,
    Watch,
    choose,
    flat,
    made,
    opened,
    settle,
)
from benchmarks.hardening.table import Table

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
RENDER_MS = 150_000  # torch and the model are loaded first
SECRETS = ("sk-marker-of-openai-0815-4711", "AIza-marker-of-gemini-0815-4711")


def trials(table: Table, home: Path) -> None:
    if CHROMIUM is None:
        print("no Chromium: the trials in a browser are passed over")
        return
    models = home / "models"
    models.mkdir()
    (models / f"{NAME} of a model.safetensors").write_bytes(b"\2\0\0\0\0\0\0\0{}")
    for kind, entry in choices().items():
        (home / "config" / "twinseed" / kind).mkdir(parents=True)
        (home / "config" / "twinseed" / kind / "mine.yaml").write_text(yaml.safe_dump(entry, allow_unicode=True))
    with LoopbackServer(_replies()) as llm, sync_playwright() as playwright:
        keys = {"OPENAI_API_KEY": SECRETS[0], "GEMINI_API_KEY": SECRETS[1], "OPENAI_BASE_URL": f"{llm.url}/v1"}
        with PageServer(
            home / "page", **keys, TWINSEED_MODELS=str(models), XDG_CONFIG_HOME=str(home / "config")
        ) as server:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
            )
            watch = Watch(urlsplit(server.address).netloc)
            marks = write_runs(server)
            naked = browser.new_context(bypass_csp=True, viewport={"width": 1600, "height": 1200}, locale="en-US")
            runs_on_the_page(table, naked, server, watch, marks)
            typed_and_dropped(table, naked, server, watch)
            reports(table, naked, server, watch, marks)
            closed = browser.new_context(locale="en-US")
            answers_of_an_llm(table, closed, server, watch)
            second_line(table, closed, server)
            other_pages(table, closed, server)
            kind = "requests to elsewhere while all that was done"
            table.add(kind, f"the browser asked {watch.elsewhere[:3]}" if watch.elsewhere else "")
            table.add(kind, f"the server asked {there}" if (there := server.elsewhere()) else "")
            table.add(kind, "" if llm.requests else "the LLM was never asked, so this proves nothing")
            keys_nowhere(table, server, watch)
            browser.close()


def _replies() -> list[Reply]:
    """First an error that names the key, then an answer that is none, then one that is."""
    wire = OpenAIWire()
    good = json.dumps(
        {"simple": f"a dog, {TEXT}", "expanded": f"a brown dog at night, {TEXT}", "negative": f"blurry {TEXT}"}
    )
    error = wire.fails(400, f"{TEXT} your key is {SECRETS[0]}")
    return [error, error, error, wire.says(f"no JSON: {TEXT}"), wire.says(f"no JSON: {TEXT}"), wire.says(good)]


def answers_of_an_llm(table: Table, context: BrowserContext, server: PageServer, watch: Watch) -> None:
    page = opened(context, watch, server.address)
    page.get_by_label("Concept").fill("a dog riding a bicycle")
    page.get_by_text("Steps and size").click()
    steps = page.get_by_label("Steps", exact=True)
    steps.fill("1")
    steps.press("Enter")
    choose(page, "Expander", "OpenAI")
    named = page.get_by_label("Language model")
    named.fill("stand-in")
    named.press("Enter")
    kind = "texts made to be run, on the page"
    error, picture = page.locator("[data-testid=stAlertContentError]"), page.locator(".stage")
    errors = 0
    while errors < 8:
        page.get_by_role("button", name="Generate").click()
        settle(page)
        expect(page.get_by_role("button", name="Generate")).to_be_enabled(timeout=RENDER_MS)
        error.or_(picture).first.wait_for()
        settle(page)
        wrong = made(page, watch)
        if picture.count():
            break
        errors += 1
        shown = flat(page.evaluate(READ))
        wrong = wrong or ("" if PAYLOADS[0] in shown else f"not shown as it is: {error.inner_text()}")
        table.add(kind, f"an LLM's error: {wrong}" if wrong else "")
        table.add(
            "keys that an LLM's server names in its errors",
            f"the page shows the key: {shown[-300:]}" if any(key in shown for key in SECRETS) else "",
        )
    table.add(kind, f"an LLM's answer: {wrong}" if wrong else "")
    table.add(kind, "" if errors and picture.count() else f"{errors} errors, {picture.count()} pairs")
    page.close()


def second_line(table: Table, context: BrowserContext, server: PageServer) -> None:
    """Were there a text that is not shown as it is, the page's policy would stop what it does."""
    watch = Watch(urlsplit(server.address).netloc)
    page = opened(context, watch, server.address)
    for payload in PAYLOADS[:4]:
        page.evaluate("text => { document.body.insertAdjacentHTML('beforeend', text); }", payload)
    page.evaluate("""() => { const made = document.createElement('img'); made.src = 'http://evil.example/x.png';
      document.body.append(made); fetch('http://evil.example/').catch(() => 0); }""")
    page.wait_for_timeout(500)
    fired = [what for what in watch.fired if "dialog" in what]
    table.add("the page's own policy, with texts that break out", f"{fired}" if fired else "")
    page.close()


def other_pages(table: Table, context: BrowserContext, server: PageServer) -> None:
    """What a page of another server can do in the same browser."""
    kind = "another page in the same browser"
    page = context.new_page()
    picture = server.ask("/favicon.png")
    with _elsewhere() as address:
        page.goto(address)
        own = server.address
        for what, script in {
            "web socket": f"""new Promise(done => {{ const one = new WebSocket('ws://{urlsplit(own).netloc}/_stcore/stream',
              ['streamlit']); one.onopen = () => done(true); one.onerror = () => done(false); }})""",
            "reads the page": f"fetch('{own}/').then(() => true, () => false)",
            "posts": f"fetch('{own}/', {{method: 'POST', body: 'x'}}).then(() => true, () => false)",
            "shows a picture": f"""new Promise(done => {{ const one = new Image(); one.onload = () => done(true);
              one.onerror = () => done(false); one.src = '{own}/favicon.png'; }})""",
            "shows the page in a frame": f"""new Promise(done => {{ const one = document.createElement('iframe');
              one.src = '{own}/'; document.body.append(one);
              one.onload = () => {{ try {{ done(one.contentDocument === null ? 'loaded' : false); }}
                catch {{ done('loaded'); }} }}; }})""",
        }.items():
            got = page.evaluate(script)
            if what == "shows the page in a frame":  # a frame that was refused is an empty page of nobody's
                page.wait_for_timeout(1000)
                got = any(
                    frame.locator("#root").count() for frame in page.frames[1:] if "chrome-error" not in frame.url
                )
            table.add(kind, f"it {what}" if got else "")
        table.add(kind, "" if picture.status == 200 else "there is no picture that it could show")
    page.close()


@contextmanager
def _elsewhere() -> Iterator[str]:
    """The address of a server that has one page, which is not ours."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>another page</title><body>")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def keys_nowhere(table: Table, server: PageServer, watch: Watch) -> None:
    """After errors that named it, answers and pictures: the key is where it was given, in the environment, alone."""
    places: dict[str, bytes] = {"the web socket": b"".join(watch.frames)}
    for file in (path for path in server.home.parent.rglob("*") if path.is_file()):
        places[str(file.relative_to(server.home.parent))] = file.read_bytes()
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            places[f"the command line of process {process.parent.name}"] = process.read_bytes()
        except OSError:
            continue
    for place, content in places.items():
        found = [
            key
            for key in SECRETS
            for form in (key, key[::-1], b64encode(key.encode()).decode())
            if form.encode() in content
        ]
        table.add("keys: files, logs, cache, web socket, command lines", f"{place} has it" if found else "")
    written = [place for place in places if place.endswith("record.json")]
    table.add(
        "keys that an LLM's server names in its errors",
        "" if len(written) > 3 and watch.frames else f"too little was looked at: {list(places)[:20]}",
    )
