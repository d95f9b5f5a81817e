"""What a breakpoint test reports: the last stage that kept every target, and what the next one missed."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from history import held
from history.metrics.timeline import Cell
from history.models import ScenarioHistory, StageHistory
from history.reasons import Reason, explain
from history.recording import record
from history.states import Outcome, Status
from history.tests.recorded_history import recorded_rows
from history.tests.test_abort import times
from tests.recorded import recorded_steps

pytestmark = pytest.mark.django_db
GAP = "\u00a0"
RATES = (100, 120, 140)


def told(
    alice: User, cells: list[Cell], executor: str = "constant-arrival-rate", lasted: float = 10.0, **asked: Any
) -> str:
    """The sentence about one scenario whose stages ask for `RATES` for 10 s each and hold `cells`."""
    stages = [{"duration": 10.0, "target": target} for target in RATES]
    scenario = {**recorded_steps().plan["scenarios"][1], "executor": executor, "stages": stages, "load": {}, **asked}
    plan = {"title": "", "scenarios": [scenario], "profile": held.PROFILE, "targets": {}}
    run = recorded_rows(alice, Status.COLLECTING, 0, recorded_steps(), plan)
    StageHistory.objects.update(test_duration=lasted)
    rows = list(ScenarioHistory.objects.filter(test_history=run).prefetch_related("stages"))
    measured = {stage.pk: cell for stage, cell in zip(rows[0].stages.all(), cells, strict=True)}
    reasons: list[Reason] = held.found(plan, rows, measured)
    (words,) = explain(reasons)
    return words["message"]


def cell(milliseconds: float = 20.0, count: int = 1000, **more: int) -> Cell:
    return Cell(count, spread=times(milliseconds, count), **more)


SLOW = {"response_time_target": 500.0, "response_time_percentile": 95}


def test_it_names_the_last_rate_that_held_and_what_the_next_one_missed(alice: User) -> None:
    words = told(alice, [cell(), cell(), cell(812)], **SLOW)
    assert words.startswith("Held 120 iterations/s; at 140 iterations/s p95 was ")
    assert words.endswith(f"ms, target 500{GAP}ms.")


def test_errors_are_a_miss(alice: User) -> None:
    words = told(alice, [cell(), cell(failures=50), cell(failures=90)], error_rate_target=1.0)
    assert words == f"Held 100 iterations/s; at 120 iterations/s 5.00{GAP}% of requests failed, target at most 1{GAP}%."


def test_a_rate_that_was_not_reached_did_not_hold(alice: User) -> None:
    words = told(alice, [cell(), cell(dropped=24), cell(dropped=140)], **SLOW)
    assert words == (
        f"Held 120 iterations/s; at 140 iterations/s only 90.00{GAP}% of the iterations asked for were begun."
    )


def test_where_nothing_was_missed_it_says_so(alice: User) -> None:
    assert told(alice, [cell()] * 3, **SLOW).startswith("Held 140 iterations/s, the most that was asked for")


def test_where_nothing_held_it_says_so(alice: User) -> None:
    assert told(alice, [cell(900)] * 3, **SLOW).startswith("Held no stage: at 100 iterations/s p95 was ")


def test_a_stage_that_was_cut_short_did_not_hold(alice: User) -> None:
    assert told(alice, [cell(), cell(), cell(900)], lasted=4.0, **SLOW).startswith("Held no stage: at 140 ")


def test_rates_of_another_unit_are_told_by_second(alice: User) -> None:
    words = told(alice, [cell(), cell(), cell(900)], load={"time_unit": 60.0}, **SLOW)
    assert words.startswith("Held 2 iterations/s; at 2.33 iterations/s ")


def test_a_ramp_is_asked_for_what_lies_below_it(alice: User) -> None:
    """From 0 to 100 in 10 s are 500 iterations: 40 dropped ones are more than a twentieth."""
    words = told(alice, [cell(dropped=40), cell(), cell()], "ramping-arrival-rate")
    assert words.startswith("Held 140 iterations/s")
    words = told(alice, [cell(), cell(), cell(dropped=80)], "ramping-arrival-rate")
    assert words.startswith("Held 120 iterations/s; at 140 iterations/s only 93.85")


def test_users_are_told_as_users(alice: User) -> None:
    assert told(alice, [cell(), cell(), cell(900)], "ramping-vus", **SLOW).startswith("Held 120 users; at 140 users ")


def test_a_rate_that_did_not_hold_is_a_missed_target(alice: User) -> None:
    """The recorded rate: two users for ten reports a second, each of which takes 0.4 s."""
    plan = {**recorded_steps().plan, "profile": held.PROFILE, "targets": {}}
    run = recorded_rows(alice, recorded=recorded_steps(), plan={**plan, "scenarios": plan["scenarios"][1:2]})
    found = record(run, recorded_steps().summaries)
    assert found.outcome == Outcome.TARGETS_MISSED
    (first, *_rest) = explain(found.reasons)
    assert first["message"].startswith("Held no stage: at 10 iterations/s only 38.33")


def test_other_profiles_report_nothing_of_it(alice: User) -> None:
    run = recorded_rows(alice, recorded=recorded_steps())
    assert held.found(run.plan_snapshot, list(run.scenarios.all()), {}) == []
