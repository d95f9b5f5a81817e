"""deploy/nginx/nginx.conf as it is, in a real nginx before a real web process: TLS, streams, and who may say where a
request came from."""

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User

from metricvault.supervise.programs import web_command
from projects.api_tokens import make_token
from projects.models import ApiToken
from tests.needs import find
from tests.product import ROOT
from tests.servers import Server, free_port, running
from tests.test_access_tokens import database_for_others

pytestmark = [pytest.mark.needs("nginx", "openssl"), pytest.mark.django_db(transaction=True), pytest.mark.thorough]
NAME, CLIENT, FORGED = "load.example.org", "127.0.0.2", "203.0.113.7"


@dataclass
class Proxied:
    """`folder`: certificate, and the web process's database where that is SQLite."""

    folder: Path
    web: str
    http: str
    https: str

    def client(self, base: str = "", address: str = CLIENT) -> httpx.Client:
        """A browser somewhere else, to which the product has its own name."""
        trusted = ssl.create_default_context(cafile=self.folder / "secrets" / "tls_certificate")
        transport = httpx.HTTPTransport(local_address=address, verify=trusted)
        base = base or self.https
        found = httpx.Client(base_url=base, transport=transport, timeout=10, headers={"Host": NAME})
        found.headers["X-Forwarded-For"] = FORGED
        return found


def certified(folder: Path) -> None:
    """What deploy/make-secrets makes, in another folder; for the name of the address, so that it is checked."""
    (folder / "deploy").mkdir()
    shutil.copy(ROOT / "deploy" / "make-secrets", folder / "deploy")
    subprocess.run([folder / "deploy" / "make-secrets", "localhost"], check=True, capture_output=True)


@contextmanager
def nginx(folder: Path, web: str, change: Callable[[str], str] = lambda text: text) -> Iterator[tuple[str, str]]:
    """nginx with our configuration, of which only places are other ones: its addresses without and with TLS."""
    plain, tls = free_port(), free_port()
    text = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    places = {
        " /tmp/": f" {folder}/",
        "/run/secrets/": f"{folder}/secrets/",
        "http://web:8000": web,
        "listen 8080": f"listen 127.0.0.1:{plain}",
        "listen 8443": f"listen 127.0.0.1:{tls}",
    }
    for given, here in places.items():
        assert given in text
        text = text.replace(given, here)
    text = re.sub(r"resolver [^;]+;", "", text)
    path = folder / "nginx.conf"
    path.write_text(change(text), encoding="utf-8")
    as_root = "user root; " if os.geteuid() == 0 else ""
    command = [find("nginx"), "-p", str(folder), "-c", str(path), "-e", "stderr", "-g", f"{as_root}daemon off;"]
    with running(Server("", command, tls, folder / "nginx.log")):
        yield f"http://127.0.0.1:{plain}", f"https://localhost:{tls}"


@contextmanager
def web_process(folder: Path) -> Iterator[str]:
    """The product behind TLS, as docker-compose.yml sets it; its proxy has the address 127.0.0.1."""
    port = free_port()
    own = {
        "METRICVAULT_DATA_DIR": str(folder),
        "DATABASE_URL": database_for_others(folder),
        "METRICVAULT_TLS": "true",
        "ALLOWED_HOSTS": f"{NAME},127.0.0.1",
        "SECRET_KEY_FILE": str(folder / "secrets" / "secret_key"),
        "PYTHONPATH": str(ROOT),
    }
    command = [*web_command(sys.executable, "127.0.0.1", port, "127.0.0.1")]
    command[command.index("metricvault.asgi:application")] = "tests.proxied:application"
    given = ["env", *(f"{name}={value}" for name, value in own.items()), *command]
    with running(Server(f"http://127.0.0.1:{port}", given, port, folder / "web.log")) as url:
        yield url


@pytest.fixture
def tokens(alice: User) -> list[str]:
    return [make_token(alice, name, ApiToken.Scope.READ)[1] for name in ("through", "straight")]


@pytest.fixture
def proxied(tokens: list[str], tmp_path: Path) -> Iterator[Proxied]:
    certified(tmp_path)
    with ExitStack() as stack:
        web = stack.enter_context(web_process(tmp_path))
        plain, tls = stack.enter_context(nginx(tmp_path, web))
        yield Proxied(tmp_path, web, plain, tls)


def without_our_line(text: str) -> str:
    """The configuration as nginx has it by itself."""
    return text.replace("proxy_buffering off;", "")


def first_event(client: httpx.Client, patience: float) -> str:
    """The first event, while the second has not been sent; "" where it does not arrive in so many seconds."""
    try:
        with client.stream("GET", "/test-stream", timeout=patience) as answer:
            return next(answer.iter_text())
    except httpx.ReadTimeout:
        return ""


def who_came_from_where(proxied: Proxied, tokens: list[str]) -> None:
    """Nobody outside says where a request came from."""
    with proxied.client() as client:
        client.get("/project", headers={"Authorization": f"Bearer {tokens[0]}"}).raise_for_status()
    # Past the proxy, and from an address that is none: its word is not taken.
    with proxied.client(proxied.web, "127.0.0.3") as client:
        client.headers["X-Forwarded-Proto"] = "https"
        client.get("/project", headers={"Authorization": f"Bearer {tokens[1]}"}).raise_for_status()
    assert addresses(proxied.folder) == {"through": CLIENT, "straight": "127.0.0.3"}


def addresses(folder: Path) -> dict[str, str]:
    """From where each token was last used, as the web process wrote it down."""
    import sqlite3
    from contextlib import closing

    question = "SELECT name, last_used_from FROM api_token"
    file = folder / "metricvault.sqlite3"
    if not file.exists():
        return dict(ApiToken.objects.values_list("name", "last_used_from"))
    with closing(sqlite3.connect(file)) as opened:
        return dict(opened.execute(question).fetchall())


def test_behind_the_proxy_nobody_says_where_a_request_came_from(proxied: Proxied, tokens: list[str]) -> None:
    """Both in one test: the web process costs seconds to start."""
    who_came_from_where(proxied, tokens)
    with ExitStack() as stack:
        client, plain = (stack.enter_context(proxied.client(base)) for base in (proxied.https, proxied.http))
        moved = plain.get("/runs/?q=1")
        assert (moved.status_code, moved.headers["Location"]) == (301, f"https://{NAME}/runs/?q=1")
        page = client.get("/accounts/login/")
        assert page.status_code == 200
        assert "max-age=31536000" in page.headers["Strict-Transport-Security"]
        assert "nginx/" not in page.headers["Server"]
        assert all("Secure" in cookie for cookie in page.headers.get_list("Set-Cookie"))
        assert client.get("/ingest/1/token/t1").status_code == 404
        assert client.post("/project", content=b"x" * (83 * 1024 * 1024)).status_code == 413
        assert first_event(client, 10) == "data: first\n\n"
        # What the line is there for.
        held = stack.enter_context(nginx(proxied.folder, proxied.web, without_our_line))
        other = stack.enter_context(proxied.client(held[1]))
        assert first_event(other, 0.6) == ""
