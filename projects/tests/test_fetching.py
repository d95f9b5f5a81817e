"""Reading a document from an address."""

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote

import pytest

from projects.addresses import is_never_read, is_public
from projects.fetching import AddressRefused, FetchError, SecretHeaders, fetch
from projects.openapi import MAX_BYTES, DocumentTooLarge

DOCUMENT = b'{"openapi": "3.0.0", "paths": {}}'

PACKED = {
    "/large": ("gzip", gzip.compress(b" " * (MAX_BYTES + 1), 1)),
    "/bomb": ("gzip, gzip", gzip.compress(gzip.compress(b" " * MAX_BYTES, 1))),
    "/packed": ("gzip", gzip.compress(DOCUMENT)),
    "/deflated": ("deflate", zlib.compress(DOCUMENT)),
    "/lies": ("gzip", DOCUMENT),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str]] = []
    secrets: list[tuple[str, str, str]] = []  # host, path, Authorization

    def do_GET(self) -> None:
        Handler.seen.append((self.headers["Host"], self.path))
        Handler.secrets.append((self.headers["Host"], self.path, self.headers.get("Authorization", "")))
        if self.path.startswith("/redirect/"):
            rest = int(self.path.rpartition("/")[2])
            self.answer(302, b"", Location=f"/redirect/{rest - 1}" if rest else "/openapi.json")
        elif self.path == "/away":
            self.answer(302, b"", Location="http://inner.example/secret")
        elif self.path == "/file":
            self.answer(302, b"", Location="file:///etc/passwd")
        elif self.path in PACKED:
            encoding, data = PACKED[self.path]
            self.answer(200, data, **{"Content-Encoding": encoding})
        elif self.path.startswith("/to/"):
            self.answer(302, b"", Location=unquote(self.path.removeprefix("/to/")))
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


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"]])
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
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(FetchError, match=r"no server is called nowhere\.example"):
        fetch("http://nowhere.example/x", allow_private=True, resolve=unknown)


def test_a_password_in_the_address_is_not_kept(server: str) -> None:
    address = server.replace("http://", "http://alice:secret@")
    assert fetch(f"{address}/openapi.json", allow_private=True).url == f"{server}/openapi.json"


METADATA = ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16",
            "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1"]  # fmt: skip


@pytest.mark.parametrize("address", METADATA)
@pytest.mark.parametrize("allow_private", [True, False])
def test_the_keys_of_clouds_are_never_read(address: str, allow_private: bool) -> None:
    assert is_never_read(address)
    assert not is_public(address)
    with pytest.raises(AddressRefused, match="keys of their machines"):
        fetch("http://nice.example/", allow_private=allow_private, resolve=lambda host, port: ["127.0.0.1", address])


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fc00::1", "93.184.216.34"])
def test_what_is_private_may_be_allowed(address: str) -> None:
    assert not is_never_read(address)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "[::]", "localhost", "127.0.0.1.",
     "public.example@127.0.0.1", "127.0.0.1#@public.example", "[::ffff:7f00:1]"],
)  # fmt: skip
def test_this_machine_is_found_out_however_it_is_written(host: str) -> None:
    with pytest.raises((AddressRefused, FetchError)) as caught:
        fetch(f"http://{host}/openapi.json", allow_private=False)
    assert "nothing answers" not in str(caught.value)  # nobody knocked


