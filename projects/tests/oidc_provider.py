"""A small OpenID Connect provider that speaks HTTP on this machine: discovery, keys, authorize, token, userinfo.

It keeps to the code flow (OpenID Connect Core 3.1) and to PKCE (RFC 7636) as strictly as a real one, and can be told
what to do wrong.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "metric-vault", "client-s3cret"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class ProviderOfTests:
    """`person`: who is logged in there (their claims). The rest spoils what it says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.person: dict[str, Any] = {"sub": "a1", "preferred_username": "ada", "email": "ada@example.com"}
        self.more: dict[str, Any] = {}  # what only userinfo says
        self.spoil: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.signed_with, self.algorithm = "its own", "RS256"
        self.refuses = ""  # an error instead of a code
        self.broken: set[str] = set()  # paths that answer 500
        self.issuer = url
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        own = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": nonce, **self.person}
        secret: Any = key(self.signed_with) if self.algorithm == "RS256" else SECRET.ljust(32, "x")
        return jwt.encode(self.spoil(own), secret, self.algorithm, headers={"kid": "k1"})


class Answers(BaseHTTPRequestHandler):
    provider: ProviderOfTests

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._answer({name: values[0] for name, values in parse_qs(body).items()})

    def _answer(self, form: dict[str, str]) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.provider.asked.append(parts.path)
        if parts.path in self.provider.broken:
            return self._say(500, {"error": "broken"})
        known: dict[str, Callable[[], None]] = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self._keys,
            "/authorize": lambda: self._authorize(asked),
            "/token": lambda: self._token(form),
            "/userinfo": self._userinfo,
        }
        known.get(parts.path, lambda: self._say(404, {}))()

    def _discovery(self) -> None:
        at = self.provider.url
        self._say(200, {
            "issuer": self.provider.issuer, "authorization_endpoint": f"{at}/authorize", "jwks_uri": f"{at}/keys",
            "token_endpoint": f"{at}/token", "userinfo_endpoint": f"{at}/userinfo",
            "end_session_endpoint": f"{at}/logout",
        })  # fmt: skip

    def _keys(self) -> None:
        own = jwt.algorithms.RSAAlgorithm.to_jwk(key("its own").public_key(), as_dict=True)
        self._say(200, {"keys": [{**own, "kid": "k1", "alg": "RS256", "use": "sig"}]})

    def _authorize(self, asked: dict[str, str]) -> None:
        right = asked["client_id"] == CLIENT and asked["response_type"] == "code" and "openid" in asked["scope"].split()
        if not right or asked["code_challenge_method"] != "S256" or len(asked["nonce"]) < 16:
            return self._say(400, {"error": "invalid_request"})
        code = secrets.token_urlsafe(8)
        self.provider.codes[code] = asked
        said = {"error": self.provider.refuses} if self.provider.refuses else {"code": code}
        self.send_response(302)
        self.send_header("Location", f"{asked['redirect_uri']}?{urlencode({**said, 'state': asked['state']})}")
        self.end_headers()
        return None

    def _token(self, form: dict[str, str]) -> None:
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        begun = self.provider.codes.pop(form.get("code", ""), None)
        if self.headers.get("Authorization") != f"Basic {basic}" or begun is None:
            return self._say(401 if begun else 400, {"error": "invalid_grant"})
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()
        if challenge != begun["code_challenge"] or form["redirect_uri"] != begun["redirect_uri"]:
            return self._say(400, {"error": "invalid_grant"})
        token = self.provider.id_token(begun["nonce"])
        return self._say(200, {"access_token": "at-1", "token_type": "Bearer", "id_token": token})

    def _userinfo(self) -> None:
        known = self.headers.get("Authorization") == "Bearer at-1"
        self._say(200 if known else 401, {**self.provider.person, **self.provider.more} if known else {})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running_provider() -> Iterator[ProviderOfTests]:
    """The provider, on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Answers,), {}))
    server.RequestHandlerClass.provider = ProviderOfTests(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.RequestHandlerClass.provider  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
