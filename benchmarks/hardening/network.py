"""Servers that hang, flood, lie or break off: each fault is asked by both expanders that speak to servers.

    python benchmarks/hardening/network.py [--only WORD] [--write docs/security.md]

Every trial runs in a process of its own, against a real server on the loopback interface that knows nothing of HTTP but
what the fault needs. It must end within the deadline and a second, in less than 200 MB more than before, with the draft
where the answer is only odd, and with an error that names the true reason where it is none; nothing that is said may
hold the key, in plain.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

import contextlib
import gzip
import ipaddress
import json
import re
import socket
import ssl
import struct
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from loopback import KEY, WIRES, RawServer, Wire

from benchmarks.hardening.child import Outcome, in_child
from benchmarks.hardening.table import Table, arguments
from ideation import DraftRequest, TwinseedError, typed_concept
from ideation.expanders.llm.gemini import GeminiExpander
from ideation.expanders.llm.openai_compatible import OpenAIExpander

DEADLINE_S, LIMIT_MB = 3.0, 200.0
DRAFT = json.dumps({"language": "en", "simple": "a dog", "expanded": "a dog on a beach, warm light"})
LATE, LONG, CUT = "gave no answer", "sends more than 1 MB", "broke off|Connection reset"
NO_HTTP = "not answer in HTTP"
NO_ANSWER = "answered with no(?:thing| message)|cannot be read"

Answer = Callable[[socket.socket, str], None]


@dataclass(frozen=True)
class Fault:
    """A server that answers as `answers(wire)` does. `named` is what the error must say, "" where it must be a draft.

    `url` is made of the server's host and port, `environ` set for the trial; `lists` asks the server for its models,
    `shows` asks about a picture, as the blind description does.
    """

    kind: str
    name: str
    answers: Callable[[Wire], Answer]
    named: str
    tls: ssl.SSLContext | None = None
    url: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    reads: bool = True
    lists: bool = False
    shows: bool = False
    deadline_s: float = DEADLINE_S


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = {"content-type": "application/json", "connection": "close"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    return "".join(
        (f"HTTP/1.1 {status}\r\n", *(f"{name}: {value}\r\n" for name, value in lines.items()), "\r\n")
    ).encode()


def says(*parts: bytes) -> Callable[[Wire], Answer]:
    """The same bytes to everybody."""
    return lambda wire: lambda connection, _: connection.sendall(b"".join(parts))


def whole(body: bytes, status: str = "200 OK", **headers: str) -> Callable[[Wire], Answer]:
    return says(head(status, content_length=str(len(body)), **headers), body)


def forever(begin: bytes, part: bytes, pause_s: float = 0.0, most: int = 3_000_000_000) -> Callable[[Wire], Answer]:
    """`begin`, and then `part` again and again, 3 GB at the most."""

    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(begin)
        for _ in range(most // len(part)):
            connection.sendall(part)
            if pause_s:
                time.sleep(pause_s)

    return lambda wire: answer


def hangs(begin: bytes = b"") -> Callable[[Wire], Answer]:
    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(begin)
        connection.settimeout(4 * DEADLINE_S)
        while connection.recv(65536):
            pass

    return lambda wire: answer


def resets(begin: bytes = b"") -> Callable[[Wire], Answer]:
    def answer(connection: socket.socket, _: str) -> None:
        connection.sendall(begin)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # to linger not is to reset

    return lambda wire: answer


def good(change: Callable[[bytes], bytes] = bytes, **headers: str) -> Callable[[Wire], Answer]:
    """The draft as the wire says it, its bytes changed."""
    return lambda wire: whole(change(wire.says(DRAFT).body.encode()), **headers)(wire)


def sends_on(location: str) -> Callable[[Wire], Answer]:
    """To an address in which {here} is the server's own host and port."""

    def answer(connection: socket.socket, asked: str) -> None:
        here = re.search(r"(?i)\r\nhost: *(\S+)", asked)
        there = location.replace("{here}", here[1] if here else "")
        connection.sendall(head("307 Temporary Redirect", location=there, content_length="0"))

    return lambda wire: answer


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def bomb(layers: int, packed: Callable[[bytes], bytes] = gzip.compress) -> bytes:
    content = bytes(1_000_000_000 if layers == 1 else 100_000_000)
    for _ in range(layers):
        content = packed(content)
    return content


