"""API tokens: who a program is, what it may do, and how that ends."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from projects.api_tokens import RUN_ROUTES, make_token
from projects.models import ApiToken, Membership, Project

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(alice: User) -> Project:
    return Project.objects.create(title="Shop", owner=alice)


@pytest.fixture
def bank(alice: User) -> Project:
    return Project.objects.create(title="Bank", owner=alice)


def show(text: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {text}"}}


def token_of(user: User, scope: str = "read", **more: Any) -> str:
    return make_token(user, "build", scope, **more)[1]


def test_a_token_is_its_person(client: Client, alice: User, shop: Project) -> None:
    found = client.get("/project", **show(token_of(alice))).json()
    assert [one["title"] for one in found["items"]] == ["Shop"]


def test_without_one_the_api_says_401(client: Client, shop: Project) -> None:
    assert client.get("/project").status_code == 401


@pytest.mark.parametrize("text", ["mv_nobody", "", "x" * 5000, "mv_\u00e9"])
def test_an_unknown_token_is_refused_and_not_taken_for_somebody_else(
    client: Client, alice: User, settings: Settings, text: str
) -> None:
    client.force_login(alice)
    assert client.get("/project", **show(text)).status_code == 401
    settings.METRICVAULT_OPEN_ACCESS = True
    assert Client().get("/project", **show(text)).status_code == 401


def test_only_its_hash_is_kept(alice: User) -> None:
    made, text = make_token(alice, "build", "read")
    kept = ApiToken.objects.filter(pk=made.pk).values().get()
    assert not [name for name, value in kept.items() if text[8:] in str(value)]


def test_it_ends_when_it_is_revoked_expires_or_its_person_goes(client: Client, alice: User) -> None:
    gone, late, left = token_of(alice), token_of(alice, expires_at=timezone.now()), token_of(alice)
    ApiToken.objects.filter(begins=gone[:8]).update(revoked_at=timezone.now())
    assert client.get("/project", **show(gone)).status_code == 401
    assert client.get("/project", **show(late)).status_code == 401
    assert client.get("/project", **show(left)).status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get("/project", **show(left)).status_code == 401


def test_reading_does_not_change_anything(client: Client, alice: User, shop: Project) -> None:
    text = token_of(alice, "read")
    for method, path in (
        ("delete", f"/project/{shop.pk}"),
        ("patch", f"/project/{shop.pk}"),
        ("post", "/load-testing"),
    ):
        answer = getattr(client, method)(path, data="{}", content_type="application/json", **show(text))
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), path
    assert Project.objects.filter(pk=shop.pk).exists()


def test_running_starts_load_and_changes_nothing_else(client: Client, alice: User, shop: Project) -> None:
    text = token_of(alice, "run")
    body = {"data": "{}", "content_type": "application/json", **show(text)}
    assert client.post("/load-testing", **body).status_code == 422  # let in, and told what is wrong with the body
    assert client.delete(f"/project/{shop.pk}", **show(text)).status_code == 403
    assert (
        client.post("/project", data='{"title": "More"}', content_type="application/json", **show(text)).status_code
        == 403
    )


def test_everything_its_person_may(client: Client, alice: User, shop: Project) -> None:
    assert client.delete(f"/project/{shop.pk}", **show(token_of(alice, "admin"))).status_code == 204


def test_a_token_of_one_project_knows_no_other(client: Client, alice: User, shop: Project, bank: Project) -> None:
    text = token_of(alice, "admin", project=shop)
    assert [one["title"] for one in client.get("/project", **show(text)).json()["items"]] == ["Shop"]
    assert client.get(f"/project/{bank.pk}", **show(text)).status_code == 404
    assert client.delete(f"/project/{bank.pk}", **show(text)).status_code == 404
    made = client.post("/project", data='{"title": "More"}', content_type="application/json", **show(text))
    assert made.status_code == 403
    assert client.get("/sse/k6-data", **show(text)).status_code == 400


def test_an_administrators_token_of_one_project_knows_no_other(
    client: Client, administrator: User, shop: Project, bank: Project
) -> None:
    text = token_of(administrator, "admin", project=shop)
    assert [one["title"] for one in client.get("/project", **show(text)).json()["items"]] == ["Shop"]
    assert client.get(f"/project/{bank.pk}", **show(text)).status_code == 404


def test_a_reader_of_a_project_stays_one(client: Client, bob: User, shop: Project) -> None:
    Membership.objects.create(project=shop, user=bob, role=Membership.Role.READER)
    text = token_of(bob, "admin")
    assert client.get(f"/project/{shop.pk}", **show(text)).status_code == 200
    assert client.delete(f"/project/{shop.pk}", **show(text)).status_code == 403


def test_it_opens_no_page_and_no_admin(client: Client, administrator: User) -> None:
    text = token_of(administrator, "admin")
    for page in ("/projects/", "/runs/", "/admin/", "/accounts/tokens/"):
        assert client.get(page, **show(text)).status_code == 302, page


def test_its_last_use_is_shown(client: Client, alice: User) -> None:
    text = token_of(alice)
    client.get("/project", REMOTE_ADDR="192.0.2.7", **show(text))
    token = ApiToken.objects.get()
    assert token.last_used_from == "192.0.2.7"
    assert token.last_used_at is not None
    assert timezone.now() - token.last_used_at < timedelta(minutes=1)


def test_every_address_that_starts_load_is_one(client: Client) -> None:
    routes: set[str] = set()
    for pattern in get_resolver().url_patterns:
        routes |= {str(inner.pattern) for inner in getattr(pattern, "url_patterns", ())}
    assert routes >= RUN_ROUTES


def test_the_page_shows_a_new_token_once(client: Client, alice: User, shop: Project) -> None:
    client.force_login(alice)
    form = {"name": "nightly", "scope": "run", "project": shop.pk, "days": "30"}
    page = client.post("/accounts/tokens/", form).content.decode()
    found = re.search(r"mv_[\w-]{43}", page)
    assert found is not None
    assert client.get("/project", **show(found[0])).status_code == 200
    again = client.get("/accounts/tokens/")
    assert found[0] not in again.content.decode()
    assert "no-store" in again["Cache-Control"]
    token = ApiToken.objects.get()
    client.post(f"/accounts/tokens/{token.pk}/revoke")
    assert client.get("/project", **show(found[0])).status_code == 401


def test_a_form_that_is_wrong_says_where(client: Client, alice: User, charlie: User) -> None:
    strange = Project.objects.create(title="Not hers", owner=charlie)
    client.force_login(alice)
    form = {"name": "", "scope": "root", "project": strange.pk, "days": "7"}
    page = client.post("/accounts/tokens/", form)
    assert page.status_code == 422
    assert all(f'data-problem="{name}"' in page.content.decode() for name in form)
    assert not ApiToken.objects.exists()


def test_nobody_revokes_the_tokens_of_others(client: Client, alice: User, charlie: User) -> None:
    text = token_of(alice)
    client.force_login(charlie)
    assert client.post(f"/accounts/tokens/{ApiToken.objects.get().pk}/revoke").status_code == 404
    assert client.get("/project", **show(text)).status_code == 200


def test_a_command_makes_one_for_a_script(client: Client, alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("make_token", "alice", "nightly", "--scope", "run")
    assert Client().get("/project", **show(capsys.readouterr().out.strip())).status_code == 200


def test_the_page_speaks_korean(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = client.get("/accounts/tokens/", headers={"Accept-Language": "ko"}).content.decode()
    assert "90일" in page
    assert "days" not in page.split("<main")[1].split('name="days"')[1].split("</select>")[0].split(">", 1)[1]
