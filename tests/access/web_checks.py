"""What holds for every page and every answer: no code in the page itself, the headers of all."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Protocol

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Told(Protocol):
    """An answer of Django, or what is kept of one."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def content(self) -> bytes: ...


class _Inline(HTMLParser):
    """Code and style in the page itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        kind = given.get("type") or ""
        is_code = tag == "script" and "src" not in given and kind not in ("application/json", "text/template")
        if is_code or tag in ("style", "base", "iframe", "object", "embed"):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name, _value in attrs if name == "style" or name.startswith("on")]
        links = [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")]
        self.found += [link for link in links if link.strip().lower().startswith(("javascript:", "data:text"))]


def policy_of(answer: Told) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def check_page(answer: Told, what: str) -> None:
    assert "html" in answer.headers["Content-Type"], what
    assert _Inline(answer.content.decode()).found == [], what
    policy = policy_of(answer)
    assert not [one for values in policy.values() for one in values if "unsafe" in one or one == "*"], what
    assert policy["default-src"] == policy["frame-ancestors"] == policy["object-src"] == ["'none'"], what
    for name in ("script-src", "style-src", "connect-src", "font-src", "form-action"):
        assert policy[name] == ["'self'"], what
    check_headers(answer, what)


def check_headers(answer: Told, what: str) -> None:
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, what
    assert "Access-Control-Allow-Origin" not in answer.headers, what
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), what
    assert "no-store" in answer.headers["Cache-Control"], what
    assert answer.headers["Permissions-Policy"], what
