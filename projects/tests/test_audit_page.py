"""The page of the audit: for administrators, and of a project for its owner; searched, filtered, in parts, as CSV."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from projects import audit
from projects.api_tokens import make_token
from projects.models import AuditEntry, Project
from projects.tests.conftest import as_user

Action = AuditEntry.Action
HTMX = {"HX-Request": "true"}


@pytest.fixture
def admin_page(administrator: User) -> Client:
    return as_user(administrator)


def shown(page: Client, **asked: Any) -> str:
    return page.get(reverse("audit"), asked, headers=HTMX).content.decode()


def test_administrators_see_who_did_what_with_what_before_and_after(
    admin_page: Client, alice_client: Client, shop: Project
) -> None:
    alice_client.post(reverse("projects:edit", args=[shop.pk]), {"title": "Store", "summary": "Web shop, staging"})
    text = admin_page.get(reverse("audit")).content.decode()
    assert "alice" in text
    assert "changed" in text
    assert "127.0.0.1" in text
    assert f'href="{reverse("projects:detail", args=[shop.pk])}"' in text
    assert '>Shop</td><td data-th="After">Store</td>' in text


@pytest.mark.parametrize("who", ["alice", "bob", "charlie"])
def test_nobody_else_sees_the_whole_audit(who: str, shop: Project, charlie: User) -> None:
    client = as_user(User.objects.get(username=who))
    assert client.get(reverse("audit")).status_code == 403
    assert client.get(reverse("audit-csv")).status_code == 403


def test_owners_see_the_audit_of_their_project_and_of_no_other(
    alice: User, shop: Project, alice_client: Client
) -> None:
    other = Project.objects.create(title="Secret plans", owner=alice)
    audit.record(Action.CHANGED, other, detail="elsewhere")
    audit.record(Action.CHANGED, shop, detail="here")
    text = alice_client.get(reverse("projects:audit", args=[shop.pk])).content.decode()
    assert "here" in text
    assert "elsewhere" not in text
    assert (
        "elsewhere"
        not in alice_client.get(reverse("projects:audit", args=[shop.pk]), {"project": other.pk}).content.decode()
    )


@pytest.mark.parametrize(("who", "status"), [("bob", 403), ("rita", 403), ("charlie", 404)])
def test_members_and_strangers_do_not(who: str, status: int, shop: Project, charlie: User) -> None:
    client = as_user(User.objects.get(username=who))
    for name in ("projects:audit", "projects:audit-csv"):
        assert client.get(reverse(name, args=[shop.pk])).status_code == status


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "bar"}, {"b"}),
        ({"q": "10.0.0.7"}, {"c"}),
        ({"q": "req-17"}, {"d"}),
        ({"q": "foo nothing"}, set()),
        ({"person": "ann"}, {"a"}),
        ({"action": "exported"}, {"b"}),
        ({"way": "api"}, {"c"}),
        ({"kind": "project"}, {"d"}),
        ({"since": "2026-02-01"}, {"b", "c", "d"}),
        ({"until": "2026-02-01"}, {"a", "b"}),
        ({"since": "no day", "project": "x", "before": "-1"}, {"a", "b", "c", "d"}),
    ],
)
def test_it_is_searched_and_filtered(asked: dict[str, str], found: set[str], admin_page: Client) -> None:
    first = timezone.now().replace(year=2026, month=1, day=1, hour=12)
    rows: list[dict[str, Any]] = [
        {"detail": "mark-a foo", "actor_name": "ann"},
        {"detail": "mark-b bar", "action": "exported", "at": first + timedelta(days=31)},
        {"detail": "mark-c", "address": "10.0.0.7", "way": "api", "at": first + timedelta(days=60)},
        {"detail": "mark-d", "request_id": "req-17", "kind": "project", "at": first + timedelta(days=90)},
    ]
    for row in rows:
        AuditEntry(**{"at": first, "action": "changed", "way": "page", **row}).save()
    text = shown(admin_page, **asked)
    assert {name for name in "abcd" if f"mark-{name}" in text} == found


def test_it_goes_on_from_page_to_page_without_gaps(admin_page: Client) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(at=timezone.now(), action="changed", way="page", detail=f"n{number:03}") for number in range(120)
    )
    seen, before = [], ""
    for _page in range(3):
        context = admin_page.get(reverse("audit"), {"before": before}, headers=HTMX).context
        seen += [row.entry.detail for row in context["rows"] if row.entry.action == "changed"]
        before = context["older"] or ""
    assert seen == [f"n{number:03}" for number in reversed(range(120))]
    assert not before


def test_a_page_takes_a_constant_number_of_queries(
    admin_page: Client, shop: Project, django_assert_max_num_queries: Any
) -> None:
    for _number in range(60):
        audit.record(Action.CHANGED, shop, before={"title": "a"}, after={"title": "b"})
    with django_assert_max_num_queries(8):
        admin_page.get(reverse("audit"), headers=HTMX)


def test_the_csv_has_all_that_is_found_and_no_formula(admin_page: Client, shop: Project) -> None:
    audit.record(Action.CHANGED, shop, detail="=HYPERLINK(1)", actor_name="@eve")
    audit.record(Action.CHANGED, shop, detail="other")
    answer = admin_page.get(reverse("audit-csv"), {"q": "HYPERLINK"})
    assert isinstance(answer, StreamingHttpResponse)
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [row["details"] for row in rows] == ["'=HYPERLINK(1)"]
    assert rows[0]["person"] == "'@eve"
    assert AuditEntry.objects.filter(action=Action.EXPORTED, actor_name="administrator").count() == 1


@pytest.mark.parametrize(("scope", "status"), [("read", 403), ("run", 403), ("admin", 200)])
def test_programs_need_a_token_of_an_administrator_that_may_everything(
    scope: str, status: int, administrator: User, client: Client
) -> None:
    _token, text = make_token(administrator, "ci", scope)
    for address in ("/audit", "/audit/export.csv"):
        answer = client.get(address, headers={"Authorization": f"Bearer {text}"})
        answer.getvalue()  # to its end: a stream that is closed takes the connection with it
        assert answer.status_code == status


def test_the_api_answers_what_the_page_shows(admin_page: Client, shop: Project) -> None:
    audit.record(Action.CHANGED, shop, before={"title": "a"}, after={"title": "b"})
    audit.record(Action.EXPORTED, shop)
    answer = admin_page.get("/audit", {"action": "changed", "limit": 1}).json()
    assert answer["count"] == 1
    entry = answer["items"][0]
    assert entry["before"] == {"title": "a"}
    assert (entry["object"], entry["by"], entry["project_id"]) == ("Shop", "product", shop.pk)
    assert admin_page.get("/audit", {"action": "exploded"}).status_code == 422


def test_a_token_for_one_project_does_not_see_the_audit(administrator: User, shop: Project, client: Client) -> None:
    _token, text = make_token(administrator, "ci", "admin", shop)
    assert client.get("/audit", headers={"Authorization": f"Bearer {text}"}).status_code == 403
