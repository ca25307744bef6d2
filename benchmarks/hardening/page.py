"""Page: what a stranger could try on the page and its server, from the network, from another web page, or with a file.

    python benchmarks/hardening/page.py [--only WORD] [--write docs/security.md]

Every trial is made on a server started as `twinseed page` or `twinseed page --host 0.0.0.0`, by plain sockets, by the
page's own web socket, or in Chromium. The texts made to be run are shown with the page's Content-Security-Policy put
out of force: what is proved is that they are shown as texts, not that a browser would have stopped them. Bundles and
zips cannot be given to the page.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import product
from pathlib import Path
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(1, str(Path(__file__).parents[2] / "tests" / "support"))

from PIL import Image
from sample_run import write_sample

from benchmarks.hardening.fixtures.page import browser
from benchmarks.hardening.fixtures.page.server import EVERYWHERE, EVERYWHERE_6, Answer, PageServer, own_addresses
from benchmarks.hardening.table import REPOSITORY, Table, arguments
from compare.page.gates.password import COOKIE, FREE_TRIES, MOST_TRIES
from compare.runs.gallery import Gallery

RIGHT = "a long enough password"
MARKER = "only-for-the-owner-4711"
FORM = "application/x-www-form-urlencoded"

#: What leads out of a folder, in all the ways in which it has been written.
WAYS_OUT = r"""
    ../{} ../../{} ../../../../../../../../{} ..%2f..%2f{} %2e%2e/%2e%2e/{} %2e%2e%2f%2e%2e%2f{} ..%252f..%252f{}
    ..\..\{} ..%5c..%5c{} ....//....//{} ..;/..;/{} %c0%ae%c0%ae/{} ..%00/{} /{} //{} \\{} %2f{} file:///{} ~/{} C:\{}
    x/../../{} ./.././../{} {}%00.png
""".split()
GOALS = ("etc/passwd", "secret.txt", "runs/twinseed.db", "compare/page/app.py")
PREFIXES = """
    / /media/ /component/ /component/twinseed_slider/ /_stcore/bidi-components/
    /_stcore/bidi-components/twinseed_slider/ /static/ /app/static/
""".split()
TELLING = (b"root:", MARKER.encode(), b"SQLite format", b"def main(")
OUTSIDE_NAMES = (
    *r".. . ../secret.txt /etc/passwd ../../etc/passwd ..%2f..%2fetc ..\..\etc runs/../..".split(),
    *r"~ CON a/b a\b C:\ //server/x".split(),
    *"twinseed.db .trash .trash/x outside file:///etc %00 {0.__class__} $(id) <script>alert(1)</script>".split(),
    *("", " ", "\n", "\0", "a\0b", "x" * 300, "x" * 10_000, "\ud800", "\u202e", "' OR 1=1 --"),
)
FOREIGN_ORIGINS = """
    http://evil.example null http://localhost:{port} http://{name} file:// x http://{name}:1 http://[
    http://evil.example/{own} http://{own}.evil.example http://{own}@evil.example
    chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa http://{own},http://evil.example
""".split()
FOREIGN_NAMES = """
    evil.example evil.example:{port} 127.0.0.1.evil.example localhost.evil.example 0.0.0.0 {own}@evil.example
    192.168.1.1 evil.example#{own} [::ffff:5db8:d822] localhost@evil.example 127.0.0.1:80:80.evil.example [
""".split()
PATHS = """
    / /?run=x /favicon.png /static/js/index.js /media/x.png /_stcore/health /_stcore/metrics /_stcore/host-config
    /_stcore/agent/openapi.json /_stcore/agent/interact /component/x/y /_stcore/bidi-components/x/y
    /_stcore/upload_file/a/b /app/static/x /_stcore/script-health-check // /../ /%2e%2e/
""".split()
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE")
REQUESTS = """
    GET:/ POST:/ OPTIONS:/_stcore/upload_file/a/b GET:/media/x.png PUT:/_stcore/upload_file/a/b GET:/_stcore/health
