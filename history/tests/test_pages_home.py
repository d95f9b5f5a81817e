"""The first page: what runs now, what the last runs said, and what to do first."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.baselines import set_baseline
from history.models import TestHistory
from history.reasons import reason
from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of
from loadtests.models import Plan
from projects.models import Endpoint, OpenApiSpec, Project

BROWSER = {"accept": "text/html"}
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def home(client: Client, **headers: str) -> str:
    answer = client.get("/", headers={**BROWSER, **headers})
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_newcomer_is_led_to_the_first_number(page: Client) -> None:
    html = home(page)
    assert "Welcome to Metric Vault" in html
    assert html.count('aria-current="step"') == 1


def test_the_next_step_is_the_one_that_is_not_done(page: Client, alice: User) -> None:
    spec = OpenApiSpec.objects.create(project=project_of(alice), title="Shop")
    Endpoint.objects.create(openapi_spec=spec, method="GET", path="/products")
    answer = page.get("/", headers=BROWSER)
    assert answer.context["step"] == 2


def test_what_runs_now_is_a_live_row(page: Client, alice: User) -> None:
    run = run_of(project_of(alice), Status.RUNNING, title="live one")
    html = home(page)
    assert f'data-live-run="{run.pk}"' in html
    assert 'data-sse="/sse/k6-data"' in html


def test_the_last_verdicts_say_why(page: Client, alice: User) -> None:
    reasons = [
        reason("counts_agree", good=True, count=5),
        reason("p95_missed", request="GET /a", value=812.0, target=500.0),
    ]
    run_of(project_of(alice), Status.COMPLETED, Outcome.TARGETS_MISSED, reasons=reasons)
    html = home(page)
    assert 'data-badge="targets_missed"' in html
    assert "GET /a: p95 is 812\u00a0ms, target 500\u00a0ms." in html


def test_a_project_card_counts_what_is_in_it(page: Client, alice: User) -> None:
    project = project_of(alice)
    spec = OpenApiSpec.objects.create(project=project, title="Shop")
    for path in ("/a", "/b"):
        Endpoint.objects.create(openapi_spec=spec, method="GET", path=path)
    run_of(project)
    run_of(project)
    run_of(project)
    card = page.get("/", headers=BROWSER).context["cards"][0]
    assert (card.endpoints, card.plans, card.runs) == (2, 0, 3)
    assert "2 endpoints · 0 plans · 3 runs" in home(page)


def test_foreign_runs_and_projects_do_not_show(client: Client, alice: User, charlie: User) -> None:
    run_of(project_of(alice, "Secret API"))
    client.force_login(charlie)
    assert "Secret API" not in home(client)


def test_htmx_gets_the_runs_alone(page: Client, alice: User) -> None:
    run_of(project_of(alice))
    html = home(page, **{"HX-Request": "true"})
    assert 'id="home-runs"' in html
    assert "<html" not in html


def test_it_asks_the_database_as_often_for_many_runs_as_for_one(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Session, user, runs by project, active, finished, projects, their last runs; up to 7 for what got worse."""
    project = project_of(alice)
    worse(project, Plan.objects.create(title="Peak", project=project))
    with django_assert_num_queries(12):
        home(page)
    for number in range(6):
        project = project_of(alice, f"API {number}")
        worse(project, Plan.objects.create(title=f"Plan {number}", project=project))
        run_of(project, Status.RUNNING)
    with django_assert_num_queries(12):
        home(page)


def worse(project: Project, plan: Plan) -> list[TestHistory]:
    """Runs of a plan of which the last two are half as slow again as its baseline."""
    runs = [
        run_of(project, outcome=Outcome.PASSED, plan=plan, p95_response_time=p95, tested_at=NOON + timedelta(hours=at))
        for at, p95 in enumerate((200.0, 300.0, 310.0))
    ]
    set_baseline(runs[0], project.owner)
    return runs


def test_what_gets_worse_leads_to_its_trend(page: Client, alice: User) -> None:
    project = project_of(alice)
    plan = Plan.objects.create(title="Evening peak", project=project)
    run_of(project, tested_at=NOON - timedelta(days=1))
    assert "Nothing got worse." in home(page)
    worse(project, plan)
    html = home(page)
    assert "Nothing got worse." not in html
    assert f'href="/runs/trends/?plan={plan.pk}&amp;measure=p95"' in html
    assert "310\u00a0ms" in html
    assert "+55.0\u00a0%" in html


def test_a_card_draws_p95_of_the_last_runs_and_shows_the_last_verdict(page: Client, alice: User) -> None:
    project = project_of(alice)
    runs = worse(project, Plan.objects.create(title="Evening peak", project=project))
    run_of(project, Status.RUNNING, tested_at=NOON + timedelta(hours=5))
    card = page.get("/", headers=BROWSER).context["cards"][0]
    assert (card.last, card.p95, card.runs) == (runs[-1], 310.0, 4)
    assert "p95 of the last 3 runs: 200\u00a0ms to 310\u00a0ms" in card.drawing
    assert card.drawing in home(page)


def test_the_projects_with_the_freshest_runs_come_first(page: Client, alice: User) -> None:
    old, fresh, _none = (project_of(alice, title) for title in ("a", "b", "c"))
    run_of(old, tested_at=NOON)
    run_of(fresh, tested_at=NOON + timedelta(days=1))
    assert [card.project.title for card in page.get("/", headers=BROWSER).context["cards"]] == ["b", "a", "c"]


def test_a_program_gets_the_health_of_the_product(client: Client, db: None) -> None:
    answer = client.get("/", headers={"accept": "*/*"})
    assert set(answer.json()) == {"status", "version", "checks"}
    assert set(answer.json()["checks"]) == {"database", "broker", "metrics_store", "runner"}
    assert answer.json()["checks"]["database"] == "ok"


def test_a_failing_check_makes_the_answer_503(client: Client, db: None, settings: object) -> None:
    settings.METRICVAULT_K6_BINARY = "/nonexistent/k6"  # type: ignore[attr-defined]
    answer = client.get("/", headers={"Accept": "application/json"})
    assert answer.status_code == 503
    assert answer.json()["status"] == "degraded"


def test_a_browser_without_a_login_is_sent_to_it(client: Client, db: None) -> None:
    answer = client.get("/", headers=BROWSER)
    assert answer.status_code == 302
    assert answer.url == "/accounts/login/?next=/"  # type: ignore[attr-defined]


def test_alive_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever restarts a process that does not answer must not do so because a database is away."""
    monkeypatch.setattr("metricvault.pages.health", lambda: {"database": "connection to 10.0.0.7 refused"})
    assert client.get("/healthz").content == b"ok\n"
    ready = client.get("/", headers={"Accept": "application/json"})
    assert (ready.status_code, ready.json()["checks"]) == (503, {"database": "failed"})
