"""What holds for every address on the web: no page action without CSRF's token, no inline code, the headers of all."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.conf import settings as product_settings
from django.contrib import admin
from django.http import HttpResponseBase
from django.test import Client, override_settings
from django.urls import reverse

from tests.access.conftest import Asking, written
from tests.access.rows import SAFE, Row, operations, pages, send
from tests.access.world import World

pytestmark = pytest.mark.django_db
ACTIONS = [row for row in pages() if row.method not in SAFE and row.kind != "by token"]
SHOWN = [row for row in pages() if row.method in SAFE and row.kind not in ("by token", "live")]
SEALED = (
    "history:report",
    "history:k6-report",
)  # pages that are not ours, locked in a sandbox: metricvault.lib.foreign
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def strict(world: World, name: str) -> Client:
    """A browser of somebody, which Django's test client otherwise trusts."""
    client = Client(enforce_csrf_checks=True)
    client.raise_request_exception = False
    if name in world.sessions:
        client.cookies[product_settings.SESSION_COOKIE_NAME] = world.sessions[name]
    return client


@pytest.mark.parametrize("row", ACTIONS, ids=str)
def test_no_page_action_without_the_token_of_the_page(row: Row, world: World) -> None:
    """A form on another site has the cookie sent along, and no token; nor does the page of another port of this one."""
    for name, is_open in (("administrator", False), ("owner", False), ("open access", True)):
        with override_settings(METRICVAULT_OPEN_ACCESS=is_open), written() as changes:
            answer = send(strict(world, name), row, row.address(world), row.body(world))
        assert (answer.status_code, changes) == (403, []), name


def test_with_the_token_an_action_goes_through(world: World) -> None:
    client = strict(world, "owner")
    client.get(reverse("projects:new"))
    token = client.cookies[product_settings.CSRF_COOKIE_NAME].value
    answer = client.post(reverse("projects:new"), {"title": "Mine"}, headers={"X-CSRFToken": token})
    assert answer.status_code == 302


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


def policy_of(answer: HttpResponseBase) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def check_page(answer: HttpResponseBase, what: str) -> None:
    assert "html" in answer.headers["Content-Type"], what
    assert _Inline(answer.content.decode()).found == [], what
    policy = policy_of(answer)
    assert not [one for values in policy.values() for one in values if "unsafe" in one or one == "*"], what
    assert policy["default-src"] == policy["frame-ancestors"] == policy["object-src"] == ["'none'"], what
    for name in ("script-src", "style-src", "connect-src", "font-src", "form-action"):
        assert policy[name] == ["'self'"], what
    check_headers(answer, what)


def check_headers(answer: HttpResponseBase, what: str) -> None:
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, what
    assert "Access-Control-Allow-Origin" not in answer.headers, what
    assert answer.headers["Referrer-Policy"] in ("same-origin", "no-referrer"), what
    assert "no-store" in answer.headers["Cache-Control"], what
    assert answer.headers["Permissions-Policy"], what


@pytest.mark.parametrize("row", SHOWN, ids=str)
def test_no_page_has_code_in_itself(row: Row, world: World, asking: Asking) -> None:
    persona = world.personae["anonymous" if row.kind == "public" else "administrator"]
    with asking(persona) as client:
        answer = send(client, row, row.address(world), None)
        if row.name in SEALED and answer.status_code == 200:
            assert "sandbox" in policy_of(answer)
        elif "html" in answer.headers.get("Content-Type", "") and answer.content:
            check_page(answer, str(row))
        else:
            check_headers(answer, str(row))
        answer.close()


def admin_pages() -> Iterator[str]:
    yield reverse("admin:index")
    for model, shown in admin.site._registry.items():
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{place}_changelist")
        row = model._default_manager.first()
        if row is not None and not getattr(shown, "no_page_of_one", False):
            yield reverse(f"{place}_change", args=[row.pk])
            yield reverse(f"{place}_delete", args=[row.pk])


def test_neither_has_the_administration_nor_the_document_of_the_api(world: World, asking: Asking) -> None:
    with asking(world.personae["administrator"]) as client:
        for place in ("/api/swagger", *admin_pages()):
            answer = client.get(place, headers={"Accept": "text/html"})
            if answer.status_code == 200:
                check_page(answer, place)


@pytest.mark.parametrize(
    ("place", "status", "more"),
    [
        ("/there-is-nothing", 404, {}),
        ("/runs/4711/", 404, {}),
        ("/", 400, {"HTTP_HOST": "evil.example"}),
        ("/runs/", 403, {"HTTP_SEC_FETCH_SITE": "cross-site"}),
    ],
)
def test_neither_have_pages_of_errors(
    place: str, status: int, more: dict[str, str], world: World, asking: Asking
) -> None:
    with asking(world.personae["owner"]) as client:
        answer = client.get(place, headers={"Accept": "text/html"}, **more)
        assert answer.status_code == status
        check_page(answer, place)


@pytest.mark.parametrize("row", [row for row in operations() if row.method in SAFE and row.kind != "live"], ids=str)
def test_what_programs_read_is_no_script_and_is_kept_nowhere(row: Row, world: World, asking: Asking) -> None:
    with asking(world.personae["administrator"]) as client:
        answer = send(client, row, row.address(world), None)
        answer.close()
        kind = answer.headers.get("Content-Type", "")
        if "html" in kind and "sandbox" in policy_of(answer):
            return
        check_headers(answer, str(row))
        assert not re.search(r"javascript|ecmascript", kind) or "attachment" in answer.headers["Content-Disposition"]
