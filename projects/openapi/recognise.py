"""Says what a text is that is not an OpenAPI document, so that the person knows what to fetch instead."""

import re
from typing import Any

from projects.openapi.wording import DocumentError, Warnings, gettext_noop

_SIGNATURES = (
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "RAR"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "ELF"),
    (b"SQLite format 3", "SQLite"),
)
_NOT_OPENAPI = gettext_noop(
    "This seems to be %(what)s, not an OpenAPI or Swagger document. Import the OpenAPI document of the API."
)
POSTMAN = gettext_noop("This is a Postman collection. Export the API as OpenAPI 3 and import that.")
HTML = gettext_noop(
    "This is a web page (HTML), not an OpenAPI document. It may be a login page, or a page that shows the document: "
    "import the address of the document itself."
)


def refuse_by_first_bytes(data: bytes) -> None:
    """Raises `DocumentError` for nothing at all and for well-known binary files."""
    if not data.strip():
        raise _empty()
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            raise DocumentError(
                gettext_noop("This is a binary file (%(kind)s), not the text of an OpenAPI document."), kind=name
            )


def refuse_by_first_text(text: str) -> None:
    """Raises `DocumentError` for what its first characters give away."""
    start = text.lstrip("\ufeff \t\r\n")[:400].lower()
    if not start:
        raise _empty()
    if start.startswith(("<!doctype html", "<html", "<head", "<body")):
        raise DocumentError(HTML)
    if start.startswith("<"):
        if "<html" in start:
            raise DocumentError(HTML)
        raise DocumentError(
            gettext_noop("This is an XML document, not an OpenAPI document. WSDL and WADL cannot be imported.")
        )
    if start.startswith("#%raml"):
        raise DocumentError(gettext_noop("This is a RAML document. Convert it to OpenAPI 3 and import that."))
    for beginning, name in _BEGINNINGS:
        if beginning.match(start):
            raise DocumentError(_NOT_OPENAPI, what=name)


def _empty() -> DocumentError:
    return DocumentError(gettext_noop("The document is empty. Check the file, or the address it comes from."))


def check_document(value: Any, warnings: Warnings) -> dict[str, Any]:
    """`value` if it is an OpenAPI or Swagger document; raises `DocumentError` that names what it is instead."""
    if value is None:
        raise _empty()
    if isinstance(value, list):
        raise DocumentError(
            gettext_noop("The text is a list. An OpenAPI document is a mapping with “openapi” at the top.")
        )
    if not isinstance(value, dict):
        raise DocumentError(
            gettext_noop("The text is not an OpenAPI document: it reads “%(start)s”."), start=str(value)[:60]
        )
    _refuse_other_formats(value)
    _refuse_answers(value)
    version = value.get("openapi", value.get("swagger"))
    if version is None:
        paths = value.get("paths")
        if not (isinstance(paths, dict) and any(str(path).startswith("/") for path in paths)):
            raise DocumentError(
                gettext_noop(
                    "This is no OpenAPI document: it names no OpenAPI version and no paths (its keys: %(keys)s)."
                ),
                keys=", ".join(str(key) for key in list(value)[:5]),
            )
        warnings.add("", gettext_noop("The document does not say its OpenAPI version. It was read as OpenAPI 3."))
    return value


def _refuse_other_formats(value: dict[str, Any]) -> None:
    info = value.get("info")
    info = info if isinstance(info, dict) else {}
    if "openapi" in value or "swagger" in value:
        return
    if "asyncapi" in value:
        raise DocumentError(
            gettext_noop(
                "This is an AsyncAPI document. It describes messages, not HTTP requests, and cannot be imported."
            )
        )
    if isinstance(value.get("collection"), dict) and isinstance(value["collection"].get("item"), list):
        raise DocumentError(POSTMAN)
    if "_postman_id" in info or "getpostman.com" in str(info.get("schema", "")) or "_postman_variable_scope" in value:
        raise DocumentError(POSTMAN)
    if "swaggerVersion" in value or ("apis" in value and "paths" not in value):
        raise DocumentError(
            gettext_noop("This is a Swagger 1.x document. Convert it to OpenAPI 3 (Swagger 1.x is read no more).")
        )
    for key, name in _OTHERS:
        if key in value:
            raise DocumentError(_NOT_OPENAPI, what=name)
    _refuse_other_shapes(value)


