"""From run to run: which runs a trend has, what is marked in it, and whose numbers are not joined."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.models import Baseline, RunLabel, ScenarioHistory, StepHistory, TestHistory
from history.states import Outcome, Status
from history.tests.sample_runs import project_of, run_of
from history.trends import endpoint_subject, plan_subject, project_subject, request_subject, trend
from history.trends_charts import charts
from loadtests.models import Plan
from metricvault.lib.errors import Missing
from projects.models import Endpoint, OpenApiSpec, Project

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIST = "GET /products"


@pytest.fixture
def project(alice: User) -> Project:
    return project_of(alice)


@pytest.fixture
def plan(project: Project) -> Plan:
    return Plan.objects.create(project=project, title="Evening peak")


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def run(project: Project, day: int, **columns: Any) -> TestHistory:
    values = {"outcome": Outcome.PASSED, "tested_at": START + timedelta(days=day), "p95_response_time": 100.0 + day}
    return run_of(project, **{**values, **columns})


def step(of: TestHistory, request: str, **columns: Any) -> StepHistory:
    scenario = of.scenarios.first()
    assert scenario
    return StepHistory.objects.create(scenario=scenario, request_name=request, **columns)


def html_of(client: Client, query: str, status: int = 200, **headers: str) -> str:
    answer = client.get(f"/runs/trends/?{query}", headers={"accept": "text/html", **headers})
    assert answer.status_code == status
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_plan_has_its_own_runs_the_oldest_first(project: Project, plan: Plan, alice: User) -> None:
    wanted = [run(project, day, plan=plan).pk for day in (1, 2, 3)]
    run(project, 4)
    run(project, 5, plan=plan, status=Status.RUNNING, outcome="")
    run(project, 6, plan=plan, total_requests=0)
    run(project, 7, plan=plan, deleted_at=START)
    found = trend(alice, plan_subject(alice, plan.pk))
    assert [row.run_id for row in found.readings] == wanted
    assert [row.p95 for row in found.readings] == [101.0, 102.0, 103.0]


def test_a_project_has_the_runs_of_all_its_plans(project: Project, plan: Plan, alice: User) -> None:
    run(project, 1, plan=plan)
    run(project, 2)
    run(project_of(alice, "Bank"), 3)
    assert len(trend(alice, project_subject(alice, project.pk)).readings) == 2


def test_only_the_last_ones_are_shown(project: Project, plan: Plan, alice: User) -> None:
    for day in range(25):
        run(project, day, plan=plan)
    found = trend(alice, plan_subject(alice, plan.pk), 20)
    assert (len(found.readings), found.readings[-1].p95, found.more) == (20, 124.0, True)
    assert not trend(alice, plan_subject(alice, plan.pk), 50).more
    assert len(trend(alice, plan_subject(alice, plan.pk), 0).readings) == 25


def test_an_endpoint_is_found_in_steps_and_in_scenarios_of_older_runs(project: Project, alice: User) -> None:
    old, new = run(project, 1), run(project, 2)
    step(new, LIST, p95_response_time=55.0, total_requests=10)
    step(new, "POST /orders", p95_response_time=99.0)
    found = trend(alice, request_subject(project, LIST))
    scenario = ScenarioHistory.objects.get(test_history=old)
    assert [(row.run_id, row.p95) for row in found.readings] == [(old.pk, scenario.p95_response_time), (new.pk, 55.0)]


def test_of_several_steps_with_the_request_the_busiest_is_told(project: Project, alice: User) -> None:
    one = run(project, 1)
    step(one, LIST, p95_response_time=55.0, total_requests=10)
    step(one, LIST, p95_response_time=66.0, total_requests=900)
    (row,) = trend(alice, request_subject(project, LIST)).readings
    assert (row.p95, row.several) == (66.0, 2)


def test_an_endpoint_is_named_by_its_key(project: Project, alice: User, charlie: User) -> None:
    spec = OpenApiSpec.objects.create(project=project, title="Shop")
    endpoint = Endpoint.objects.create(openapi_spec=spec, method="GET", path="/products")
    step(run(project, 1), LIST, p95_response_time=55.0)
    subject = endpoint_subject(alice, endpoint.pk)
    assert (subject.request, len(trend(alice, subject).readings)) == (LIST, 1)
    with pytest.raises(Missing):
        endpoint_subject(charlie, endpoint.pk)


def test_what_cannot_be_trusted_is_a_ring_that_no_line_goes_through(project: Project, plan: Plan, alice: User) -> None:
    run(project, 1, plan=plan)
    run(project, 2, plan=plan, outcome=Outcome.INVALID, p95_response_time=9000.0)
    run(project, 3, plan=plan, status=Status.STOPPED, outcome="", p95_response_time=8000.0)
    run(project, 4, plan=plan, outcome=Outcome.TARGETS_MISSED)
    found = trend(alice, plan_subject(alice, plan.pk))
    assert [row.valid for row in found.readings] == [True, False, False, True]
    svg = charts(found, "p95")[0].wide
    assert svg.count("point ring") == 2
    (line,) = re.findall(r'<path class="line k-p95"[^>]*d="([^"]+)"|<path[^>]*d="([^"]+)"[^>]*class="line k-p95"', svg)
    assert len(re.findall(r"[ML]", "".join(line))) == 2  # from the first to the last run


def test_releases_labels_and_baselines_are_marked_where_they_change(project: Project, plan: Plan, alice: User) -> None:
    for day, release in enumerate(("4.1", "4.1", "4.2", "4.2", "4.2", "4.2")):
        made = run(project, day, plan=plan, release=release)
        if day == 4:
            RunLabel.objects.create(test_history=made, text="new cache")
        if day == 5:
            Baseline.objects.create(project=project, plan=plan, test_history=made)
    found = trend(alice, plan_subject(alice, plan.pk))
    assert [row.baseline for row in found.readings] == [False] * 5 + [True]
    svg = charts(found, "p95")[0].wide
    for words in ("4.2", "new cache", "baseline"):
        assert f">{words}</text>" in svg
    assert ">4.1</text>" not in svg


def test_every_point_leads_to_its_run_and_says_its_value(page: Client, project: Project, plan: Plan) -> None:
    made = run(project, 1, plan=plan, p95_response_time=236.7)
    html = html_of(page, f"plan={plan.pk}")
    assert f'href="/runs/{made.pk}/"' in html
    assert re.search(rf"Run {made.pk}, [^:]+: p95 237.ms", html)
    assert f'data-trend-run="{made.pk}"' in html


def test_the_target_is_drawn(page: Client, project: Project, plan: Plan) -> None:
    run(project, 1, plan=plan, response_time_target=300, error_rate_target=1)
    html = html_of(page, f"plan={plan.pk}")
    assert re.search(r"p95 target 300.ms", html)
    assert re.search(r"target 1.%", html)


def test_a_measure_is_shown_alone(page: Client, project: Project, plan: Plan) -> None:
    run(project, 1, plan=plan)
    assert html_of(page, f"plan={plan.pk}").count('<figure class="card chart">') == 3
    html = html_of(page, f"plan={plan.pk}&measure=errors")
    assert html.count('<figure class="card chart">') == 1
    assert '<option value="errors" selected>' in html


def test_htmx_gets_the_trend_alone(page: Client, project: Project, plan: Plan) -> None:
    run(project, 1, plan=plan)
    html = html_of(page, f"plan={plan.pk}", **{"HX-Request": "true"})
    assert "<html" not in html
    assert 'id="trend"' in html


def test_a_project_has_a_line_for_each_plan(page: Client, project: Project, plan: Plan) -> None:
    other = Plan.objects.create(project=project, title="Night batch")
    for day, of in enumerate((plan, other, plan, other)):
        run(project, day, plan=of)
    html = html_of(page, f"project={project.pk}")
    for title in ("Evening peak", "Night batch"):
        assert f">{title}</text>" in html


def test_without_runs_it_says_what_makes_a_point(page: Client, plan: Plan) -> None:
    assert "No finished runs yet" in html_of(page, f"plan={plan.pk}")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("plan=x", 422),
        ("plan=9999", 404),
        ("project=9999", 404),
        ("endpoint=9999", 404),
        ("endpoint=-1", 422),
    ],
)
def test_odd_addresses_get_a_sentence(page: Client, query: str, status: int) -> None:
    html_of(page, query, status)


def test_odd_choices_do_no_harm(page: Client, project: Project, plan: Plan) -> None:
    run(project, 1, plan=plan)
    html_of(page, f"plan={plan.pk}&measure=nonsense&last=-5")
    html_of(page, f"project={project.pk}&request=%00%3Cscript%3E")


def test_it_hides_foreign_plans_and_projects(client: Client, project: Project, plan: Plan, charlie: User) -> None:
    client.force_login(charlie)
    for query in (f"plan={plan.pk}", f"project={project.pk}", f"project={project.pk}&request={LIST}"):
        html_of(client, query, 404)


def test_titles_and_labels_are_escaped(page: Client, project: Project, plan: Plan) -> None:
    nasty = "<script>alert(1)</script>"
    run(project, 0, plan=plan)
    made = run(project, 1, plan=plan, title=nasty, release=nasty)
    RunLabel.objects.create(test_history=made, text=nasty)
    assert "<script>alert" not in html_of(page, f"plan={plan.pk}")


@pytest.mark.parametrize("kind", ["plan", "project", "endpoint"])
def test_it_asks_the_database_as_often_for_many_runs_as_for_one(
    page: Client, project: Project, plan: Plan, kind: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    query = {"plan": f"plan={plan.pk}", "project": f"project={project.pk}"}.get(
        kind, f"project={project.pk}&request={LIST}"
    )
    step(run(project, 0, plan=plan), LIST)
    html_of(page, query)
    many = {"plan": 8, "project": 8, "endpoint": 9}[kind]  # session, user, subject, runs, labels, baselines, frame
    with django_assert_num_queries(many):
        html_of(page, query)
    for day in range(1, 20):
        step(run(project, day, plan=plan), LIST)
    with django_assert_num_queries(many):
        html_of(page, query)


def asked(client: Client, status: int = 200, **query: Any) -> Any:
    answer = client.get("/test-history/trends", query)
    assert answer.status_code == status
    return answer.json()


def test_programs_get_the_same_numbers(page: Client, project: Project, plan: Plan) -> None:
    made = run(project, 1, plan=plan, response_time_target=300, release="4.1")
    found = asked(page, plan_id=plan.pk, measure="p95")
    (item,) = found["items"]
    assert (found["kind"], found["title"], found["more"]) == ("plan", "Evening peak", False)
    assert (item["test_history_id"], item["value"], item["target"], item["release"]) == (made.pk, 101.0, 300.0, "4.1")
    assert asked(page, project_id=project.pk, request=LIST, measure="tps")["items"][0]["value"] == 151.3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "plan_id"),
        ({"plan_id": 1, "project_id": 1}, "project_id"),
        ({"plan_id": 1, "request": LIST}, "request"),
        ({"plan_id": "x"}, "plan_id"),
        ({"plan_id": 1, "measure": "speed"}, "measure"),
        ({"plan_id": 1, "last": 0}, "last"),
    ],
)
def test_programs_are_told_the_field_of_a_bad_question(page: Client, query: dict, field: str) -> None:
    assert asked(page, 422, **query)["error"]["details"][0]["field"] == field


def test_programs_of_strangers_get_nothing(client: Client, plan: Plan, charlie: User) -> None:
    client.force_login(charlie)
    asked(client, 404, plan_id=plan.pk)
