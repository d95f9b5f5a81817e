"""Where a document comes from: an address, a file or a text becomes a `Source`, with every refusal as a sentence.

This is the edge where the pure rooms' sentences are translated, and where their errors get a status and a field.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from metricvault.lib.errors import Busy, Detail, ProductError, Refused, TooLarge, Unreachable
from projects.addresses import without_login
from projects.discovery import Discovery
from projects.fetching import AddressRefused, Fetched, FetchError, Progress, checked_url
from projects.openapi import MAX_BYTES, ApiDocument, DocumentError, DocumentTooLarge, Sentence, Warning
from projects.openapi.read import too_large
from projects.reading import ReadApi, ReaderBusy, read_api
from projects.sealing import origin_of
from projects.secret_headers import SecretHeaders

Result = TypeVar("Result")
PASTED = "text of a person"  # the character set of a payload that was pasted, not sent as bytes


class Readable(Protocol):
    """An upload, or any file opened for its bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The bytes of a document as they came. `field` is what the person gave: openapi_url, file or document."""

    field: str
    data: bytes
    charset: str = ""
    url: str = ""
    name: str = ""

    @property
    def sum(self) -> str:
        """SHA-256 of the bytes, in hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was read: where it is from and what it describes."""

    payload: Payload
    text: str
    warnings: tuple[Warning, ...]
    api: ApiDocument

    @property
    def text_hash(self) -> str:
        """SHA-256 of the text, as `OpenApiSpec.document_hash` keeps it."""
        return hashlib.sha256(self.text.encode("utf-8", "replace")).hexdigest()


def given(url: str | None, text: str | None, file: Readable | None) -> Payload | None:
    """The payload of a text or a file; None for an address. Raises `Refused` unless exactly one source is given,
    `TooLarge` for more than is ever read."""
    if len([source for source in (url, text, file) if source]) != 1:
        raise Refused(
            _("Give one source of the document: its address, a file, or its text."),
            [Detail("openapi_url", _("Give the address of the document."))],
        )
    found = None
    if text:
        found = Payload("document", text.encode("utf-8", "surrogatepass"), PASTED)
    elif file is not None:
        found = Payload("file", file.read(MAX_BYTES + 1), name=str(getattr(file, "name", "") or "")[:255])
    if found is not None and len(found.data) > MAX_BYTES:
        raise _as(TooLarge, too_large().sentence, found.field)
    return found


def check_address(url: str) -> None:
    """Raises `Refused` for what is no web address, before anybody waits for it."""
    _refusing("openapi_url", lambda: checked_url(url))


def fetch_source(
    url: str,
    secret: SecretHeaders | None = None,
    progress: Progress | None = None,
    reading: Callable[[], None] | None = None,
) -> Source:
    """The document at an address, or behind the page that is there. `reading` is called now and then while it is read.

    Raises `Refused`, `TooLarge`, `Unreachable`, each with the field openapi_url.
    """

    def read(answer: Fetched) -> ReadApi:
        if reading:
            reading()
        return read_api(answer.data, answer.charset, answer.url, reading)

    secret = secret or login_of(url)
    look = Discovery(allow_private=settings.METRICVAULT_IMPORT_PRIVATE, secret=secret, progress=progress)
    answer, found = _refusing("openapi_url", lambda: look.find(url, read))
    payload = Payload("openapi_url", answer.data, answer.charset, answer.url, _host(answer.url))
    return Source(payload, found.text, found.warnings, found.api)


def read_source(payload: Payload, reading: Callable[[], None] | None = None) -> Source:
    """Reads the bytes of a document. Raises `Refused` or `TooLarge`, each with the field of the payload."""
    pasted = payload.charset == PASTED
    data: bytes | str = payload.data.decode("utf-8", "surrogatepass") if pasted else payload.data
    charset = "" if pasted else payload.charset
    found = _refusing(payload.field, lambda: read_api(data, charset, payload.url, reading))
    return Source(payload, found.text, found.warnings, found.api)


def login_of(url: str) -> SecretHeaders | None:
    """The header that a user name and password in an address mean, as browsers send it."""
    try:
        parts = urlsplit(url.strip())
        user, password = parts.username, parts.password
    except ValueError:
        return None
    if user is None and password is None:
        return None
    login = f"{unquote(user or '')}:{unquote(password or '')}".encode()
    return SecretHeaders(origin_of(url), (("Authorization", f"Basic {base64.b64encode(login).decode('ascii')}"),))


def _host(url: str) -> str:
    return without_login(url).partition("://")[2].partition("/")[0]


def _refusing(field: str, work: Callable[[], Result]) -> Result:
    try:
        return work()
    except AddressRefused as error:
        raise _as(Refused, error.sentence, field) from None
    except FetchError as error:
        raise _as(Unreachable, error.sentence, field) from None
    except DocumentTooLarge as error:
        raise _as(TooLarge, error.sentence, field) from None
    except DocumentError as error:
        raise _as(Refused, error.sentence, field) from None
    except ReaderBusy:
        raise Busy(_("Other large documents are being read. Try again in a minute.")) from None


def _as(kind: type[ProductError], sentence: Sentence, field: str) -> ProductError:
    message = translated(sentence)
    return kind(message, [Detail(field, message)])


def translated(sentence: Sentence) -> str:
    """A sentence of the pure rooms in the reader's language."""
    values = dict(sentence.values)
    if isinstance(values.get("what"), str):
        values["what"] = _(str(values["what"]))
    return _(sentence.template) % values


def kept(where: str, sentence: Sentence) -> dict[str, Any]:
    """A finding as it is kept: with what a later translation needs."""
    return {
        "where": where,
        "message": str(sentence),
        "template": sentence.template,
        "values": dict(sentence.values),
    }


def told(entry: Mapping[str, Any]) -> dict[str, str]:
    """A kept finding in the reader's language: where, message."""
    template, values = entry.get("template"), entry.get("values")
    message = str(entry.get("message", ""))
    if isinstance(template, str) and template and isinstance(values, dict):
        message = translated(Sentence(template, values))
    return {"where": str(entry.get("where", "")), "message": message}
