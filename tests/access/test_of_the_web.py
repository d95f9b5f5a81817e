"""What holds for every address on the web: no page action without CSRF's token; no inline code and the headers of all
also in what is not in the tables (of that, test_matrix.py looks at all it is told)."""

from collections.abc import Iterator

import pytest
from django.conf import settings as product_settings
from django.contrib import admin
from django.test import Client, override_settings
from django.test.client import ClientHandler
from django.urls import reverse

from projects.models import Project
from tests.access.conftest import Asking, written
from tests.access.rows import SAFE, Row, pages, send
from tests.access.web_checks import check_page
from tests.access.world import World

pytestmark = pytest.mark.django_db
ACTIONS = [row for row in pages() if row.method not in SAFE and row.kind != "by token"]
_STRICT = ClientHandler(enforce_csrf_checks=True)


def strict(world: World, name: str) -> Client:
    """A browser of somebody, which Django's test client otherwise trusts."""
    client = Client(enforce_csrf_checks=True)
    client.handler = _STRICT
    client.raise_request_exception = False
    if name in world.sessions:
        client.cookies[product_settings.SESSION_COOKIE_NAME] = world.sessions[name]
    return client


@pytest.mark.parametrize("row", ACTIONS, ids=str)
def test_no_page_action_without_the_token_of_the_page(row: Row, world: World) -> None:
    """A form on another site has the cookie sent along, and no token; nor does the page of another port of this one."""
    for name, is_open in (("administrator", False), ("open access", True)):  # to both nothing else is forbidden
        with override_settings(METRICVAULT_OPEN_ACCESS=is_open), written() as changes:
            answer = send(strict(world, name), row, row.address(world), row.body(world))
        assert (answer.status_code, changes) == (403, []), name


def test_with_the_token_an_action_goes_through(world: World) -> None:
    client = strict(world, "owner")
    client.get(reverse("projects:new"))
    token = client.cookies[product_settings.CSRF_COOKIE_NAME].value
    answer = client.post(reverse("projects:new"), {"title": "Mine"}, headers={"X-CSRFToken": token})
    assert answer.status_code == 302


def admin_pages() -> Iterator[str]:
    for model, shown in admin.site._registry.items():
        place = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{place}_changelist")
        row = model._default_manager.first()
        if row is not None and not getattr(shown, "no_page_of_one", False):
            yield reverse(f"{place}_change", args=[row.pk])
            if model is Project:  # it asks before it deletes, on one page for all models
                yield reverse(f"{place}_delete", args=[row.pk])


def test_neither_has_the_administration_nor_the_document_of_the_api(
    world: World, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with asking(world.personae["administrator"]) as client:

        def look(place: str) -> None:
            answer = client.get(place, headers={"Accept": "text/html"})
            if answer.status_code == 200:
                check_page(answer, place)

        for place in ("/api/swagger", reverse("admin:index"), reverse("admin:auth_user_changelist")):
            look(place)
        monkeypatch.setattr(admin.site, "enable_nav_sidebar", False)  # three fifths of each page, and always the same
        for place in admin_pages():
            look(place)


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
