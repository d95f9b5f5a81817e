"""Steps, checks, dropped iterations and used-up rows of the recorded run, against k6's raw samples."""

import copy
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User

from history.metrics import summary as k6_summary
from history.metrics.remote_write import decode, from_bytes, to_bytes
from history.metrics.stores import open_store
from history.metrics.timeline import Timeline
from history.models import StepHistory, TestHistory
from history.reasons import explain
from history.recording import Recorded, record
from history.states import Outcome, Status
from history.tests.recorded_history import recorded_rows
from history.timeseries import timeseries
from tests.recorded import recorded_steps

EXACT = recorded_steps().exact
SNAPSHOTS = [one for body in recorded_steps().pushes if (one := decode(body))]
pytestmark = pytest.mark.django_db


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded_rows(alice, recorded=recorded_steps())


def recorded(run: TestHistory, summaries: list[dict[str, Any]] | None = None) -> Recorded:
    found = record(run, recorded_steps().summaries if summaries is None else summaries)
    run.refresh_from_db()
    return found


def exact(what: str, tag: str) -> int:
    """The sum of all samples of a scenario, whatever the step."""
    return sum(count for key, count in EXACT[what].items() if key.split(" ")[0] == tag)


def whole(what: str) -> int:
    return sum(EXACT[what].values())


def test_requests_that_are_none_of_the_test_are_not_counted(run: TestHistory) -> None:
    (summary,) = recorded_steps().summaries
    everything = summary["metrics"]["http_reqs"]["values"]["count"]
    found = recorded(run)
    assert found.agrees
    assert run.total_requests == whole("requests") < everything


def test_a_failed_check_makes_its_request_a_failed_one(run: TestHistory) -> None:
    recorded(run)
    assert run.failed_requests == whole("failed") + whole("checked")
    for scenario in run.scenarios.all():
        tag = scenario.scenario_tag
        assert scenario.failed_requests == exact("failed", tag) + exact("checked", tag)


def test_iterations_and_dropped_ones_are_counted(run: TestHistory) -> None:
    recorded(run)
    assert (run.iterations, run.dropped_iterations) == (whole("iterations"), whole("dropped"))
    for scenario in run.scenarios.all():
        assert scenario.iterations == exact("iterations", scenario.scenario_tag)
        assert scenario.dropped_iterations == exact("dropped", scenario.scenario_tag)


def test_without_a_summary_the_pushes_say_the_same(run: TestHistory) -> None:
    recorded(run)
    names = ("total_requests", "failed_requests", "iterations", "dropped_iterations")
    said = [tuple(getattr(row, name) for name in names) for row in (run, *run.scenarios.all())]
    recorded(run, [])
    assert [tuple(getattr(row, name) for name in names) for row in (run, *run.scenarios.all())] == said


def test_the_seconds_add_up_to_all_of_it(run: TestHistory) -> None:
    recorded(run)
    TestHistory.objects.filter(pk=run.pk).update(status=Status.COMPLETED)
    run.refresh_from_db()
    for found, row in ((timeseries(run), run), *zip(timeseries(run)["scenarios"], run.scenarios.all(), strict=True)):
        assert sum(found["requests"]) == row.total_requests
        assert sum(found["failures"]) == row.failed_requests
        assert sum(found["iterations"]) == row.iterations
        assert sum(found["dropped"]) == row.dropped_iterations
        pairs = zip(found["requests"], found["failures"], strict=True)
        assert all(failures <= requests for requests, failures in pairs)


def test_each_step_has_its_own_numbers(run: TestHistory) -> None:
    recorded(run)
    journey = run.scenarios.get(scenario_tag="s01_journey")
    for step in journey.steps.all():
        key = f"s01_journey {step.position + 1}"
        assert step.total_requests == EXACT["requests"][key]
        assert step.failed_requests == EXACT["checked"].get(key, 0)
        assert step.avg_tps == pytest.approx(step.total_requests / journey.test_duration)
        assert step.min_tps <= step.avg_tps <= step.max_tps
        assert step.min_response_time < step.p50_response_time < step.p95_response_time
    first, order, _last = journey.steps.all()
    assert first.p50_response_time < order.p50_response_time  # 4 to 12 ms, and 10 to 30 ms


def test_a_scenario_of_one_step_shares_its_numbers_with_it(run: TestHistory) -> None:
    recorded(run)
    scenario = run.scenarios.get(scenario_tag="s02_report")
    (step,) = scenario.steps.all()
    assert step.total_requests == scenario.total_requests
    assert step.failed_requests == scenario.failed_requests


def test_each_check_says_how_often_it_passed_and_failed(run: TestHistory) -> None:
    recorded(run)
    steps = StepHistory.objects.filter(scenario__test_history=run).select_related("scenario")
    several = {"s01_journey"}
    counted = {}
    for step in steps:
        tag = step.scenario.scenario_tag
        place = f"{tag} {step.position + 1}" if tag in several else tag
        for check in step.checks:
            counted[f"{place} {check['key']} true"] = check["passed"]
            counted[f"{place} {check['key']} false"] = check["failed"]
    assert {key: count for key, count in counted.items() if count} == EXACT["checks"]