""".split()


def bound(table: Table, home: Path) -> None:
    with PageServer(home) as server:
        kind = "bound to this computer: its other addresses"
        at = server.listens_at()
        table.add(kind, "" if at == {"0100007F"} else f"it listens at {at}")
        for address in own_addresses():
            try:
                socket.create_connection((address, server.port), timeout=3).close()
                table.add(kind, f"{address} answers")
            except OSError:
                table.add(kind)


def refused_hosts(table: Table) -> None:
    kind = "another host, without a password or with a poor one"
    hosts = (EVERYWHERE, EVERYWHERE_6, "", "*", socket.gethostname() or "host", *own_addresses()[:-1])
    for host, password in [*((host, None) for host in hosts), (EVERYWHERE, ""), (EVERYWHERE, "short")]:
        environ = {name: value for name, value in os.environ.items() if name != "TWINSEED_PAGE_PASSWORD"}
        done = subprocess.run(
            [sys.executable, "-m", "twinseed", "page", "--port", "0", "--host", host],
            cwd=REPOSITORY,
            env=environ if password is None else environ | {"TWINSEED_PAGE_PASSWORD": password},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        clear = done.returncode == 1 and "error: " in done.stderr and "hint: " in done.stderr
        table.add(kind, "" if clear else f"{host!r}: {done.returncode} {done.stderr[-200:]}")


def without_the_cookie(table: Table, server: PageServer) -> None:
    good = cookie_of(server)
    end, _, digest = good.partition(".")
    changed = (
        f"{int(end) + 9}.{digest}",
        f"{end}.{digest[:-1]}0x",
        f"{end}.{'0' * 64}",
        f"0{end}.{digest}x",
        f"-{good}",
    )
    forged = ("", "x", ".", f"{end}.é", "9" * 5000, good.upper(), *changed)
    kind = "asked without the password's cookie, or with a forged one"
    for path, method in product(PATHS, METHODS):
        table.add(kind, _closed(server.ask(path, method), f"{method} {path}"))
    for value in forged:
        sent = f"{COOKIE}={value}".encode().decode("latin-1")
        table.add(kind, _closed(server.ask("/", Cookie=sent), value))
        status = server.socket_status(Cookie=sent)
        table.add(kind, "" if status == 403 else f"the web socket answers {status} to {value}")
    through = server.ask("/", Cookie=f"{COOKIE}={good}").status, server.socket_status(Cookie=f"{COOKIE}={good}")
    table.add(kind, "" if through == (200, 101) else f"and with the right one {through}")


def _closed(answer: Answer, what: str) -> str:
    shut = answer.status in (400, 401, 405) and b"streamlit" not in answer.body.lower()
    return "" if shut else f"{what}: {answer.status} {answer.text[:100]}"


def guess(server: PageServer, password: str, path: str = "/", **headers: str) -> Answer:
    body = urlencode({"password": password}).encode()
    return server.ask(path, "POST", body, Content_Type=FORM, **headers)


def cookie_of(server: PageServer) -> str:
    return guess(server, RIGHT).headers["set-cookie"].partition(";")[0].removeprefix(f"{COOKIE}=")


def guessing(table: Table, home: Path) -> None:
    kind = "guesses at the password"
    environ = {"TWINSEED_PAGE_PASSWORD": RIGHT}
    with PageServer(home / "one", EVERYWHERE, **environ) as server:
        for path in ("//evil.example/", "/\\evil.example", "/%2f%2fevil.example"):
            there = guess(server, RIGHT, path).headers.get("location", "")
            table.add("the way on after the password", "" if there == "/" else f"{path} leads to {there}")
        body = urlencode({"password": "x"}).encode()
        waiting = []
        for _ in range(60):  # all but the last byte first, then all at once
            connection = socket.create_connection((server.name, server.port), timeout=30)
            head = f"POST / HTTP/1.1\r\nHost: {server.name}:{server.port}\r\nContent-Type: {FORM}\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:-1])
            waiting.append(connection)
        for connection in waiting:
            connection.sendall(body[-1:])
        statuses = [int(connection.recv(4096).split()[1]) for connection in waiting]
        for connection in waiting:
            connection.close()
        heard = statuses.count(401)
        for number in range(len(statuses)):
            table.add(kind, "" if number or heard <= FREE_TRIES + 1 else f"{heard} of 60 at once were heard")
        right = guess(server, RIGHT).status
        table.add(kind, "" if right == 429 else f"the right one gets {right} while it must wait")
    with PageServer(home / "many", EVERYWHERE, **environ) as server:
        heard = 0
        for number in range(3 * MOST_TRIES):
            claimed = f"10.{number // 250}.0.{number % 250}"
            answer = guess(server, "x", X_Forwarded_For=claimed, X_Real_IP=claimed, Forwarded=f"for={claimed}")
            heard += answer.status == 401
            table.add(kind, "" if heard <= MOST_TRIES else f"{heard} of as many addresses were heard")


def paths(table: Table, server: PageServer) -> None:
    kind = "paths that lead out"
    for prefix, way, goal in product(PREFIXES, WAYS_OUT, GOALS):
        path = prefix + way.format(goal)
        answer = server.ask(path)
        told = [word for word in TELLING if word in answer.body]
        table.add(kind, f"{path}: {answer.status} {told}" if told or answer.status >= 500 else "")
    for path in ("/" + "x" * 60_000, "/media/" + "%00" * 100, "/?" + "a=b&" * 10_000, "/media/x.png?" + "%ff" * 50):
        answer = server.ask(path)
        table.add(kind, f"{path[:40]}: {answer.status}" if answer.status >= 500 else "")


def run_names(table: Table, server: PageServer) -> None:
    """Names of runs, and languages, in the page's address. A link out of the runs folder lies there, called outside."""
    kind = "names of runs and languages that lead out"
    for name in OUTSIDE_NAMES:
        for query in (f"run={quote(name, errors='surrogatepass')}", f"lang={quote(name, errors='surrogatepass')}"):
            said = server.shown(query)
            told = [word for word in TELLING if word.decode() in said]
            wrong = told or "exception {" in said
            if query.startswith("run=") and name and "there is no run" not in said:
                wrong = True
            table.add(kind, f"{query[:60]}: {told or said[-600:]}" if wrong else "")


