"""The HTTP client of apps, against real servers on loopback: what is tried again, what is refused, what is said."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from repertory_sdk import ActionFailed, App, Secret, setting
from repertory_sdk.http import Http, HttpAsset, reason_in, shortened

app = App("probe", version="1.0.0")


@app.asset
class Probe(HttpAsset):
    url: str = setting("Where")
    key: Secret = setting("Key", default=Secret("k3y-of-nobody"))


@contextmanager
def serving(answers, *, tls=None):
    """A server that gives one answer after the other, the last one for ever: (status, headers, body)."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = answers[min(len(seen), len(answers)) - 1]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), "Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


FINE = (200, {}, b'{"fine": true}')


def api(url, **settings):
    return Http("Probe", Probe(url=url, **{"timeout_s": 2.0, **settings}))


@pytest.mark.parametrize("wait", ["0", "Thu, 01 Jan 2026 00:00:00 GMT"])
def test_a_request_that_may_be_repeated_is_tried_again_when_the_product_says(wait):
    with serving([(503, {"Retry-After": wait}, b"{}"), FINE]) as (url, seen):
        assert api(url).get("/x").json() == {"fine": True}
    assert len(seen) == 2


def test_a_request_that_may_not_be_repeated_is_sent_once():
    with serving([(503, {"Retry-After": "0"}, b"{}"), FINE]) as (url, seen), pytest.raises(ActionFailed, match="503") as caught:
        api(url).post("/x", json={"a": 1})
    assert (len(seen), caught.value.retry, caught.value.retry_after_s) == (1, True, 0)


def test_nobody_sleeps_for_a_day():
    with serving([(429, {"Retry-After": "86400"}, b'{"message": "quota"}')]) as (url, seen), pytest.raises(ActionFailed, match="429: quota; ") as caught:
        api(url).get("/x")
    assert (len(seen), caught.value.retry_after_s) == (1, 86400)


def test_credentials_are_not_taken_to_another_host():
    with serving([FINE]) as (other, others):
        moved = (302, {"Location": f"{other}/y"}, b"")
        with serving([moved]) as (url, _), pytest.raises(ActionFailed, match=r"was sent on to http://127\.0\.0\.1:"):
            api(url).get("/x")
    assert others == []


def test_redirects_on_the_same_host_are_followed_a_few_times():
    with serving([(302, {"Location": "/y"}, b""), FINE]) as (url, seen):
        assert api(url).get("/x").status == 200
    assert [path for _, path, _, _ in seen] == ["/x", "/y"]
    with serving([(302, {"Location": "/x"}, b"")]) as (url, _), pytest.raises(ActionFailed, match="in a circle"):
        api(url).get("/x")


def test_what_a_product_repeats_of_a_secret_is_not_shown():
    with serving([(403, {}, b'{"error": {"message": "key k3y-of-nobody may not"}}')]) as (url, _), pytest.raises(ActionFailed) as caught:
        api(url).get("/of/k3y-of-nobody", params={"key": "k3y-of-nobody"})
    assert str(caught.value) == (
        "Probe: GET /of/*** was answered with 403: key *** may not; check what the account of the asset is permitted"
    )


def test_a_body_without_an_end_is_given_up(tmp_path):
    with serving([(200, {"Content-Length": "99"}, b"{")]) as (url, _), pytest.raises(ActionFailed, match=r"within 0\.3 s"):
        api(url, timeout_s=0.3, retries=0).get("/x")


def test_more_than_the_limit_is_not_kept():
    with serving([(200, {}, b"x" * 100_001)]) as (url, _), pytest.raises(ActionFailed, match="more than 100,000 bytes"):
        api(url).get("/x", limit=100_000)


def test_a_status_that_is_an_answer_is_no_failure():
    with serving([(404, {}, b"{}")]) as (url, _):
        assert api(url).get("/x", accept=(404,)).status == 404


def test_a_proxy_is_asked_instead():
    with serving([FINE]) as (proxy, seen):
        assert api("http://product.example", proxy=proxy).get("/x").status == 200
    assert seen[0][1] == "http://product.example/x"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself: (context of a server, path of the certificate)."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "probe")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem, secret = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, pem


def test_an_unknown_certificate_is_refused_and_a_named_ca_is_trusted(certificate):
    context, pem = certificate
    with serving([FINE], tls=context) as (url, seen):
        with pytest.raises(ActionFailed, match=r"does not trust 127\.0\.0\.1:\d+ \(self.signed certificate\); set ca_file"):
            api(url, retries=0).get("/x")
        assert seen == []
        assert api(url, ca_file=str(pem)).get("/x").status == 200
        with pytest.warns(Warning, match="Unverified"):
            assert api(url, verify_tls=False).get("/x").status == 200


@pytest.mark.parametrize("url", ["", "inventory", "ftp://x"])
def test_what_is_no_url_is_said(url):
    with pytest.raises(ActionFailed, match="set url to one such as"):
        api(url).get("/x")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"errors": [{"detail": "bad key"}]}', "bad key"),
        ('{"error": {"message": "no such host", "code": 7}}', "no such host"),
        ('{"messages": [{"type": "WARN", "text": "not authenticated"}]}', "not authenticated"),
        ("<html><style>p{}</style><p>Sign&nbsp;in</p>", "Sign&nbsp;in"),
        ("plain", "plain"),
        ("[]", "[]"),
        ("", ""),
    ],
)
def test_the_sentence_in_an_error(body, reason):
    assert shortened(reason_in(body)) == reason