def slow_servers() -> Iterator[Fault]:
    chunks = head(transfer_encoding="chunked")
    yield Fault("hangs and drips", "before the headers", hangs(), LATE)
    yield Fault("hangs and drips", "in the headers", hangs(b"HTTP/1.1 200 OK\r\ncontent-"), LATE)
    yield Fault("hangs and drips", "after the headers", hangs(head(content_length="100")), LATE)
    yield Fault("hangs and drips", "in the body", hangs(head(content_length="100") + b'{"cho'), LATE)
    yield Fault("hangs and drips", "in an error", hangs(head("500 Broken", content_length="100")), LATE)
    yield Fault(
        "hangs and drips", "before a TLS handshake", hangs(), LATE + "|timed out", url="https://{here}", reads=False
    )
    yield Fault("hangs and drips", "drips in the headers", forever(b"HTTP/1.1 200 OK\r\nx: ", b"y", 0.05), LATE)
    yield Fault("hangs and drips", "drips in the body", forever(head(), b" ", 0.05), LATE)
    yield Fault("hangs and drips", "drips in chunks", forever(chunks, b"1\r\n \r\n", 0.05), LATE)
    yield Fault("hangs and drips", "drips in an error", forever(head("404 Not Found"), b" ", 0.05), LATE)
    yield Fault("hangs and drips", "drips in a redirect", forever(head("307 X", location="/x"), b" ", 0.05), LATE)
    yield Fault("hangs and drips", "1xx for ever, slowly", forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05), LATE)
    yield Fault("hangs and drips", "a stream of events without end, slowly", forever(head(), b": wait\n\n", 0.05), LATE)


def floods() -> Iterator[Fault]:
    chunks, much = head(transfer_encoding="chunked"), b"x" * 65536
    yield Fault("floods", "a body without end", forever(head(), much), LONG)
    yield Fault("floods", "a body without end about a picture", forever(head(), much), LONG, shows=True)
    yield Fault("floods", "an error without end", forever(head("500 Broken"), much), LONG)
    yield Fault("floods", "a redirect without end", forever(head("307 X", location="/x"), much), LONG)
    yield Fault("floods", "chunks without end", forever(chunks, chunked(much)), LONG)
    yield Fault("floods", "small chunks without end", forever(chunks, chunked(b"x" * 100) * 100), LONG)
    yield Fault("floods", "one chunk of 16 EB", forever(chunks + b"f" * 15 + b"\r\n", much), LONG)
    yield Fault("floods", "a Content-Length of 9 GB", hangs(head(content_length="9000000000")), LONG)
    yield Fault("floods", "a Content-Length of 10^30", hangs(head(content_length="1" + "0" * 30)), f"{LONG}|{NO_HTTP}")
    yield Fault("floods", "2 MB that are a draft", good(lambda body: body + b" " * 2_000_000), LONG)
    yield Fault("floods", "a gzip bomb", whole(bomb(1), content_encoding="gzip"), LONG)
    yield Fault("floods", "a gzip bomb in an error", whole(bomb(1), "503 X", content_encoding="gzip"), LONG)
    yield Fault("floods", "a deflate bomb", whole(bomb(1, zlib.compress), content_encoding="deflate"), LONG)
    yield Fault("floods", "a bomb in a bomb", whole(bomb(2), content_encoding="gzip, gzip"), LONG)
    yield Fault(
        "floods", "events without end", forever(head(content_type="text/event-stream"), b"data: {}\n\n" * 999), LONG
    )
    yield Fault("floods", "a header of 1 MB", says(head(x="y" * 1_000_000), b"{}"), NO_HTTP)
    yield Fault("floods", "a header without end", forever(b"HTTP/1.1 200 OK\r\nx: ", much), NO_HTTP)
    many = {f"x{number}": "y" for number in range(10_000)}
    yield Fault("floods", "10,000 headers", says(head(**many), b"{}"), f"{NO_HTTP}|{NO_ANSWER}")
    yield Fault("floods", "headers without end", forever(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 999), NO_HTTP)
    yield Fault("floods", "1xx for ever", forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 99), LATE)
    name = b'{"id": "m", "name": "models/m", "supportedGenerationMethods": ["generateContent"]},'

    def models(begin: Callable[[Wire], Answer]) -> Callable[[Wire], Answer]:
        def made(wire: Wire) -> Answer:
            def answer(connection: socket.socket, asked: str) -> None:
                if asked.startswith("GET"):
                    begin(wire)(connection, asked)
                else:
                    whole(b'{"error": {"message": "no such model"}}', "404 Not Found")(wire)(connection, asked)

            return answer

        return made

    listed = forever(head() + b'{"data": [', name * 999)
    page = whole(b'{"models": [], "nextPageToken": "again"}')
    yield Fault("floods", "a list of models without end", models(listed), LONG + "|404", lists=True)
    yield Fault("floods", "a list of models without end, for a hint", models(listed), "404: no such model")
    yield Fault("floods", "pages of models without end", models(page), "404: no such model")


