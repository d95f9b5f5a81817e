"""Deleting runs from the list: it asks, says what stays, and takes it back."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from history.models import TestHistory
from history.states import Status
from history.tests.sample_runs import project_of, run_of
from history.trash import delete_many
from projects.models import Membership, Project

BROWSER = {"accept": "text/html"}


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def deleted() -> list[int]:
    return list(TestHistory.objects.exclude(deleted_at=None).order_by("pk").values_list("pk", flat=True))


def test_it_asks_and_says_how_many_go_and_what_stays(page: Client, project: Project) -> None:
    going = [run_of(project).pk for _ in range(2)]
    kept = [run_of(project, Status.RUNNING).pk, run_of(project, pinned=True).pk]
    html = page.get("/runs/delete/ask/", {"runs": [*going, *kept], "next": "/runs/?q=x"}).content.decode()
    assert "Delete 2 runs?" in html
    assert "For 24 hours this can be undone" in html
    assert "1 active run stays." in html
    assert "1 pinned run stays." in html
    assert all(f'name="runs" value="{pk}"' in html for pk in going)
    assert not any(f'value="{pk}"' in html for pk in kept)
    assert deleted() == []


def test_where_nothing_can_go_it_offers_nothing(page: Client, project: Project) -> None:
    run = run_of(project, pinned=True)
    html = page.get("/runs/delete/ask/", {"runs": run.pk}).content.decode()
    assert "Nothing can be deleted" in html
    assert "btn-danger" not in html


def test_they_go_and_the_toast_takes_them_back(page: Client, project: Project) -> None:
    runs = [run_of(project).pk for _ in range(2)]
    answer = page.post("/runs/delete/", {"runs": runs, "next": "/runs/?sort=p95"}, follow=True, headers=BROWSER)
    assert answer.redirect_chain == [("/runs/?sort=p95", 302)]
    html = answer.content.decode()
    assert "2 runs are deleted." in html
    assert f'hx-vals=\'{{"runs": ["{runs[0]}", "{runs[1]}"]}}\'' in html
    assert deleted() == runs
    answer = page.post("/runs/restore/", {"runs": runs}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    assert deleted() == []
    assert "2 runs are back." in page.get("/runs/", headers=BROWSER).content.decode()


@pytest.mark.parametrize("place", ["https://evil.example.com/", "//evil.example.com", "javascript:alert(1)", ""])
def test_it_goes_back_to_pages_of_ours_only(page: Client, project: Project, place: str) -> None:
    answer = page.post("/runs/delete/", {"runs": run_of(project).pk, "next": place})
    assert answer.headers["Location"] == "/runs/"


def test_what_stays_is_said_where_nothing_went(page: Client, project: Project) -> None:
    run = run_of(project, pinned=True)
    html = page.post("/runs/delete/", {"runs": run.pk}, follow=True, headers=BROWSER).content.decode()
    assert "Nothing was deleted. 1 pinned run stays." in html
    assert deleted() == []


def test_a_reader_deletes_nothing(client: Client, project: Project, bob: User) -> None:
    Membership.objects.create(project=project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    html = client.post("/runs/delete/", {"runs": run_of(project).pk}, follow=True, headers=BROWSER).content.decode()
    assert "1 run stays that you may only look at." in html
    assert deleted() == []


def test_a_stranger_deletes_and_restores_nothing(client: Client, project: Project, alice: User, charlie: User) -> None:
    kept, gone = run_of(project), run_of(project)
    delete_many(alice, [gone.pk], timezone.now())
    client.force_login(charlie)
    client.post("/runs/delete/", {"runs": kept.pk})
    client.post("/runs/restore/", {"runs": gone.pk})
    assert deleted() == [gone.pk]
    assert client.get("/runs/deleted/", headers=BROWSER).context["page"].paginator.count == 0


def test_the_trash_shows_until_when_a_run_can_be_brought_back(page: Client, project: Project, alice: User) -> None:
    assert "Nothing here" in page.get("/runs/deleted/", headers=BROWSER).content.decode()
    run = run_of(project, title="Gone")
    delete_many(alice, [run.pk], timezone.now())
    html = page.get("/runs/deleted/", headers=BROWSER).content.decode()
    assert "Gone" in html
    assert "Bring back" in html
    answer = page.post("/runs/restore/", {"runs": run.pk, "next": "/runs/deleted/"}, follow=True, headers=BROWSER)
    assert "1 run is back." in answer.content.decode()
    assert deleted() == []


@pytest.mark.parametrize("keys", ["", "x", "-1", "9" * 30])
def test_odd_keys_do_no_harm(page: Client, project: Project, keys: str) -> None:
    run_of(project)
    assert page.get("/runs/delete/ask/", {"runs": keys}).status_code == 200
    assert page.post("/runs/delete/", {"runs": keys}).status_code == 302
    assert page.post("/runs/restore/", {"runs": keys}).status_code == 302
    assert deleted() == []
