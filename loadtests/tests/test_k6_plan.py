"""Plans as data: round trip, tags, curves."""

import json

import pytest

from loadtests.k6.curves import asked_vus, duration, peak_vus
from loadtests.k6.plan import StagePlan, scenario_tag, to_json
from loadtests.k6.plan_json import from_json
from loadtests.tests.conftest import run_plan, scenario

RAMP = scenario(0, "Ramp", executor="ramping-vus", stages=(StagePlan(10, 20), StagePlan(10, 20), StagePlan(5, 0)))
STEPS = scenario(1, "Steps", stages=(StagePlan(10, 5), StagePlan(20, 1)))


def test_it_survives_the_way_through_json() -> None:
    plan = run_plan(RAMP, scenario(1, "느린 구매", headers=(("X-A", "값"),), body="{}", error_rate_target=0.5))
    assert from_json(json.loads(json.dumps(to_json(plan)))) == plan


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Browse products", "s03_browse_products"),
        ("느린 구매", "s03"),
        ("Café — été!", "s03_cafe_ete"),
        ("  ", "s03"),
        ("x" * 300, "s03_" + "x" * 40),
        ("GET /pets/{petId}", "s03_get_pets_petid"),
    ],
)
def test_a_tag_is_made_of_what_k6_takes(name: str, tag: str) -> None:
    assert scenario_tag(2, name) == tag


def test_users_hold_in_constant_and_climb_in_ramping_scenarios() -> None:
    assert [asked_vus(run_plan(STEPS), t) for t in (0, 9.9, 10, 29.9, 30)] == [5, 5, 1, 1, 0]
    assert [asked_vus(run_plan(RAMP), t) for t in (0, 5, 10, 20, 22.5, 25)] == [0, 10, 20, 20, 10, 0]


def test_totals_are_those_of_all_scenarios_at_once() -> None:
    plan = run_plan(RAMP, STEPS)
    assert duration(plan) == 30
    assert peak_vus(plan) == 25  # just before 10 s: 20 have come, 5 have not gone
    assert asked_vus(plan, 10) == 21


def test_a_plan_of_nothing_is_nothing() -> None:
    plan = run_plan(scenario(stages=()))
    assert (duration(plan), peak_vus(plan), asked_vus(plan, 0)) == (0, 0, 0)