def broken() -> Iterator[Fault]:
    chunks = head(transfer_encoding="chunked")
    yield Fault("broken answers", "closed before the headers", says(), "broke off")
    yield Fault("broken answers", "closed in the headers", says(b"HTTP/1.1 200 OK\r\nconte"), f"{CUT}|{NO_ANSWER}")
    yield Fault("broken answers", "closed in the body", says(head(content_length="100") + b'{"cho'), CUT)
    yield Fault("broken answers", "closed in a chunk", says(chunks + b"ff\r\nabc"), CUT)
    yield Fault("broken answers", "closed between chunks", says(chunks + chunked(b"abc")), CUT)
    yield Fault(
        "broken answers",
        "closed in a gzip",
        whole(gzip.compress(b"{}" * 999)[:20], content_encoding="gzip"),
        "unpacked",
    )
    yield Fault("broken answers", "reset before the headers", resets(), CUT)
    yield Fault("broken answers", "reset in the headers", resets(b"HTTP/1.1 200 OK\r\nconte"), CUT)
    yield Fault("broken answers", "reset in the body", resets(head(content_length="100") + b'{"cho'), CUT)
    yield Fault(
        "broken answers", "reset in an error", resets(head("400 Bad", content_length="100") + b'{"err'), f"{CUT}|400"
    )
    yield Fault(
        "broken answers",
        "chunks of a wrong size",
        says(chunks + b"3\r\nabcdef\r\n0\r\n\r\n"),
        f"{NO_HTTP}|{CUT}",
    )
    yield Fault("broken answers", "chunks of no size", says(chunks + b"zz\r\nabc\r\n"), NO_HTTP)
    yield Fault("broken answers", "a chunk of a negative size", says(chunks + b"-5\r\nabc\r\n"), f"{NO_HTTP}|{CUT}")
    yield Fault("broken answers", "no HTTP", says(b"220 mail.example.org ESMTP\r\n"), f"{NO_HTTP}|{CUT}")
    yield Fault("broken answers", "a status of words", says(b"HTTP/1.1 fine OK\r\n\r\n"), NO_HTTP)
    yield Fault("broken answers", "random bytes", says(bytes(range(256)) * 40), NO_HTTP)
    yield Fault("broken answers", "packed as it says, and not", whole(b"{}", content_encoding="gzip"), "unpacked")
    yield Fault("broken answers", "packed with brotli", whole(b"\x0b\x02", content_encoding="br"), r"unpacked \(br\)")


def redirects() -> Iterator[Fault]:
    away = "sends on to another address"
    yield Fault("redirects", "in a circle", sends_on("/again"), "sends on in a circle")
    yield Fault("redirects", "to a file", sends_on("file:///etc/passwd"), away)
    yield Fault("redirects", "to another host", sends_on("http://127.0.0.2:9/"), away)
    yield Fault("redirects", "to another port", sends_on("http://127.0.0.1:9/"), away)
    yield Fault("redirects", "to javascript:", sends_on("javascript:alert(1)"), away)
    yield Fault("redirects", "to an address that is none", sends_on("http://[::1"), away)
    yield Fault("redirects", "to the key", sends_on(f"http://example.org/?key={KEY}"), away)
    yield Fault("redirects", "to nothing", sends_on(""), f"circle|307|{NO_ANSWER}")


def odd_answers() -> Iterator[Fault]:
    yield Fault("odd but whole", "called text/html", good(content_type="text/html"), "")
    yield Fault("odd but whole", "called a picture", good(content_type="image/png"), "")
    yield Fault("odd but whole", "without a type", good(content_type=""), "")
    yield Fault("odd but whole", "UTF-8 called Latin-1", good(content_type="application/json; charset=latin-1"), "")
    for charset in ("hex", "idna", "no-such-charset", "undefined"):
        yield Fault(
            "odd but whole", f"the charset {charset}", good(content_type=f"application/json; charset={charset}"), ""
        )
    for codec in ("utf-8-sig", "utf-16", "utf-16-le", "utf-32"):
        yield Fault("odd but whole", codec, good(lambda body, codec=codec: body.decode().encode(codec)), "")
    yield Fault("odd but whole", "gzip that was asked for", good(gzip.compress, content_encoding="gzip"), "")
    yield Fault(
        "odd but whole", "raw deflate", good(lambda body: zlib.compress(body)[2:-4], content_encoding="deflate"), ""
    )


