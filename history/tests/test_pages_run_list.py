"""The list of runs: find one, in a page or as HTMX's part of it."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of
from projects.models import Membership

BROWSER = {"accept": "text/html"}


def titles(client: Client, query: str = "", **headers: str) -> list[str]:
    answer = client.get(f"/runs/{query}", headers={**BROWSER, **headers})
    assert answer.status_code == 200
    return [run.title for run in answer.context["page"]]


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_it_shows_a_newcomer_what_to_do_first(page: Client) -> None:
    assert "No runs yet" in page.get("/runs/", headers=BROWSER).content.decode()


def test_it_shows_the_newest_run_first(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project, title="old", tested_at=datetime(2026, 1, 1, tzinfo=UTC))
    run_of(project, title="new")
    assert titles(page) == ["new", "old"]


def test_it_hides_foreign_runs(client: Client, alice: User, charlie: User) -> None:
    run_of(project_of(alice))
    client.force_login(charlie)
    assert titles(client) == []


def test_a_member_sees_the_runs_of_the_project(client: Client, alice: User, bob: User) -> None:
    project = project_of(alice)
    run_of(project)
    Membership.objects.create(project=project, user=bob)
    client.force_login(bob)
    assert titles(client) == ["Evening peak"]


@pytest.mark.parametrize("words", ["night", "NIGHT", "payments"])
def test_it_searches_titles_and_projects(page: Client, alice: User, words: str) -> None:
    run_of(project_of(alice), title="Evening peak")
    run_of(project_of(alice, "Payments API"), title="Night batch")
    assert titles(page, f"?q={words}") == ["Night batch"]


def test_it_finds_a_run_by_its_number(page: Client, alice: User) -> None:
    project = project_of(alice)
    wanted = run_of(project, title="wanted")
    run_of(project, title="other")
    assert titles(page, f"?q={wanted.pk}") == ["wanted"]
    assert titles(page, f"?q=%23{wanted.pk}") == ["wanted"]


def test_it_filters_by_project_state_and_verdict(page: Client, alice: User) -> None:
    shop, bank = project_of(alice), project_of(alice, "Bank")
    run_of(shop, Status.COMPLETED, Outcome.PASSED, title="good")
    run_of(shop, Status.COMPLETED, Outcome.TARGETS_MISSED, title="bad")
    run_of(shop, Status.RUNNING, title="live")
    run_of(bank, Status.QUEUED, title="waiting")
    assert titles(page, f"?project={bank.pk}") == ["waiting"]
    assert titles(page, "?outcome=targets_missed") == ["bad"]
    assert titles(page, "?status=running") == ["live"]
    assert set(titles(page, "?status=active")) == {"live", "waiting"}
    assert titles(page, f"?project={shop.pk}&status=completed&outcome=passed&q=good") == ["good"]


def test_it_sorts_by_a_column_and_keeps_runs_without_a_value_last(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project, title="slow", p95_response_time=900.0)
    run_of(project, title="fast", p95_response_time=20.0)
    run_of(project, Status.RUNNING, title="unknown")
    assert titles(page, "?sort=p95") == ["fast", "slow", "unknown"]
    assert titles(page, "?sort=-p95") == ["slow", "fast", "unknown"]


@pytest.mark.parametrize(
    "query", ["?sort=nonsense", "?project=x&status=y&outcome=z", "?page=999", "?q=%00%25_", "?project=9" + "9" * 30]
)
def test_odd_addresses_do_no_harm(page: Client, alice: User, query: str) -> None:
    run_of(project_of(alice))
    assert page.get(f"/runs/{query}", headers=BROWSER).status_code == 200


def test_it_says_so_where_nothing_matches(page: Client, alice: User) -> None:
    run_of(project_of(alice))
    assert "Nothing matches" in page.get("/runs/?q=zzz", headers=BROWSER).content.decode()


def test_it_turns_pages_and_keeps_the_filter(page: Client, alice: User) -> None:
    project = project_of(alice)
    for number in range(30):
        run_of(project, title=f"run {number}")
    html = page.get("/runs/?sort=title&page=2", headers=BROWSER).content.decode()
    assert "26–30 of 30" in html
    assert 'rel="prev" href="?sort=title&amp;page=1"' in html


def test_htmx_gets_the_table_alone(page: Client, alice: User) -> None:
    run_of(project_of(alice))
    html = page.get("/runs/", headers={**BROWSER, "HX-Request": "true"}).content.decode()
    assert html.strip().startswith('<section class="card" id="runs"')
    assert "<html" not in html


def test_it_loads_itself_again_only_while_a_run_is_active(page: Client, alice: User) -> None:
    project = project_of(alice)
    run_of(project)
    assert "every 5s" not in page.get("/runs/", headers=BROWSER).content.decode()
    run_of(project, Status.RUNNING)
    assert "every 5s" in page.get("/runs/", headers=BROWSER).content.decode()


def test_it_escapes_a_title(page: Client, alice: User) -> None:
    run_of(project_of(alice), title="<script>alert(1)</script>")
    assert "<script>alert" not in page.get("/runs/", headers=BROWSER).content.decode()


def test_it_asks_the_database_as_often_for_many_runs_as_for_one(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    project = project_of(alice)
    run_of(project)
    page.get("/runs/", headers=BROWSER)
    with django_assert_num_queries(6):  # session, user, count, page, projects, live runs of the frame
        page.get("/runs/", headers=BROWSER)
    for _ in range(20):
        run_of(project)
    with django_assert_num_queries(6):
        page.get("/runs/", headers=BROWSER)


def test_it_rejects_post(page: Client) -> None:
    assert page.post("/runs/", headers=BROWSER).status_code == 405


def test_it_sends_a_stranger_to_the_login(client: Client, db: None) -> None:
    answer = client.get("/runs/", headers=BROWSER)
    assert answer.status_code == 302
    assert answer.url == "/accounts/login/?next=/runs/"  # type: ignore[attr-defined]
