"""Keeps secrets encrypted: what a copy of the database holds is no use alone.

Fernet of the cryptography package, with keys made of METRICVAULT_ENCRYPTION_KEY, or of SECRET_KEY where there is none,
others for each purpose. What an older key sealed (METRICVAULT_ENCRYPTION_KEY_FALLBACKS, SECRET_KEY,
SECRET_KEY_FALLBACKS) is still read, and is sealed by the newest one when it is next kept, or by `manage.py reseal`.
"""

import base64
import json
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.translation import gettext as _

from metricvault.lib.errors import Detail, Refused
from projects.secret_headers import SecretHeaders

MOST_HEADERS = 20
LONGEST_VALUE = 8000
HEADERS = "request headers of documents"
ENVIRONMENTS = "secrets of environments"
TOKENS = "access tokens"
DASHBOARDS = "tickets of dashboards"
PUSHES = "ingest tokens of runs"
PRINTS = "prints of keys"
_MARK, _NONCE = "~", 12
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}\Z")  # a token of RFC 9110
# The connection's own; what they say must agree with what is sent.
_NOT_OURS = {
    "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "keep-alive",
    "accept-encoding", "proxy-connection",
}  # fmt: skip


def seal(headers: SecretHeaders | None) -> str:
    """The encrypted form; "" for none."""
    if headers is None or not headers.pairs:
        return ""
    return seal_text(json.dumps({"origin": headers.origin, "pairs": headers.pairs}), HEADERS)


def unseal(sealed: str) -> SecretHeaders | None:
    """The headers; None where there are none, or where the key that sealed them is no longer there."""
    try:
        kept = json.loads(unseal_text(sealed, HEADERS) or "")
        pairs = tuple((str(name), str(value)) for name, value in kept["pairs"])
        return SecretHeaders(str(kept["origin"]), pairs)
    except (ValueError, KeyError, TypeError):
        return None


def seal_text(text: str, purpose: str) -> str:
    """The encrypted form of `text`, which is read for the same purpose only."""
    return _fernet(purpose).encrypt(text.encode()).decode("ascii")


def unseal_text(sealed: str, purpose: str) -> str | None:
    """The text; None where the key that sealed it is no longer there."""
    try:
        return _fernet(purpose).decrypt(sealed.encode("ascii", "replace")).decode()
    except InvalidToken:
        return None


def resealed(sealed: str, purpose: str) -> str | None:
    """The same text sealed by the newest key; None where the key that sealed it is no longer there."""
    try:
        return _fernet(purpose).rotate(sealed.encode("ascii", "replace")).decode("ascii")
    except InvalidToken:
        return None


def seal_short(text: str, purpose: str) -> str:
    """Like `seal_text`, for a column that is too short for Fernet's form: AES-256-GCM under a nonce of its own,
    39 characters and four for each three bytes of `text`. The marked form tells it from text that was never sealed."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(_raw_keys(purpose)[0]).encrypt(nonce, text.encode(), None)
    return _MARK + base64.urlsafe_b64encode(nonce + sealed).decode("ascii").rstrip("=")


def unseal_short(sealed: str, purpose: str) -> str | None:
    """The text; text that was never sealed as it is; None where the key that sealed it is no longer there."""
    if not sealed.startswith(_MARK):
        return sealed
    try:
        packed = base64.urlsafe_b64decode(sealed[1:] + "=" * (-len(sealed[1:]) % 4))
    except ValueError:
        return None
    for key in _raw_keys(purpose):
        with suppress(InvalidTag, ValueError):
            return AESGCM(key).decrypt(packed[:_NONCE], packed[_NONCE:], None).decode()
    return None


def key_prints() -> list[str]:
    """What tells the keys from each other without telling them, the newest first: eight digits each."""
    return [raw[:4].hex() for raw in _raw_keys(PRINTS)]


def _fernet(purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(raw)) for raw in _raw_keys(purpose)])


def _raw_keys(purpose: str) -> list[bytes]:
    """The newest first."""
    own = (settings.METRICVAULT_ENCRYPTION_KEY, *settings.METRICVAULT_ENCRYPTION_KEY_FALLBACKS)
    known = (*own, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [_raw_key(str(secret), purpose) for secret in known if secret]


@lru_cache(64)  # a push asks every second
def _raw_key(secret: str, purpose: str) -> bytes:
    return HKDF(SHA256(), 32, None, f"metricvault: {purpose}".encode()).derive(secret.encode())


def read_headers(text: str, url: str, field: str = "headers") -> SecretHeaders | None:
    """What a person wrote, `Name: value` a line, for the host of `url`. Raises `Refused` that never quotes a value."""
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            name, colon, value = line.partition(":")
            if not colon:
                raise _refused(
                    field, _("Line %(number)d is no header. Write it as “Name: value”.") % {"number": number}
                )
            pairs.append((name.strip(), value.strip()))
    return checked_headers(pairs, url, field)


def checked_headers(pairs: Iterable[tuple[str, str]], url: str, field: str = "headers") -> SecretHeaders | None:
    """Headers for the host of `url`, or None for none. Raises `Refused`."""
    found = tuple(pairs)
    if len(found) > MOST_HEADERS:
        raise _refused(field, _("At most %(count)d headers are sent.") % {"count": MOST_HEADERS})
    for position, (name, value) in enumerate(found, 1):
        if not _NAME.match(name):
            raise _refused(field, _("Header %(number)d has no name that HTTP knows.") % {"number": position})
        if name.lower() in _NOT_OURS:
            raise _refused(field, _("“%(name)s” is set by the connection itself. Leave it out.") % {"name": name})
        if len(value) > LONGEST_VALUE or not value.isascii() or not value.isprintable():
            raise _refused(field, _("The value of “%(name)s” has signs that a header cannot carry.") % {"name": name})
    return SecretHeaders(origin_of(url), found) if found else None


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, in lower case; "" for what is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname else ""


def _refused(field: str, message: str) -> Refused:
    return Refused(message, [Detail(field, message)])
