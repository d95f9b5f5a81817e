"""The final numbers of the recorded run agree with k6's raw samples."""

import pytest
from django.contrib.auth.models import User

from history.metrics.remote_write import decode
from history.metrics.stores import open_store
from history.models import TestHistory
from history.recording import agreement, record
from history.states import Outcome
from history.tests.recorded_history import recorded_rows
from history.timeseries import timeseries
from tests.recorded import recorded_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(alice: User) -> TestHistory:
    return recorded_rows(alice)


def test_counts_are_exact_for_the_run_and_each_scenario(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    run.refresh_from_db()
    exact = recorded_run().exact
    assert (run.total_requests, run.failed_requests) == (exact["requests"], exact["failures"])
    for scenario in run.scenarios.all():
        of_scenario = exact["scenarios"][scenario.scenario_tag]
        assert scenario.total_requests == of_scenario["requests"]
        assert scenario.failed_requests == of_scenario["failures"]


def test_the_seconds_add_up_to_the_totals(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    whole = run.timelines.get(scenario=None).columns
    assert sum(whole["requests"]) == run.total_requests
    assert sum(whole["failures"]) == run.failed_requests
    by_scenario = run.timelines.exclude(scenario=None)
    assert sum(sum(timeline.columns["requests"]) for timeline in by_scenario) == run.total_requests


def test_with_one_generator_response_times_are_k6s_own(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    exact = recorded_run().exact
    assert run.avg_response_time == pytest.approx(exact["avg"])
    assert run.min_response_time == pytest.approx(exact["min"])
    assert run.max_response_time == pytest.approx(exact["max"])
    assert run.p50_response_time == pytest.approx(exact["p50"])
    assert run.p95_response_time == pytest.approx(exact["p95"])
    assert run.p99_response_time == pytest.approx(exact["p99"])


def test_without_a_summary_percentiles_come_from_histograms_within_3_percent(run: TestHistory) -> None:
    recorded = record(run, [])
    exact = recorded_run().exact
    assert not recorded.agrees
    assert run.total_requests == exact["requests"]
    assert run.avg_response_time == pytest.approx(exact["avg"])
    for name in ("p50", "p95", "p99"):
        assert getattr(run, f"{name}_response_time") == pytest.approx(exact[name], rel=0.03)


def test_rates_and_durations_belong_together(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    assert run.avg_tps == pytest.approx(run.total_requests / run.test_duration)
    assert run.avg_error_rate == pytest.approx(100 * run.failed_requests / run.total_requests)
    assert run.min_tps <= run.avg_tps <= run.max_tps
    assert run.min_error_rate <= run.avg_error_rate <= run.max_error_rate
    assert run.max_vus == 13  # 8 + 3 + 2 users at the peak


def test_stages_cover_their_own_seconds(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    ramp = run.scenarios.get(scenario_tag="s01_product")
    up, hold, down = ramp.stages.all()
    columns = ramp.timeline.columns
    assert up.total_requests == sum(columns["requests"][0:3])
    assert hold.total_requests == sum(columns["requests"][3:7])
    assert hold.avg_tps > up.avg_tps > 0
    assert hold.p95_response_time > 0
    assert down.test_duration <= 2


def test_recording_twice_gives_the_same_numbers(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    first = TestHistory.objects.values().get(pk=run.pk)
    record(run, recorded_run().summaries)
    assert TestHistory.objects.values().get(pk=run.pk) == first
    assert run.timelines.count() == 1 + run.scenarios.count()


def test_a_push_that_arrives_twice_changes_nothing(run: TestHistory) -> None:
    snapshots = [one for body in recorded_run().pushes[2:5] if (one := decode(body))]
    open_store().write(run.pk, snapshots)
    record(run, recorded_run().summaries)
    assert sum(run.timelines.get(scenario=None).columns["requests"]) == recorded_run().exact["requests"]


def test_it_knows_whether_pushes_are_still_missing(alice: User) -> None:
    assert agreement(recorded_rows(alice), recorded_run().summaries)
    TestHistory.objects.all().delete()
    assert not agreement(recorded_rows(alice, pushes=4), recorded_run().summaries)


def test_lost_pushes_make_the_result_invalid_and_say_by_how_much(alice: User) -> None:
    run = recorded_rows(alice, pushes=5)
    recorded = record(run, recorded_run().summaries)
    assert recorded.outcome == Outcome.INVALID
    differ = recorded.reasons[0]
    assert differ["code"] == "counts_differ"
    assert differ["params"]["k6"] == recorded_run().exact["requests"]
    assert differ["params"]["stored"] == recorded.stored_requests < recorded_run().exact["requests"]


def test_a_missed_target_is_named_with_its_numbers(run: TestHistory) -> None:
    run.scenarios.filter(scenario_tag="s02").update(response_time_target=0.5)
    recorded = record(run, recorded_run().summaries)
    assert recorded.outcome == Outcome.TARGETS_MISSED
    assert recorded.reasons[0]["code"] == "p95_missed"
    assert recorded.reasons[0]["params"]["target"] == 0.5


def test_the_stored_seconds_are_what_programs_get(run: TestHistory) -> None:
    record(run, recorded_run().summaries)
    TestHistory.objects.filter(pk=run.pk).update(status="completed")
    run.refresh_from_db()
    found = timeseries(run)
    assert sum(found["requests"]) == run.total_requests
    assert [len(found[name]) for name in ("t", "tps", "p95", "vus")] == [len(found["t"])] * 4
    assert found["planned_duration"] == 9
    assert found["whole_seconds"] <= len(found["t"])
    assert {one["tag"] for one in found["scenarios"]} == {"s01_product", "s02", "s03_stock"}