def no_answers() -> Iterator[Fault]:
    page = b"<!DOCTYPE html><html><title>Sign in</title><form>password</form></html>"
    yield Fault("bodies that are none", "NUL bytes", whole(bytes(1000)), NO_ANSWER)
    yield Fault("bodies that are none", "random bytes", whole(bytes(range(256)) * 40), NO_ANSWER)
    yield Fault("bodies that are none", "nothing", whole(b""), NO_ANSWER)
    yield Fault("bodies that are none", "a page to log in", whole(page, content_type="text/html"), "web page")
    for name, body in {
        "lists 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
        "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "objects 900 deep": b'{"error":' * 900 + b'"x"' + b"}" * 900,
        "numbers of 10,000 digits": b'{"choices": %s, "candidates": %s}' % ((b"9" * 10_000,) * 2),
        "a code of 10,000 digits": b'{"error": {"code": "%s", "message": "no"}}' % (b"4" * 10_000),
        "a reason of 10,000 digits": b'{"candidates": [{"finishReason": "%s"}], "choices": []}' % (b"4" * 10_000),
        "a million braces": b"{" * 900_000,
        "a million lines": b"\n\n{" * 300_000,
    }.items():
        named = "answered|stopped|cannot be read"
        yield Fault("bodies that are none", name, whole(body), named)
        yield Fault("bodies that are none", f"{name}, in an error", whole(body, "400 Bad"), named)


def statuses() -> Iterator[Fault]:
    page = b"<!DOCTYPE html><html><title>Bad gateway</title></html>"
    for status in (400, 401, 403, 404, 405, 408, 409, 413, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 520, 599):
        for name, body in {"nothing": b"", "a page": page, "900 kB": b"x" * 900_000, "the key": KEY.encode()}.items():
            yield Fault(
                "every 4xx and 5xx", f"{status} with {name}", whole(body, f"{status} No"), str(status), deadline_s=1
            )
    date = "Wed, 21 Oct 9999 07:28:00 GMT"
    for wait in ("-5", "1" + "0" * 400, "nan", "inf", date, "soon", "Wed, 99 Foo 99999999999 99:99:99 GMT", "\xff"):
        yield Fault("Retry-After", wait[:30], whole(b"busy", "429 Busy", retry_after=wait), "429", deadline_s=1)
        yield Fault(
            "Retry-After", f"{wait[:30]} with 503", whole(b"busy", "503 Busy", retry_after=wait), "503", deadline_s=1
        )


