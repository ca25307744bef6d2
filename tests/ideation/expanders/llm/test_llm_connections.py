"""Between an expander and its server: proxies, plain HTTP and certificates, each named where it fails."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback import KEY, GeminiWire, LoopbackServer, OpenAIWire, Reply
from test_llm_expanders import GOOD, REQUEST

from ideation import ExpanderError
from ideation.expanders import Unreachable
from ideation.expanders.llm.openai_compatible import OpenAIExpander

OPENAI, GEMINI = OpenAIWire(), GeminiWire()


def openai_at(url: str) -> Any:
    return OpenAIExpander(KEY, "m", f"{url}/v1", 5.0)


def gemini_at(url: str) -> Any:
    return GEMINI.expander(url, 5.0)


def test_a_proxy_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    with pytest.raises(Unreachable) as caught:
        openai_at("http://llm.example").draft(REQUEST)
    assert "through the proxy in HTTP_PROXY" in caught.value.message
    assert "NO_PROXY=llm.example" in caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


def test_a_proxy_that_answers_for_the_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Reply(200, "<html><head><title>Squid: cannot connect</title></head></html>", content_type="text/html")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with LoopbackServer([page]) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(ExpanderError) as caught:
            openai_at("http://llm.example").draft(REQUEST)
    assert "a web page instead of an answer (Squid: cannot connect)" in caught.value.message
    assert "the proxy in http_proxy, which NO_PROXY=llm.example passes by" in caught.value.hint


@pytest.mark.parametrize("at", [openai_at, gemini_at])
def test_a_server_that_speaks_no_https(at: Callable[[str], Any]) -> None:
    with (
        LoopbackServer([OPENAI.says(GOOD)]) as server,
        pytest.raises(Unreachable, match="does not speak https") as caught,
    ):
        at(server.url.replace("http:", "https:")).draft(REQUEST)
    assert "write http:// in" in caught.value.hint


@pytest.mark.parametrize(("at", "variable"), [(openai_at, "SSL_CERT_FILE"), (gemini_at, "REQUESTS_CA_BUNDLE")])
def test_a_certificate_is_named(
    at: Callable[[str], Any], variable: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with LoopbackServer([OPENAI.says(GOOD)], tls=context) as server:
        with pytest.raises(Unreachable, match=r"certificate is not trusted \(self.signed certificate") as caught:
            at(server.url).draft(REQUEST)
        assert f"set {variable} to a file" in caught.value.hint
    monkeypatch.setenv(variable, "/nowhere/certificates.pem")
    with pytest.raises(Unreachable, match=f"the certificates in {variable} cannot be read"):
        at("https://127.0.0.1:9").draft(REQUEST)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of a server on the loopback interface, in one file."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
