"""Which stage a request belongs to: the one in which it was begun, by k6's own clock."""

from collections import defaultdict
from datetime import datetime

import pytest

from loadtests.k6.plan import LoadPlan, RequestPlan, StagePlan, StepPlan
from loadtests.k6.script import build_script
from loadtests.tests.conftest import run_plan, scenario
from loadtests.tests.golden_plans import data_of_script
from loadtests.tests.scripted import Api, Ran, run

USERS = (StagePlan(1, 5), StagePlan(1, 0), StagePlan(1, 5), StagePlan(0, 2), StagePlan(1.5, 2))
RATE = (StagePlan(1.5, 20), StagePlan(1, 50))
VUS = LoadPlan(pre_allocated_vus=3, max_vus=9, start_time=1.0)


@pytest.fixture(scope="module")
def ran(k6: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Api]:
    api = Api()
    steps = tuple(
        StepPlan("", RequestPlan("GET", f"{api.url}/{name}", f"GET /{name}", (), None)) for name in ("one", "two")
    )
    plan = run_plan(
        scenario(0, "Users", url=f"{api.url}/u", executor="ramping-vus", stages=USERS, think_time=0.05),
        scenario(1, "Rate", steps=steps, executor="ramping-arrival-rate", stages=RATE, load=VUS),
        scenario(2, "Together", steps=steps, stages=(StagePlan(1, 1), StagePlan(1, 2)), think_time=0.1,
                 load=LoadPlan(batch=True)),
        scenario(3, "Held", url=f"{api.url}/o", think_time=0.1),
    )  # fmt: skip
    return run(k6, tmp_path_factory.mktemp("stages"), plan), api


def begun(ran: Ran, tag: str) -> dict[str, list[float]]:
    """For each stage the moments at which its requests were begun, in seconds since the run's origin."""
    origin = min(point["value"] for point in ran.points["mv_started"])
    found = defaultdict(list)
    # k6 writes the samples of a request one after another, in this order.
    for ended, took in zip(ran.points["http_reqs"], ran.points["http_req_duration"], strict=True):
        if ended["tags"]["scenario_tag"] == tag:
            moment = datetime.fromisoformat(ended["time"][:26] + ended["time"][-6:].lstrip("0123456789"))
            found[ended["tags"].get("stage", "")].append(moment.timestamp() - (took["value"] + origin) / 1000)
    return found


@pytest.mark.parametrize(
    ("tag", "windows"),
    [
        ("s01_users", {"1": (0, 1), "2": (1, 2), "3": (2, 3), "5": (3, 4.5)}),
        ("s02_rate", {"1": (1, 2.5), "2": (2.5, 3.5)}),
        ("s03_together", {"1": (0, 1), "2": (1, 2)}),
    ],
)
def test_each_request_bears_the_stage_in_which_it_was_begun(
    ran: tuple[Ran, Api], tag: str, windows: dict[str, tuple[float, float]]
) -> None:
    found = begun(ran[0], tag)
    assert set(found) == set(windows)
    for stage, (start, end) in windows.items():
        # What lies between the script's look at the clock and the first byte is not part of a duration.
        assert min(found[stage]) >= start - 0.005, stage
        assert max(found[stage]) <= end + 0.1, stage


def test_stages_add_up_to_what_was_sent(ran: tuple[Ran, Api]) -> None:
    result, api = ran
    assert len(result.points["http_reqs"]) == len(api.received)
    for tag in ("s01_users", "s02_rate", "s03_together", "s04_held"):
        sent = result.count("http_reqs", scenario_tag=tag)
        assert result.metrics[f"http_reqs{{scenario_tag:{tag}}}"]["values"]["count"] == sent > 0


def test_users_who_are_put_to_work_again_still_bear_it(ran: tuple[Ran, Api]) -> None:
    assert ran[0].count("http_reqs", scenario_tag="s01_users", stage="") == 0
    assert ran[0].count("http_reqs", scenario_tag="s01_users", stage="3") > 10


def test_iterations_and_bytes_bear_it_as_well(ran: tuple[Ran, Api]) -> None:
    for metric in ("iterations", "data_sent", "data_received"):
        assert set(ran[0].tags(metric, "stage")) == {"-", "1", "2", "3", "5"}


def test_one_stage_needs_no_tag(ran: tuple[Ran, Api]) -> None:
    assert set(begun(ran[0], "s04_held")) == {""}


@pytest.mark.parametrize(("executor", "ends"), [("constant-vus", [1000, 2500]), ("shared-iterations", None)])
def test_a_number_of_iterations_has_no_stages(executor: str, ends: list[int] | None) -> None:
    stages = (StagePlan(1, 5), StagePlan(1.5, 20))
    plan = run_plan(scenario(executor=executor, stages=stages, load=LoadPlan(iterations=3)))
    assert data_of_script(build_script(plan))["journeys"][0].get("ends") == ends
    assert "ends" not in data_of_script(build_script(plan, trying=True))["journeys"][0]