def connections(folder: Path) -> Iterator[Fault]:
    trusted = {name: str(folder / "ca.pem") for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
    unsigned, wrong, expired, right = certificates(folder)
    ok = good()
    yield Fault("TLS", "signed by itself", ok, "certificate is not trusted .*self.signed", unsigned)
    yield Fault(
        "TLS", "for another host", ok, "certificate is not trusted .*(?:mismatch|not valid for)", wrong, environ=trusted
    )
    yield Fault("TLS", "expired", ok, "certificate is not trusted .*expired", expired, environ=trusted)
    yield Fault("TLS", "as it should be", ok, "", right, environ=trusted)
    yield Fault("TLS", "http on a port of https", ok, f"{NO_HTTP}|{CUT}", right, "http://{here}")
    yield Fault(
        "TLS",
        "https on a port of http",
        says(b"HTTP/1.1 400 Bad\r\n\r\n"),
        "does not speak https",
        url="https://{here}",
        reads=False,
    )
    yield Fault(
        "TLS",
        "a redirect from https to http",
        sends_on("http://{here}/"),
        "sends on to another",
        right,
        environ=trusted,
    )
    yield Fault(
        "TLS",
        "a file of certificates that is not there",
        ok,
        "certificates in",
        right,
        environ=dict.fromkeys(trusted, "/nowhere.pem"),
    )
    yield Fault("addresses", "a name that does not exist", ok, "cannot be reached: ", url="http://no-such-host.invalid")
    yield Fault("addresses", "a closed port", ok, "cannot be reached: Connection refused", url="http://127.0.0.1:9")
    yield Fault("addresses", "a port of 99999", ok, "not the address of a server", url="http://127.0.0.1:99999")
    yield Fault("addresses", "a broken IPv6 address", ok, "not the address of a server", url="http://[::1")
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9") | {"NO_PROXY": "", "no_proxy": ""}
    yield Fault("addresses", "a proxy that is not there", ok, "through the proxy in", environ=proxies)
    nonsense = dict.fromkeys(proxies, "nonsense://x y") | {"NO_PROXY": "", "no_proxy": ""}
    yield Fault("addresses", "a proxy that is none", ok, "through the proxy in", environ=nonsense)
    if socket.has_ipv6:
        with contextlib.suppress(OSError):
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
            yield Fault("addresses", "IPv6 in brackets", ok, "", host="::1")
            yield Fault(
                "addresses", "a closed IPv6 port", ok, "cannot be reached: Connection refused", url="http://[::1]:9"
            )


def certificates(folder: Path) -> tuple[ssl.SSLContext, ...]:
    """Of a server that signed its own, one for another host, an expired one and a right one; `ca.pem` signed the last
    three."""
    now, day = datetime.now(UTC), timedelta(days=1)
    issuer, ca_key = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")]),
        ec.generate_private_key(ec.SECP256R1()),
    )

    def made(name: str, host: str, ends: datetime, signer: ec.EllipticCurvePrivateKey | None) -> ssl.SSLContext:
        key = ca_key if name == "ca" else ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test" if name == "ca" else host)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer if signer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - 30 * day)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key((signer or key).public_key()), critical=False
            )
        )
        alternative = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
        builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        signed = builder.sign(signer or key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{name}.pem").write_bytes(signed.public_bytes(pem))
        (folder / f"{name}.key").write_bytes(private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
        return context

    made("ca", "a.test", now + day, None)
    here = "127.0.0.1"
    return (
        made("unsigned", here, now + day, None),
        made("wrong", "other.test", now + day, ca_key),
        made("expired", here, now - day, ca_key),
        made("right", here, now + day, ca_key),
    )


def ask(fault: Fault, wire: Wire, url: str) -> bool:
    """Whether there was a draft. Raises `TwinseedError`, which holds no key."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        os.environ.pop(name, None)
        os.environ.pop(name.lower(), None)
    os.environ.update(fault.environ)
    try:
        expander = wire.expander(url, fault.deadline_s)
        assert isinstance(expander, GeminiExpander | OpenAIExpander)
        if fault.lists and wire.name == "openai":
            expander = OpenAIExpander(KEY, None, f"{url}/v1", fault.deadline_s)
        if fault.shows:
            return bool(expander.ask(["What is this?", b"\x89PNG"]))
        draft = expander.draft(DraftRequest(typed_concept("a dog"), seed=7, token_limit=77))
    except TwinseedError as error:
        said = "".join(traceback.format_exception(error)) + error.message + error.hint
        if KEY in said:
            raise AssertionError("the key is told") from None
        raise
    return draft.simple == "a dog"


def lost(fault: Fault, outcome: Outcome) -> str:
    """What went wrong with it, or ""."""
    if outcome.crashed:
        return outcome.crashed.strip()[-300:]
    if fault.named and not re.search(fault.named, outcome.refused):
        return f"named no true reason: {outcome.refused or 'there was a draft'}"
    if not fault.named and outcome.value is not True:
        return f"no draft: {outcome.refused}"
    if outcome.seconds > fault.deadline_s + 1:
        return f"took {outcome.seconds:.1f} s"
    return f"took {outcome.megabytes:.0f} MB" if outcome.megabytes > LIMIT_MB else ""


def tried(fault: Fault, wire: Wire) -> Outcome:
    with RawServer(fault.answers(wire), tls=fault.tls, host=fault.host, reads=fault.reads) as server:
        url = fault.url.replace("{here}", server.address) or server.url
        return in_child(lambda: ask(fault, wire, url), DEADLINE_S + 10)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", metavar="WORD", help="the faults that have it in their kind or name")
    parser.add_argument("--verbose", action="store_true", help="say of each how it ended")
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package announces its own end of life
        import google.ai.generativelanguage
        import google.generativeai  # noqa: F401
        import openai  # noqa: F401
    table = Table("network", ("MB", "seconds"))
    with tempfile.TemporaryDirectory() as folder:
        groups = (slow_servers(), floods(), broken(), redirects(), odd_answers(), no_answers(), statuses())
        for fault in (fault for group in (*groups, connections(Path(folder))) for fault in group):
            if options.only and options.only not in f"{fault.kind} {fault.name}":
                continue
            for wire in WIRES:
                outcome = tried(fault, wire)
                if wrong := lost(fault, outcome):
                    wrong = f"{fault.name}, {wire.name}: {wrong}"
                if options.verbose:
                    ended = outcome.refused or outcome.crashed[-200:] or "a draft"
                    figures = f"{outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"
                    print(f"{fault.kind}: {fault.name}, {wire.name}: {figures}: {ended[:160]}", flush=True)
                table.add(fault.kind, wrong, MB=outcome.megabytes, seconds=outcome.seconds)
    return table.finish("python benchmarks/hardening/network.py", options.write)


if __name__ == "__main__":
    sys.exit(main())
