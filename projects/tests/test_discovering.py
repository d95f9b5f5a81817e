"""The address of a page that shows an API leads to the API's document."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from projects.discovery import MOST_LOOKS, Discovery
from projects.embedded import embedded_documents
from projects.fetching import Fetched, FetchError
from projects.openapi import DocumentError, ReadDocument, read_document
from projects.openapi.viewers import linked_documents

SITE = "http://api.example"
DOCUMENT = '{"openapi": "3.0.0", "info": {"title": "Found"}, "paths": {}}'


def find(url: str, get: Callable[..., Fetched]) -> tuple[str, ReadDocument]:
    """The address of the document and what was read there."""
    answer, document = Discovery(allow_private=True, get=get).find(url, lambda found: read_document(found.data))
    return answer.url, document


def site(pages: dict[str, str]) -> Callable[..., Fetched]:
    """A `fetch` over `pages` by path."""
    by_url = {SITE + path: text for path, text in pages.items()}

    def get(url: str, **more: Any) -> Fetched:
        if url not in by_url:
            raise FetchError("status 404")
        text = by_url[url]
        return Fetched(text.encode(), "utf-8", "text/html" if text.startswith("<") else "text/plain", url)

    return get


@pytest.mark.parametrize(
    "page",
    [
        "<!doctype html><script>SwaggerUIBundle({url: '/openapi.json', dom_id: '#a'})</script>",
        '<html><script>const ui = SwaggerUIBundle({"url": "\\/openapi.json"})</script>',
        "<html><redoc spec-url='openapi.json'></redoc></html>",
        '<html><rapi-doc spec-url = "http://api.example/openapi.json"></rapi-doc></html>',
        "<html><script>Redoc.init('./openapi.json', {}, el)</script></html>",
        '<html><script id="api-reference" data-url="/openapi.json"></script></html>',
        "<html><a href='/x'>x</a><script>var url = \"/openapi.json\";</script></html>",
    ],
)
def test_a_page_that_names_its_document(page: str) -> None:
    url, found = find(f"{SITE}/docs", site({"/docs": page, "/openapi.json": DOCUMENT}))
    assert url == f"{SITE}/openapi.json"
    assert found.document["info"]["title"] == "Found"


def test_a_page_whose_script_and_configuration_name_it() -> None:
    pages = {
        "/ui/": '<!doctype html><script src="./swagger-initializer.js" charset="UTF-8"></script>',
        "/ui/swagger-initializer.js": 'SwaggerUIBundle({configUrl: "/v3/api-docs/swagger-config", url: "/none"})',
        "/v3/api-docs/swagger-config": '{"configUrl": "/v3/api-docs/swagger-config", "url": "/v3/api-docs"}',
        "/v3/api-docs": DOCUMENT,
    }

    assert find(f"{SITE}/ui/", site(pages))[0] == f"{SITE}/v3/api-docs"


def test_a_page_that_shows_no_document_is_refused_as_a_page() -> None:
    page = "<html>url: '/gone' url: 'file:///etc/passwd'</html>"
    with pytest.raises(DocumentError, match="web page"):
        find(f"{SITE}/login", site({"/login": page}))


def test_it_does_not_look_for_ever() -> None:
    asked: list[str] = []

    def get(url: str, **more: Any) -> Fetched:
        asked.append(url)
        return Fetched(f"<html>url: '/{len(asked)}'</html>".encode(), "", "text/html", url)

    with pytest.raises(DocumentError):
        find(f"{SITE}/0", get)
    assert len(asked) == MOST_LOOKS + 1


def test_only_web_addresses_are_linked() -> None:
    text = "url: 'file:///etc/passwd' url: 'javascript:x' url: 'http://[' url: '/ok' curl: '/no'"
    assert linked_documents(text, f"{SITE}/docs") == (f"{SITE}/ok",)


WHOLE = (
    '{"openapi": "3.0.0", "info": {"title": "Within {it}"}, "servers": [{"url": "http://no.example/"}], "paths": {}}'
)


@pytest.mark.parametrize(
    "page",
    [
        f'<html><script>let options = {{ \'a\': 1, "swaggerDoc": {WHOLE}, "customOptions": {{}} }}</script></html>',
        f'<html><script>const __redoc_state = {{"menu": {{}}, "spec": {{"data": {WHOLE}}}}};</script></html>',
        f"<html><script>Redoc.init({WHOLE}, {{}}, document.body)</script></html>",
        f"<html><script>SwaggerUIBundle({{spec: {WHOLE}, dom_id: '#a'}})</script></html>",
        f"<html><script>window.document_of_api = {WHOLE};</script></html>",
    ],
)
def test_a_page_that_holds_its_document(page: str) -> None:
    url, found = find(f"{SITE}/docs", site({"/docs": page}))
    assert (url, found.document["info"]["title"]) == (f"{SITE}/docs", "Within {it}")


def test_a_script_that_holds_the_document_of_its_page() -> None:
    pages = {
        "/api/": "<!doctype html><script src='./swagger-ui-init.js'></script>",
        "/api/swagger-ui-init.js": f'window.onload = function() {{ let options = {{ "swaggerDoc": {WHOLE} }} }}',
    }
    url, found = find(f"{SITE}/api/", site(pages))
    assert (url, found.document["info"]["title"]) == (f"{SITE}/api/swagger-ui-init.js", "Within {it}")


def test_a_script_can_be_read_again() -> None:
    script = Fetched(f'let a = {{ "swaggerDoc": {WHOLE} }}'.encode(), "", "application/javascript", f"{SITE}/init.js")
    assert find(f"{SITE}/init.js", lambda url, **more: script)[1].document["info"]["title"] == "Within {it}"


@pytest.mark.parametrize("text", ["", "{", '"swaggerDoc": {', '"swaggerDoc": {"a": "', "{" * 10_000, 'spec: {"a": 1}'])
def test_what_does_not_end_is_no_document(text: str) -> None:
    assert embedded_documents(text) == ()


def test_looking_within_a_hostile_page_ends() -> None:
    page = '{"openapi": "' * 200_000
    start = time.monotonic()
    assert embedded_documents(page) == ()
    assert embedded_documents('"swaggerDoc": {' * 200_000) == ()
    assert time.monotonic() - start < 5
