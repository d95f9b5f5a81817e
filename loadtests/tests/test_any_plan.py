"""Whatever a plan says, k6 takes its script, and what a person wrote changes nothing but data."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loadtests.k6.plan import RunPlan, to_json
from loadtests.k6.plan_json import from_json
from loadtests.k6.script import build_script
from loadtests.runners.inspection import inspect
from loadtests.tests.any_plan import TABLES, plans
from loadtests.tests.conftest import run_plan
from loadtests.tests.golden_plans import data_of_script
from tests.examples import examples

MISLEADING = ("</", "<!--", "\u2028", "\u2029", "\u202e", "\x00", "\x7f", "\ufeff", "\ud83d")


def without_data(script: str) -> str:
    before, _mark, rest = script.partition("const PLAN = ")
    return before + rest.partition(";\n\n")[2]


CONSTANT = without_data(build_script(run_plan()))


@settings(
    max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(plans(), st.booleans())
def test_its_script_is_constant_but_for_its_data(plan: RunPlan, trying: bool) -> None:
    assert from_json(json.loads(json.dumps(to_json(plan)))) == plan
    script = build_script(plan, trying=trying)
    assert without_data(script) == CONSTANT
    in_data = script.replace(CONSTANT.partition("\n/* One of several")[0], "", 1).partition(";\n\n")[0]
    assert not [text for text in MISLEADING if text in in_data]
    data = data_of_script(script)
    assert data["title"] == plan.title
    for scenario, journey in zip(plan.scenarios, data["journeys"], strict=True):
        assert journey["title"] == scenario.name
        for step, shown in zip(scenario.steps, journey["steps"], strict=True):
            assert [name for name, _text in shown["headers"]] == [name for name, _text in step.request.headers]
            if isinstance(step.request.body, str):
                assert shown["body"] == step.request.body


@pytest.fixture(scope="module")
def asked() -> list[RunPlan]:
    """A few plans of many scenarios: k6 takes a third of a second to look at one."""
    found: list[RunPlan] = []

    @settings(
        max_examples=6, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(plans(most=12))
    def collect(plan: RunPlan) -> None:
        found.append(plan)

    collect()
    return found


def test_k6_takes_it(k6: str, tmp_path: Path, asked: list[RunPlan]) -> None:
    files = {table.file: json.dumps([[""] * len(table.columns)] * table.rows) for table in TABLES}
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda plan: inspect(k6, build_script(plan), files, tmp_path), asked))
