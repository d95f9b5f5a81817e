"""What the page and the API tell of a run with steps, checks, iterations and chosen percentiles; and of one without."""

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.models import TestHistory
from history.recording import record
from history.states import Status, move
from history.tests.recorded_history import recorded_rows
from history.tests.sample_runs import project_of, run_of
from tests.recorded import recorded_run, recorded_steps

pytestmark = pytest.mark.django_db
EXACT = recorded_steps().exact
BROWSER = {"accept": "text/html"}


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def finished(alice: User, plan: dict[str, Any] | None = None) -> TestHistory:
    run = recorded_rows(alice, recorded=recorded_steps(), plan=plan)
    found = record(run, recorded_steps().summaries)
    move(run, Status.COMPLETED, outcome=found.outcome, reasons=found.reasons)
    return run


def html_of(client: Client, run: TestHistory) -> str:
    answer = client.get(f"/runs/{run.pk}/", headers=BROWSER)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def chart_plan(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="run-plan" type="application/json">(.*?)</script>', html)
    assert found
    plan: dict[str, Any] = json.loads(found[1])
    return plan


def test_each_step_shows_its_numbers_and_its_checks(page: Client, alice: User) -> None:
    html = html_of(page, finished(alice))
    journey = html.split('data-steps="s01_journey"')[1].split("</details>")[0]
    assert journey.count("data-step=") == 3
    missing, orders = EXACT["checks"]["s01_journey 2 x1 false"], EXACT["requests"]["s01_journey 2"]
    assert "takes <code>order_id = $.id</code>" in journey
    assert f"{missing} of {orders} failed" in journey
    assert f"all {EXACT['requests']['s01_journey 1']} passed" in journey


def test_iterations_that_were_never_begun_have_a_tile(page: Client, alice: User) -> None:
    html = html_of(page, finished(alice))
    assert f'data-value="iterations">{sum(EXACT["iterations"].values())}<' in html
    assert f"{sum(EXACT['dropped'].values())} never begun" in html


def test_a_journey_is_told_by_its_name_and_the_number_of_its_steps(page: Client, alice: User) -> None:
    table = html_of(page, finished(alice)).split('id="scenarios"')[1].split("</section>")[0]
    assert '<b>Journey</b> <span class="meta">3 steps</span>' in table


def test_a_target_is_told_with_its_percentile(page: Client, alice: User) -> None:
    html = html_of(page, finished(alice))
    assert [one["name"].replace("\xa0", " ") for one in chart_plan(html)["targets"]["latency"]] == ["p90 target 200 ms"]
    assert "p90 200" in html
    assert "p95 target" not in html


def test_a_missed_p90_is_marked(page: Client, alice: User) -> None:
    run = finished(alice)
    run.scenarios.filter(scenario_tag="s01_journey").update(response_time_target=1.0)
    assert "missed: p90" in html_of(page, run)


def test_the_whole_run_shows_its_own_targets(page: Client, alice: User) -> None:
    plan = recorded_steps().plan
    targets = {"response_time": 250.0, "response_time_percentile": 99, "error_rate": 5.0}
    html = html_of(page, finished(alice, {**plan, "targets": targets}))
    assert '<dd data-value="p99">' in html
    assert "target 250 ms" in html
    names = [one["name"].replace("\xa0", " ") for one in chart_plan(html)["targets"]["latency"]]
    assert names == ["p90 target 200 ms · Journey", "p99 target 250 ms · all"]


def test_what_a_rate_asks_for_is_drawn_in_requests(page: Client, alice: User) -> None:
    """10 iterations a second of one request each; of a journey of three steps 30 requests."""
    plan = recorded_steps().plan
    rate = {**plan, "scenarios": [plan["scenarios"][1]]}
    drawn = chart_plan(html_of(page, finished(alice, rate)))
    assert (drawn["asked_in"], drawn["asked"]) == ("tps", [[0, 10], [6, 10]])
    journey = {**plan["scenarios"][1], "steps": plan["scenarios"][0]["steps"]}
    drawn = chart_plan(html_of(page, run_of_plan(alice, {**plan, "scenarios": [journey]})))
    assert drawn["asked"] == [[0, 30], [6, 30]]


def run_of_plan(alice: User, plan: dict[str, Any]) -> TestHistory:
    return recorded_rows(alice, Status.RUNNING, 0, recorded_steps(), plan)


def test_the_live_page_tells_iterations_and_judges_the_whole(page: Client, alice: User) -> None:
    plan = {**recorded_steps().plan, "targets": {"response_time": 1500.0, "response_time_percentile": 90}}
    html = html_of(page, run_of_plan(alice, plan))
    assert 'data-live="total_dropped"' in html
    assert 'data-live="totals.p90"' in html
    assert "6 at the peak" in html  # 3 + 1 users, and 2 for the rate
    assert 'data-whole data-name="all requests" data-percentile="p90" data-time-target="1500.0"' in html


def test_a_run_of_before_there_were_steps_looks_as_it_did(page: Client, alice: User) -> None:
    run = run_of(project_of(alice))
    html = html_of(page, run)
    assert 'id="steps"' not in html
    assert 'data-value="iterations"' not in html
    assert "shop.example.com" in html
    run.timelines.create(columns={"t": [0, 1], "tps": [1.0, 2.0]})
    found = page.get(f"/test-history/{run.pk}/timeseries").json()
    assert (found["tps"], found["dropped"]) == ([1.0, 2.0], [None, None])


def test_the_api_tells_all_of_it(page: Client, alice: User) -> None:
    run = finished(alice)
    told = page.get(f"/test-history/{run.pk}/details").json()
    assert told["iterations"] == sum(EXACT["iterations"].values())
    assert told["dropped_iterations"] == sum(EXACT["dropped"].values())
    assert (told["error_rate_target"], told["response_time_percentile"]) == (5.0, 95)
    journey = told["scenarios"][0]
    assert (journey["response_time_percentile"], journey["tps_target"]) == (90, None)
    assert journey["p90_response_time"] > journey["p50_response_time"]
    order = journey["steps"][1]
    assert (order["request"], order["name"], order["position"]) == ("POST /orders", "주문", 1)
    assert order["total_requests"] == EXACT["requests"]["s01_journey 2"]
    failed, passed = EXACT["checks"]["s01_journey 2 x1 false"], EXACT["checks"]["s01_journey 2 x1 true"]
    last = {"key": "x1", "kind": "extract", "text": "order_id = $.id", "passed": passed, "failed": failed}
    assert order["checks"][-1] == last


def test_an_old_run_is_told_by_the_api_too(page: Client, alice: User) -> None:
    run = recorded_rows(alice)
    found = record(run, recorded_run().summaries)
    move(run, Status.COMPLETED, outcome=found.outcome, reasons=found.reasons)
    told = page.get(f"/test-history/{run.pk}/details").json()
    assert [one["steps"] for one in told["scenarios"]] == [[], [], []]
    assert told["dropped_iterations"] == 0


def test_the_page_asks_the_database_as_often_whatever_the_number_of_steps(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run = finished(alice)
    with django_assert_num_queries(14):
        html_of(page, run)