def other_pages(table: Table, server: PageServer) -> None:
    kind = "other pages: their Origin, their names for this computer"
    own = f"{server.name}:{server.port}"
    names = {"own": own, "name": server.name, "port": server.port}
    for origin in (one.format(**names) for one in FOREIGN_ORIGINS):
        table.add(kind, _refused(server.socket_status(Origin=origin), f"web socket from {origin}"))
        for method, _, path in (request.partition(":") for request in REQUESTS):
            answer = server.ask(path, method, Origin=origin)
            allowed = "access-control-allow-origin" in answer.headers
            told = f"{origin} may read {path}" if allowed else _refused(answer.status, f"{method} {path} from {origin}")
            table.add(kind, told)
    for host in ("", *(one.format(**names) for one in FOREIGN_NAMES)):
        table.add(kind, _refused(server.ask("/", Host=host).status, f"a page called {host}"))
        status = server.socket_status(Host=host, Origin=f"http://{host}")
        table.add(kind, _refused(status, f"web socket to {host}"))
    for host in (own, f"localhost:{server.port}", "localhost", "127.0.0.1:9000", f"[::1]:{server.port}"):
        status = server.ask("/", Host=host).status, server.socket_status(Host=host, Origin=f"http://{host}")
        table.add("its own page, by all its names", "" if status == (200, 101) else f"{host}: {status}")
    table.add(kind, f"it asked {there}" if (there := server.elsewhere()) else "")


def _refused(status: int, what: str) -> str:
    return "" if status in (400, 403) else f"{what}: {status}"