def test_the_verdict_names_failed_checks_dropped_iterations_and_missing_rows(run: TestHistory) -> None:
    found = recorded(run)
    said = [one["message"] for one in explain(found.reasons)]
    missing = EXACT["checks"]["s01_journey 2 x1 false"]
    assert f"POST /orders: {missing} of {EXACT['requests']['s01_journey 2']} answers had no value for order_id." in said
    late = EXACT["checks"]["s02_report c1 false"]
    words = f"GET /reports/sales: {late} of {whole_of('s02_report')} answers did not pass the check"
    assert any(one.startswith(words) for one in said)
    assert any(one.startswith(f"GET /reports/sales: {whole('dropped')} iterations (") for one in said)
    rows = "GET /products/{product_id}/stock: no row of the data file was left for 5 iterations"
    assert any(one.startswith(rows) for one in said)


def whole_of(tag: str) -> int:
    return int(EXACT["requests"][tag])


def test_targets_of_the_whole_run_are_judged_with_failed_checks(run: TestHistory) -> None:
    found = recorded(run)
    assert found.outcome == Outcome.INVALID  # more than half of its reports were dropped
    missed = [one for one in found.reasons if one["code"] == "errors_missed"]  # its plan wants 5 % of errors at most
    assert explain(missed)[0]["message"].startswith("All requests: ")


def test_the_percentile_of_a_target_is_the_chosen_one(run: TestHistory) -> None:
    run.scenarios.filter(scenario_tag="s01_journey").update(response_time_target=1.0, response_time_percentile=90)
    found = recorded(run)
    journey = run.scenarios.get(scenario_tag="s01_journey")
    (missed,) = [one for one in found.reasons if one["code"] == "p90_missed"]
    assert missed["params"]["value"] == pytest.approx(journey.p90_response_time, abs=0.001)
    (words,) = explain([missed])
    assert words["message"].startswith("Journey: p90 is ")


def test_a_snapshot_survives_the_store_with_its_steps_and_counters() -> None:
    assert [from_bytes(to_bytes(one)) for one in SNAPSHOTS] == SNAPSHOTS
    assert {key.step for one in SNAPSHOTS for key in one.requests} == {"", "1", "2", "3"}


def test_a_scenario_that_starts_later_is_measured_from_its_start(alice: User) -> None:
    plan = copy.deepcopy(recorded_steps().plan)
    plan["scenarios"][0] |= {"load": {"start_time": 2.0}, "stages": [{"duration": 2, "target": 3}] * 2}
    run = recorded_rows(alice, recorded=recorded_steps(), plan=plan)
    recorded(run)
    journey = run.scenarios.get(scenario_tag="s01_journey")
    columns = journey.timeline.columns
    assert journey.stages.first().total_requests == sum(columns["requests"][2:4])
    assert journey.test_duration == pytest.approx(run.test_duration - 2)
    assert journey.avg_tps == pytest.approx(journey.total_requests / journey.test_duration)
    assert journey.min_tps == min(columns["tps"][2:6])


def test_two_generators_add_up(alice: User) -> None:
    """The recording as that of two pods."""
    plan = {**recorded_steps().plan, "generators": 2}
    run = recorded_rows(alice, recorded=recorded_steps(), plan=plan)
    open_store().write(run.pk, [replace(one, instance="2") for one in SNAPSHOTS])
    recorded(run, recorded_steps().summaries * 2)
    assert run.total_requests == 2 * whole("requests")
    assert run.failed_requests == 2 * (whole("failed") + whole("checked"))
    assert run.dropped_iterations == 2 * whole("dropped")
    order = run.scenarios.get(scenario_tag="s01_journey").steps.get(position=1)
    assert order.checks[1]["failed"] == 2 * EXACT["checks"]["s01_journey 2 x1 false"]


def test_pushes_that_come_twice_or_in_another_order_change_nothing() -> None:
    straight, mixed = Timeline(), Timeline()
    for one in SNAPSHOTS:
        straight.feed(one)
    for one in (SNAPSHOTS[0], SNAPSHOTS[2], SNAPSHOTS[1], *SNAPSHOTS[1:], SNAPSHOTS[0]):
        mixed.feed(one)
    assert mixed.step_totals() == straight.step_totals()
    assert mixed.counted("mv_checks") == straight.counted("mv_checks")
    total = sum(second.total.failures for second in mixed.take_all())
    assert total == whole("failed") + whole("checked")


def test_without_load_to_leave_out_the_summary_is_read_whole() -> None:
    (told,) = recorded_steps().summaries
    metrics = {name: one for name, one in told["metrics"].items() if "{load:" not in name}
    read = k6_summary.read([{**told, "metrics": metrics}], [])
    assert read
    assert read.whole.requests == told["metrics"]["http_reqs"]["values"]["count"]
