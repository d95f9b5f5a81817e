"""Who somebody is: passwords and secrets by a rule, tokens that carry their own proof, so nothing has to be kept.

A password is `pw-` and the part of the e-mail address before the @, a client's secret is `secret-` and its id, an API
key is `key-` and anything. Files of users can be made for any number of them.
"""

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass
from hashlib import sha256
from zlib import crc32

from demo.schemas import Json

LONGEST = 254


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token was given to: `kind` is how (login, password, client_credentials), `name` an e-mail or client id."""

    kind: str
    name: str


class Tokens:
    """Gives tokens out and knows its own again; those of another process are strangers."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._given = 0

    def issue(self, holder: Holder, until: float) -> str:
        """A token that holds until that moment (seconds since 1970); never the same twice."""
        self._given += 1
        text = f"{holder.kind}\n{until:.3f}\n{self._given}\n{holder.name}"
        payload = base64.urlsafe_b64encode(text.encode()).rstrip(b"=")
        return f"{payload.decode()}.{self._proof(payload)}"

    def holder(self, token: str, now: float) -> Holder | None:
        """Whom it was given to; None where it is not of here, or holds no longer."""
        payload, _dot, proof = token.partition(".")
        if not hmac.compare_digest(proof.encode(), self._proof(payload.encode()).encode()):
            return None
        text = base64.urlsafe_b64decode(payload.encode() + b"=" * (-len(payload) % 4)).decode()
        kind, until, _number, name = text.split("\n", 3)
        return Holder(kind, name) if now < float(until) else None

    def _proof(self, payload: bytes) -> str:
        return hmac.new(self._secret, payload, sha256).hexdigest()[:32]


def is_password(email: object, password: object) -> bool:
    if not isinstance(email, str) or not isinstance(password, str) or len(email) > LONGEST:
        return False
    local, _at, host = email.rpartition("@")
    return bool(local and host) and email.isprintable() and password == f"pw-{local}"


def is_secret(client: str, secret: str) -> bool:
    return 0 < len(client) <= LONGEST and secret == f"secret-{client}"


def is_key(key: str) -> bool:
    return key.startswith("key-") and 4 < len(key) <= LONGEST


def user(email: str) -> Json:
    """The same number for the same address, always."""
    return {"id": crc32(email.encode(errors="replace")) % 1_000_000_000 + 1, "email": email}


def basic(header: str) -> tuple[str, str] | None:
    """Name and password of `Authorization: Basic …` (RFC 7617, in UTF-8); None where there are none."""
    scheme, _space, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(coded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    name, colon, password = text.partition(":")
    return (name, password) if colon else None
