"""The page of one run: live while it runs, its result afterwards."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from history.models import TestHistory
from history.reasons import reason
from history.states import ACTIVE, Outcome, Status
from history.tests.sample_runs import plan_of, project_of, run_of, scenario_of
from projects.models import Membership

BROWSER = {"accept": "text/html"}


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def html_of(client: Client, run: TestHistory, **headers: str) -> str:
    answer = client.get(f"/runs/{run.pk}/", headers={**BROWSER, **headers})
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_an_active_run_shows_the_live_page(page: Client, alice: User, status: Status) -> None:
    html = html_of(page, run_of(project_of(alice), status))
    assert f'data-status="{status}"' in html
    assert "js/live.js" in html
    assert 'id="stop"' in html
    assert f"/sse/k6-data?test_history_id={TestHistory.objects.get().pk}" in html


@pytest.mark.parametrize(
    ("status", "words"),
    [("queued", "waits for a worker"), ("starting", "k6 is being started"), ("collecting", "The load is over")],
)
def test_it_says_in_words_what_it_waits_for(page: Client, alice: User, status: Status, words: str) -> None:
    assert words in html_of(page, run_of(project_of(alice), status))


def test_a_finished_run_shows_its_verdict_and_numbers(page: Client, alice: User) -> None:
    reasons = [
        reason("p95_missed", request="GET /products", value=812.0, target=500.0),
        reason("counts_agree", good=True, count=9078),
    ]
    html = html_of(page, run_of(project_of(alice), Status.COMPLETED, Outcome.TARGETS_MISSED, reasons=reasons))
    assert "Targets missed: GET /products: p95 is 812\u00a0ms, target 500\u00a0ms" in html
    assert "all 9,078 requests counted by k6 are stored" in html
    assert "js/live.js" not in html
    assert 'id="stop"' not in html
    for shown in ("9,078", "151.3", "1.24", "4.20", "01:00"):
        assert shown in html


@pytest.mark.parametrize(
    ("status", "outcome", "code", "kind", "words"),
    [
        ("completed", "passed", "p95_met", "passed", "Passed: the target is met"),
        ("completed", "passed", "no_targets", "passed", "no target was set"),
        ("completed", "invalid", "counts_differ", "invalid", "Invalid: k6 counted"),
        ("failed", "error", "target_unreachable", "error", "No request got an answer from shop.example.com"),
        ("timed_out", "invalid", "timed_out", "error", "Stopped after 4 hours"),
        ("stopped", "passed", "stopped", "stopped", "Stopped before the end"),
    ],
)
def test_each_verdict_is_told_in_words(
    page: Client, alice: User, status: Status, outcome: Outcome, code: str, kind: str, words: str
) -> None:
    params = {"count": 1, "k6": 10, "stored": 9, "share": 10.0, "host": "shop.example.com", "hours": 4, "seconds": 3}
    params |= {"request": "GET /products", "value": 10.0, "target": 20.0}
    reasons = [reason(code, good=code in {"p95_met", "no_targets"}, **params)]
    html = html_of(page, run_of(project_of(alice), status, outcome, reasons=reasons))
    assert f'data-verdict-kind="{kind}"' in html
    assert words in html


def test_a_run_that_failed_shows_its_sentence_and_the_log(page: Client, alice: User) -> None:
    run = run_of(
        project_of(alice),
        Status.FAILED,
        Outcome.ERROR,
        reasons=[reason("k6_missing", detail="k6: no such file.")],
        log='time="x" level=error msg="no such file"',
        total_requests=None,
    )
    html = html_of(page, run)
    assert "k6 could not be started" in html
    assert "no such file" in html
    assert "js/charts.js" not in html  # nothing was measured, so there is nothing to draw


def test_a_stranger_learns_nothing(client: Client, alice: User, charlie: User) -> None:
    run = run_of(project_of(alice), title="secret")
    client.force_login(charlie)
    for path in ("", "log", "script"):
        answer = client.get(f"/runs/{run.pk}/{path}", headers=BROWSER)
        assert answer.status_code == 404
        assert b"secret" not in answer.content


def test_a_reader_sees_no_button_that_changes_something(client: Client, alice: User, bob: User) -> None:
    project = project_of(alice)
    Membership.objects.create(project=project, user=bob, role=Membership.Role.READER)
    client.force_login(bob)
    html = html_of(client, run_of(project, Status.RUNNING))
    assert 'data-dialog="stop"' not in html
    assert 'id="stop"' not in html


def test_htmx_gets_the_state_of_an_active_run(page: Client, alice: User) -> None:
    run = run_of(project_of(alice), Status.RUNNING)
    html = html_of(page, run, **{"HX-Request": "true"})
    assert 'id="run-state"' in html
    assert "<html" not in html


def test_htmx_is_told_to_reload_the_page_of_a_finished_run(page: Client, alice: User) -> None:
    run = run_of(project_of(alice))
    answer = page.get(f"/runs/{run.pk}/", headers={**BROWSER, "HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"


def test_the_charts_are_told_plan_stages_and_targets(page: Client, alice: User) -> None:
    other = {**scenario_of("s02", "constant-vus", ((60, 5),)), "name": "Order", "response_time_target": 500.0}
    run = run_of(project_of(alice), plan_snapshot=plan_of(scenario_of(), other), target_tps=120.0)
    found = re.search(r'<script id="run-plan" type="application/json">(.*?)</script>', html_of(page, run), re.DOTALL)
    assert found
    plan = json.loads(found[1])
    assert plan["duration"] == 60
    assert plan["asked"] == [[0, 5], [10, 25], [60, 25]]
    assert [band["name"] for band in plan["bands"]] == ["Ramp to 25 VUs", "Hold 25 VUs"]
    names = [target["name"].replace("\xa0", " ") for kind in ("tps", "latency") for target in plan["targets"][kind]]
    assert names == ["target 120 req/s", "p95 target 300 ms · List products", "p95 target 500 ms · Order"]


def test_numbers_in_attributes_carry_no_thousands_separator(page: Client, alice: User) -> None:
    long = {**scenario_of(stages=((3600, 20),)), "response_time_target": 1500.0}
    html = html_of(page, run_of(project_of(alice), Status.RUNNING, pk=12345, plan_snapshot=plan_of(long)))
    assert 'data-run="12345"' in html
    assert 'data-planned="3600.0"' in html
    assert 'data-percentile="p95" data-time-target="1500.0"' in html


def test_a_scenario_that_missed_its_target_is_marked(page: Client, alice: User) -> None:
    run = run_of(project_of(alice))
    run.scenarios.update(p95_response_time=812.0)
    html = html_of(page, run)
    assert 'class="num over" data-th="p95"' in html
    assert "missed: p95" in html


def test_the_script_and_the_log_can_be_downloaded(page: Client, alice: User) -> None:
    run = run_of(project_of(alice), script="export default 1", log="한글 log", k6_script_file_name="k6-1.js")
    script = page.get(f"/runs/{run.pk}/script", headers=BROWSER)
    assert script.content == b"export default 1"
    assert script.headers["Content-Disposition"] == 'attachment; filename="k6-1.js"'
    assert page.get(f"/runs/{run.pk}/log", headers=BROWSER).content.decode() == "한글 log"


def test_the_log_part_is_bounded_and_escaped(page: Client, alice: User) -> None:
    run = run_of(project_of(alice), log="\n".join(f"line {n} <b>" for n in range(500)))
    html = page.get(f"/runs/{run.pk}/log", headers={**BROWSER, "HX-Request": "true"}).content.decode()
    assert "line 499 &lt;b&gt;" in html
    assert "line 299 " not in html


def test_the_page_asks_the_database_as_often_for_many_scenarios_as_for_one(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    project = project_of(alice)
    many = plan_of(*(scenario_of(f"s{n:02}") for n in range(12)))
    one, twelve = run_of(project), run_of(project, plan_snapshot=many)
    # session, user, run, scenarios, stages, steps, heatmap, phases, failing requests, labels, notes, live runs
    with django_assert_num_queries(12):
        html_of(page, one)
    with django_assert_num_queries(12):
        html_of(page, twelve)


def test_targets_that_are_met_are_counted_in_the_banner(page: Client, alice: User) -> None:
    met = [reason("p95_met", good=True, request=f"GET /{n}", value=1.0, target=2.0) for n in range(12)]
    sound = reason("counts_agree", good=True, count=9078)
    html = html_of(page, run_of(project_of(alice), Status.COMPLETED, Outcome.PASSED, reasons=[*met, sound]))
    assert "Passed: all 12 targets are met" in html
    assert "GET /7" not in html
    missed = reason("p95_missed", request="POST /orders", value=812.0, target=500.0)
    run = run_of(project_of(alice), Status.COMPLETED, Outcome.TARGETS_MISSED, reasons=[missed, *met, sound])
    html = html_of(page, run)
    assert "Targets missed: POST /orders" in html
    assert "12 targets are met." in html