def test_every_redirect_is_judged_anew(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projects.fetching.is_public", lambda address: address == "127.0.0.1")
    port = int(server.rpartition(":")[2])
    names = {"a.example": ["127.0.0.1"], "b.example": ["127.0.0.1"], "c.example": ["192.168.0.1"]}
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return names[host]

    last = f"http://c.example:{port}/openapi.json"
    second = f"http://b.example:{port}/to/{quote(last, safe='')}"
    first = f"http://a.example:{port}/to/{quote(second, safe='')}"
    with pytest.raises(AddressRefused, match=r"c\.example"):
        fetch(first, allow_private=False, resolve=resolve)
    assert asked == ["a.example", "b.example", "c.example"]


def test_a_name_is_asked_for_once_and_its_answer_is_used(server: str) -> None:
    port = int(server.rpartition(":")[2])
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    fetch(f"http://rebound.example:{port}/openapi.json", allow_private=True, resolve=lambda host, port: next(answers))
    assert next(answers) == ["10.0.0.1"]


@pytest.mark.parametrize("path", ["/packed", "/deflated"])
def test_a_packed_document_is_unpacked(server: str, path: str) -> None:
    assert fetch(f"{server}{path}", allow_private=True).data == DOCUMENT


def test_what_is_packed_twice_is_not_unpacked(server: str) -> None:
    with pytest.raises(FetchError, match="packs it in a way that was not asked for"):
        fetch(f"{server}/bomb", allow_private=True)


def test_what_is_not_packed_as_it_says_is_said(server: str) -> None:
    with pytest.raises(FetchError, match="not packed as it says"):
        fetch(f"{server}/lies", allow_private=True)


def test_a_name_server_that_does_not_answer_is_left() -> None:
    over = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        over.wait(10)
        return []

    start = time.monotonic()
    with pytest.raises(FetchError, match="did not answer in time"):
        fetch("http://slow.example/", allow_private=True, resolve=resolve, seconds=0.1)
    over.set()
    assert time.monotonic() - start < 2


def secret_for(origin: str) -> SecretHeaders:
    return SecretHeaders(origin, (("Authorization", "Bearer s3cret"),))


def test_secret_headers_go_to_their_host(server: str) -> None:
    Handler.secrets.clear()
    fetch(f"{server}/redirect/0", allow_private=True, secret=secret_for(server))
    assert {one for _host, _path, one in Handler.secrets} == {"Bearer s3cret"}


@pytest.mark.parametrize("origin", ["http://other.example:80", "https://{host}", "http://{name}:1", "http://x{host}"])
def test_secret_headers_go_to_no_other_host_scheme_or_port(server: str, origin: str) -> None:
    Handler.secrets.clear()
    host = server.removeprefix("http://")
    fetch(
        f"{server}/openapi.json",
        allow_private=True,
        secret=secret_for(origin.format(host=host, name=host.partition(":")[0])),
    )
    assert [one for _host, _path, one in Handler.secrets] == [""]


def test_secret_headers_do_not_follow_a_redirect_to_another_host(server: str) -> None:
    Handler.secrets.clear()
    port = int(server.rpartition(":")[2])
    there = quote(f"http://other.example:{port}/openapi.json", safe="")
    own = f"http://mine.example:{port}"
    fetch(f"{own}/to/{there}", allow_private=True, secret=secret_for(own), resolve=lambda host, port: ["127.0.0.1"])
    assert [(host.partition(":")[0], one) for host, _path, one in Handler.secrets] == [
        ("mine.example", "Bearer s3cret"),
        ("other.example", ""),
    ]


def test_a_login_in_the_address_does_not_follow_a_redirect_to_another_host(server: str) -> None:
    Handler.secrets.clear()
    port = int(server.rpartition(":")[2])
    there = quote(f"http://other.example:{port}/openapi.json", safe="")
    fetch(
        f"http://alice:s3cret@mine.example:{port}/to/{there}",
        allow_private=True,
        resolve=lambda host, port: ["127.0.0.1"],
    )
    assert [bool(one) for _host, _path, one in Handler.secrets] == [True, False]


def test_a_refused_address_is_said_without_its_login() -> None:
    with pytest.raises(AddressRefused) as caught:
        fetch("ftp://alice:s3cret@a.example/x", allow_private=True)
    assert "ftp://a.example/x" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_it_tells_how_much_is_there(server: str) -> None:
    told: list[int] = []
    fetch(f"{server}/openapi.json", allow_private=True, progress=told.append)
    assert told[-1] == len(DOCUMENT)