def uploads(table: Table, server: PageServer) -> None:
    kind = "uploads without a token, too large, without an end, of no session"
    xsrf = server.ask("/_stcore/health").headers["set-cookie"].partition(";")[0]
    token = {"Cookie": xsrf, "X_Xsrftoken": xsrf.partition("=")[2]}
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    with server.session() as session:
        path = f"/_stcore/upload_file/{session.name}/a"

        def put(content: bytes, where: str = path, **headers: str) -> int:
            frame = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n'
            body = frame + content + b"\r\n--b--\r\n"
            return server.ask(where, "PUT", body, Content_Type="multipart/form-data; boundary=b", **headers).status

        for headers in ({}, {"Cookie": xsrf}, {"X_Xsrftoken": "x"}, token | {"X_Xsrftoken": "x"}):
            status = put(picture.getvalue(), **headers)
            table.add(kind, "" if status == 403 else f"{list(headers)}: {status}")
        status = put(picture.getvalue(), "/_stcore/upload_file/nobody/a", **token)
        table.add(kind, "" if status == 400 else f"no session: {status}")
        status = put(picture.getvalue(), **token)
        table.add(kind, "" if status == 204 else f"a good one gets {status}")
        before = server.megabytes()
        status = put(bytes(65 * 2**20), **token)
        table.add(kind, "" if status == 413 else f"65 MB: {status}")
        status = _without_end(server, path, token)
        table.add(kind, "" if status == 413 else f"without an end: {status}")
        grown = server.megabytes() - before
        table.add(kind, "" if grown < 250 else f"they took {grown:.0f} MB", MB=grown)


def _without_end(server: PageServer, path: str, token: dict[str, str]) -> int:
    """Sends a body in chunks for as long as it is taken, 500 MB at most, and returns the status."""
    lines = (
        f"PUT {path} HTTP/1.1",
        f"Host: {server.name}:{server.port}",
        "Transfer-Encoding: chunked",
        "Content-Type: multipart/form-data; boundary=b",
        f"Cookie: {token['Cookie']}",
        f"X-Xsrftoken: {token['X_Xsrftoken']}",
        "\r\n",
    )
    frame = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n'
    with socket.create_connection((server.name, server.port), timeout=30) as connection:
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(connection.recv(4096)), daemon=True)
        connection.sendall("\r\n".join(lines).encode() + b"%x\r\n%s\r\n" % (len(frame), frame))
        reader.start()
        try:
            for _ in range(500):
                connection.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")
                if answers:
                    break
        except OSError:
            pass  # it has heard enough
        reader.join(30)
    return int(answers[0].split()[1]) if answers and answers[0] else 0


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", metavar="WORD", help="the groups of trials that have it in their name")
    options = parser.parse_args()
    table = Table("page", ("MB",))
    for name, group in groups():
        if not options.only or options.only in name:
            print(name, file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as there:
                group(table, Path(there))
    return table.finish("python benchmarks/hardening/page.py --write docs/security.md", options.write)


def groups() -> Iterator[tuple[str, Callable[[Table, Path], None]]]:
    yield "bound", bound
    yield "hosts", lambda table, _: refused_hosts(table)
    yield "gate", gate
    yield "guessing", guessing
    yield "server", server_alone
    yield "browser", browser.trials


def gate(table: Table, home: Path) -> None:
    with PageServer(home, EVERYWHERE, TWINSEED_PAGE_PASSWORD=RIGHT) as server:
        without_the_cookie(table, server)
        table.add("asked for this computer's address", f"it asked {there}" if (there := server.elsewhere()) else "")


def server_alone(table: Table, home: Path) -> None:
    with PageServer(home / "here") as server:
        (home / "secret.txt").write_text(MARKER)
        (server.home / "secret.txt").write_text(MARKER)
        write_sample(Gallery(server.runs))
        outside = home / "outside"
        write_sample(Gallery(outside), observations=MARKER)
        (server.runs / "outside").symlink_to(next(path for path in outside.iterdir() if path.is_dir()))
        paths(table, server)
        run_names(table, server)
        other_pages(table, server)
        uploads(table, server)
        said = server.log.read_text()
        table.add("tracebacks in the server's log", said[-500:] if "Traceback" in said else "")


if __name__ == "__main__":
    sys.exit(main())