def _refuse_other_shapes(value: dict[str, Any]) -> None:
    if str(value.get("type")).startswith(("collection.insomnia", "spec.insomnia")):
        raise DocumentError(_NOT_OPENAPI, what=gettext_noop("an Insomnia export"))
    if isinstance(value.get("services"), dict) and "paths" not in value:
        raise DocumentError(_NOT_OPENAPI, what=gettext_noop("a Docker Compose file"))
    if "json-schema.org" in str(value.get("$schema")) and "paths" not in value:
        raise DocumentError(_NOT_OPENAPI, what=gettext_noop("a JSON Schema"))
    if "apiVersion" in value and "kind" in value:
        raise DocumentError(_NOT_OPENAPI, what=gettext_noop("a Kubernetes manifest"))
    if isinstance(value.get("log"), dict) and "entries" in value["log"]:
        raise DocumentError(_NOT_OPENAPI, what=gettext_noop("a HAR recording"))


def _refuse_answers(value: dict[str, Any]) -> None:
    """What comes instead of a document: a server's refusal, or the configuration of the page that shows it."""
    if "openapi" in value or "swagger" in value or "paths" in value:
        return
    urls = value.get("urls")
    entries = urls if isinstance(urls, list) else [value] if "configUrl" in value else []
    named = [str(entry["url"]) for entry in entries if isinstance(entry, dict) and "url" in entry]
    if named:
        raise DocumentError(
            gettext_noop("This is the configuration of a Swagger UI. Import an address that it names: %(urls)s."),
            urls=", ".join(named[:5]),
        )
    said = next((value[key] for key in _ERROR_KEYS if value.get(key)), None)
    if said is not None and len(value) <= MOST_KEYS_OF_AN_ERROR:
        raise DocumentError(
            gettext_noop(
                "This is an error message of a server (“%(said)s”), not an OpenAPI document. "
                "The address may need a login, or a request header."
            ),
            said=said,
        )
    if len(value) == 1 and next(iter(value)).isdecimal():  # `404: Not Found` is YAML
        key, said = next(iter(value.items()))
        raise DocumentError(
            gettext_noop("The text is not an OpenAPI document: it reads “%(start)s”."), start=f"{key}: {said}"
        )


MOST_KEYS_OF_AN_ERROR = 8
_ERROR_KEYS = ("error_description", "message", "detail", "error", "errors", "title", "Message", "msg")
_BEGINNINGS = (
    (re.compile(r"format:\s*1a\b"), gettext_noop("an API Blueprint document")),
    (re.compile(r"syntax\s*=\s*[\"']proto"), gettext_noop("a protocol buffer definition")),
    (re.compile(r"(type|schema|extend type|scalar|directive)\s[^:\n]*\{"), gettext_noop("a GraphQL schema")),
    (
        re.compile(r"(const|var|let|import|export|window\.|module\.|\(?function|['\"]use strict)\b[^:\n]*[=({;]"),
        gettext_noop("JavaScript"),
    ),
)
_OTHERS = (
    ("arazzo", gettext_noop("an Arazzo document")),
    ("overlay", gettext_noop("an OpenAPI overlay")),
    ("openrpc", gettext_noop("an OpenRPC document")),
    ("__schema", gettext_noop("a GraphQL schema")),
    ("discoveryVersion", gettext_noop("a Google discovery document")),
    ("_type", gettext_noop("an Insomnia export")),
    ("smithy", gettext_noop("a Smithy model")),
    ("devDependencies", gettext_noop("a package.json")),
)
