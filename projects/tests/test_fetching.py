"""Reading a document from an address."""

import gzip
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from projects.fetching import AddressRefused, FetchError, fetch, is_public
from projects.openapi import MAX_BYTES, DocumentTooLarge

DOCUMENT = b'{"openapi": "3.0.0", "paths": {}}'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        Handler.seen.append((self.headers["Host"], self.path))
        if self.path.startswith("/redirect/"):
            rest = int(self.path.rpartition("/")[2])
            self.answer(302, b"", Location=f"/redirect/{rest - 1}" if rest else "/openapi.json")
        elif self.path == "/away":
            self.answer(302, b"", Location="http://inner.example/secret")
        elif self.path == "/file":
            self.answer(302, b"", Location="file:///etc/passwd")
        elif self.path == "/large":
            self.answer(200, gzip.compress(b" " * (MAX_BYTES + 1)), **{"Content-Encoding": "gzip"})
        elif self.path == "/login":
            self.answer(401, b"")
        elif self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b" ")
                time.sleep(0.05)
        elif self.path == "/openapi.json":
            self.answer(200, DOCUMENT, **{"Content-Type": "application/json; charset=utf-8"})
        else:
            self.answer(404, b"")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    Handler.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *args: None  # type: ignore[method-assign]  # clients leave in the middle on purpose
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_it_reads_a_document(server: str) -> None:
    found = fetch(f"{server}/openapi.json#fragment", allow_private=True)
    assert (found.data, found.charset, found.url) == (DOCUMENT, "utf-8", f"{server}/openapi.json")


def test_it_follows_three_redirects_and_no_more(server: str) -> None:
    assert fetch(f"{server}/redirect/2", allow_private=True).url == f"{server}/openapi.json"
    with pytest.raises(FetchError, match="redirects more than 3 times"):
        fetch(f"{server}/redirect/3", allow_private=True)


@pytest.mark.parametrize(
    "url", ["", "openapi.json", "ftp://a.example/x", "file:///etc/passwd", "http://", "http://[::1", "javascript:1"]
)
def test_it_refuses_what_is_no_web_address(url: str) -> None:
    with pytest.raises(AddressRefused, match="http://"):
        fetch(url, allow_private=True)


def test_it_refuses_a_redirect_to_a_file(server: str) -> None:
    with pytest.raises(AddressRefused, match="file:/etc/passwd"):
        fetch(f"{server}/file", allow_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_open_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["169.254.169.254"], ["::1"]])
def test_a_name_that_leads_inside_is_refused(found: list[str]) -> None:
    with pytest.raises(AddressRefused, match=r"nice\.example is an address of this machine or of an inner network"):
        fetch("http://nice.example/openapi.json", allow_private=False, resolve=lambda host, port: found)


def test_a_redirect_to_the_inside_is_refused(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.fetching.is_public", lambda address: address == "127.0.0.1")
    port = int(server.rpartition(":")[2])
    inside = {"open.example": ["127.0.0.1"], "inner.example": ["10.0.0.1"]}
    with pytest.raises(AddressRefused, match=r"inner\.example"):
        fetch(f"http://open.example:{port}/away", allow_private=False, resolve=lambda host, port: inside[host])


def test_it_connects_to_the_address_that_was_checked(server: str) -> None:
    port = int(server.rpartition(":")[2])
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    fetch(f"http://named.example:{port}/openapi.json", allow_private=True, resolve=resolve)
    assert asked == ["named.example"]
    assert Handler.seen[-1] == (f"named.example:{port}", "/openapi.json")


def test_a_packed_flood_is_cut_off(server: str) -> None:
    with pytest.raises(DocumentTooLarge):
        fetch(f"{server}/large", allow_private=True)


def test_a_server_that_drips_is_left(server: str) -> None:
    start = time.monotonic()
    with pytest.raises(FetchError, match="did not answer in time"):
        fetch(f"{server}/slow", allow_private=True, seconds=0.2)
    assert time.monotonic() - start < 2


def test_it_says_what_the_server_answered(server: str) -> None:
    with pytest.raises(FetchError, match="asks for a login"):
        fetch(f"{server}/login", allow_private=True)
    with pytest.raises(FetchError, match="status 404"):
        fetch(f"{server}/nowhere", allow_private=True)


def test_it_says_that_nobody_answers() -> None:
    with pytest.raises(FetchError, match=r"nothing answers at 127\.0\.0\.1:9"):
        fetch("http://alice:secret@127.0.0.1:9/openapi.json", allow_private=True)


def test_it_says_that_a_name_is_not_found() -> None:
    def unknown(host: str, port: int) -> list[str]:
        import socket

        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(FetchError, match=r"no server is called nowhere\.example"):
        fetch("http://nowhere.example/x", allow_private=True, resolve=unknown)


def test_a_password_in_the_address_is_not_kept(server: str) -> None:
    address = server.replace("http://", "http://alice:secret@")
    assert fetch(f"{address}/openapi.json", allow_private=True).url == f"{server}/openapi.json"
