"""How many load generators a run gets: asked for or computed, never more than are useful or allowed."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from history.models import TestHistory
from loadtests import launching, planning
from loadtests.k6.curves import most_generators
from loadtests.k6.plan import RunPlan, StagePlan, to_json
from loadtests.k6.plan_json import from_json
from loadtests.models import GeneratorSettings, Plan
from loadtests.tests.conftest import run_plan, scenario
from loadtests.tests.shop import make_endpoint, make_plan, make_project
from metricvault.lib.errors import Refused
from projects.models import Endpoint

HTMX = {"HX-Request": "true"}
Payload = dict[str, Any]


@pytest.fixture(autouse=True)
def on_cluster(settings: Settings) -> Settings:
    """Load comes from pods of 100 users, 8 of them at most."""
    settings.METRICVAULT_RUNNER = "kubernetes"
    settings.METRICVAULT_POD_VUS = 100
    settings.METRICVAULT_MAX_PODS = 8
    return settings


@pytest.fixture
def endpoint(alice: User) -> Endpoint:
    return make_endpoint(make_project(alice))


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr("loadtests.launching._send", lambda task, run_id: found.append(task))
    return found


def asked(endpoint: Endpoint, *users: int, **changed: Any) -> Payload:
    """A scenario for each number of users, all at the same time."""
    scenarios = [{"endpoint_id": endpoint.pk, "stages": [{"duration": 10, "target": count}]} for count in users]
    return {"title": "Peak", "scenarios": scenarios, **changed}


def number(user: User, payload: Payload) -> int:
    return planning.build(planning.read(payload), user).plan.generators


def problems(user: User, payload: Payload) -> dict[str, str]:
    with pytest.raises(Refused) as refusal:
        planning.build(planning.read(payload), user)
    return {one.field: one.message for one in refusal.value.details}


@pytest.mark.parametrize(
    ("users", "generators"),
    [((1,), 1), ((100,), 1), ((101,), 2), ((250,), 3), ((60, 60), 2), ((800,), 8), ((801,), 8), ((5000,), 8)],
)
def test_left_out_there_are_as_many_as_the_users_need_and_may_have(
    alice: User, endpoint: Endpoint, users: tuple[int, ...], generators: int
) -> None:
    assert number(alice, asked(endpoint, *users)) == generators


def test_none_would_be_without_a_user(alice: User, endpoint: Endpoint, on_cluster: Settings) -> None:
    # 60 users at once, but no scenario has more than 3 to share.
    on_cluster.METRICVAULT_POD_VUS = 1
    assert number(alice, asked(endpoint, *([3] * 20))) == 3


@pytest.mark.parametrize("generators", [1, 3, 8])
def test_the_number_asked_for_is_taken(alice: User, endpoint: Endpoint, generators: int) -> None:
    assert number(alice, asked(endpoint, 10, generators=generators)) == generators


def test_more_than_the_users_are_refused_with_the_way_out(alice: User, endpoint: Endpoint) -> None:
    found = problems(alice, asked(endpoint, 5, generators=7))
    message = "7 load generators for 5 users: some would have nothing to do. Write at most 5."
    assert found == {"generators": message}


def test_more_than_are_allowed_are_refused(alice: User, endpoint: Endpoint) -> None:
    found = problems(alice, asked(endpoint, 500, generators=9))
    assert found == {"generators": "At most 8 load generators are allowed. Your administrator can raise that."}


@pytest.mark.parametrize("generators", [0, -1, 1001, 1.5, "three", True])
def test_what_is_no_number_of_generators_is_refused_by_name(alice: User, endpoint: Endpoint, generators: Any) -> None:
    assert list(problems(alice, asked(endpoint, 5, generators=generators))) == ["generators"]


def test_a_project_has_its_own_limits(alice: User, endpoint: Endpoint) -> None:
    project = endpoint.openapi_spec.project
    GeneratorSettings.objects.create(project=project, most=12, vus_each=10)
    assert number(alice, asked(endpoint, 100)) == 10
    assert number(alice, asked(endpoint, 500)) == 12
    assert number(alice, asked(endpoint, 500, generators=12)) == 12
    assert "At most 12" in problems(alice, asked(endpoint, 500, generators=13))["generators"]


def test_what_a_project_leaves_empty_is_as_set_for_all(alice: User, endpoint: Endpoint) -> None:
    GeneratorSettings.objects.create(project=endpoint.openapi_spec.project, image="mirror.example.com/k6:1")
    assert number(alice, asked(endpoint, 250)) == 3
    assert "At most 8" in problems(alice, asked(endpoint, 500, generators=9))["generators"]


def test_a_project_says_where_its_pods_run(alice: User, endpoint: Endpoint) -> None:
    project = endpoint.openapi_spec.project
    assert GeneratorSettings.placement_of(project.pk) == {}
    GeneratorSettings.objects.create(
        project=project,
        image="mirror.example.com/k6:1",
        cpu_limit="2",
        node_selector={"pool": "load"},
        tolerations=[{"key": "load", "operator": "Exists"}],
        pull_secrets=["mirror"],
        labels={"team": "shop"},
    )
    assert GeneratorSettings.placement_of(project.pk) == {
        "image": "mirror.example.com/k6:1",
        "cpu_limit": "2",
        "node_selector": {"pool": "load"},
        "tolerations": ({"key": "load", "operator": "Exists"},),
        "pull_secrets": ("mirror",),
        "labels": {"team": "shop"},
    }


def test_on_one_machine_there_is_one(alice: User, endpoint: Endpoint, on_cluster: Settings) -> None:
    on_cluster.METRICVAULT_RUNNER = "local"
    assert number(alice, asked(endpoint, 5000)) == 1
    assert number(alice, asked(endpoint, 5000, generators=1)) == 1
    found = problems(alice, asked(endpoint, 5000, generators=2))
    assert found == {
        "generators": "Load comes from one machine here. Leave the number of load generators out, or write 1."
    }


def test_the_preview_shows_users_per_generator(page: Client, endpoint: Endpoint) -> None:
    answer = page.post("/load-testing/preview", asked(endpoint, 250, 30), content_type="application/json")
    shown = answer.json()
    assert (shown["generators"], shown["peak_vus"], shown["vus_per_generator"]) == (3, 280, 94)
    assert shown["plan"]["generators"] == 3
    assert '"generators": 3' in shown["script"]


def test_the_api_names_the_field(page: Client, endpoint: Endpoint) -> None:
    answer = page.post("/load-testing", asked(endpoint, 5, generators=6), content_type="application/json")
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["generators"]
    assert TestHistory.objects.count() == 0


def test_a_run_keeps_its_number_and_is_told_of_it(
    page: Client, alice: User, endpoint: Endpoint, sent: list[str]
) -> None:
    run = launching.start(asked(endpoint, 250), alice)
    assert (run.runner, run.plan_snapshot["generators"]) == ("kubernetes", 3)
    details = page.get(f"/test-history/{run.pk}/details").json()
    assert (details["runner"], details["generators"], details["trouble"]) == ("kubernetes", [], None)


def test_the_details_name_each_generator_and_its_trouble(page: Client, alice: User, endpoint: Endpoint) -> None:
    run = launching.start(asked(endpoint, 250), alice)
    trouble = {"code": "pod_oom", "good": False, "params": {"pod": "k6-1", "limit": "1Gi", "event": "OOMKilled"}}
    row = {"instance": "1", "name": "k6-1", "phase": "lost", "node": "n", "restarts": 0, "exit_code": 137}
    row |= {"event": "OOMKilled", "cpu": 0.5, "cpu_limit": 1.0, "memory": 1 << 30, "trouble": trouble}
    TestHistory.objects.filter(pk=run.pk).update(generators=[row], trouble=trouble)
    details = page.get(f"/test-history/{run.pk}/details").json()
    (told,) = details["generators"]
    assert told["trouble"]["detail"] == details["trouble"]["detail"] == "OOMKilled"
    assert told["trouble"]["message"].startswith("Pod k6-1 was killed")
    assert {name: told[name] for name in ("instance", "phase", "exit_code", "cpu", "memory", "started")} == {
        "instance": "1",
        "phase": "lost",
        "exit_code": 137,
        "cpu": 0.5,
        "memory": 1 << 30,
        "started": None,
    }


@pytest.fixture
def plan(endpoint: Endpoint) -> Plan:
    """Of 5 users."""
    return make_plan(endpoint.openapi_spec.project, endpoint)


def show(page: Client, plan: Plan) -> str:
    return page.get(reverse("loadtests:plan", args=[plan.pk])).content.decode()


def save(page: Client, plan: Plan, typed: str) -> str:
    answer = page.post(reverse("loadtests:save", args=[plan.pk]), {"generators": typed}, headers=HTMX)
    assert answer.status_code == 200
    plan.refresh_from_db()
    return answer.content.decode()


def test_the_builder_asks_for_a_number_and_says_what_comes_of_it(page: Client, plan: Plan) -> None:
    text = show(page, plan)
    assert 'id="f-generators"' in text
    assert "1 pod of up to 5 users." in text
    assert "2 pods of up to 3 users each." in save(page, plan, "2")
    assert plan.generators == 2
    assert planning.review(plan).built is not None
    assert "1 pod of up to 5 users." in save(page, plan, "")
    assert plan.generators is None


def test_the_builder_says_that_there_are_too_many(page: Client, plan: Plan) -> None:
    text = save(page, plan, "6")
    assert "6 load generators for 5 users" in text
    assert 'class="problem" id="f-generators-note"' in text
    assert planning.review(plan).built is None


@pytest.mark.parametrize("typed", ["0", "-1", "1001", "2.5", "many", "1e400", "nan", "9" * 30, "\x00"])
def test_the_builder_keeps_no_number_that_is_none(page: Client, plan: Plan, typed: str) -> None:
    save(page, plan, "2")
    save(page, plan, typed)
    assert plan.generators == 2


def test_on_one_machine_the_builder_does_not_ask(page: Client, plan: Plan, on_cluster: Settings) -> None:
    on_cluster.METRICVAULT_RUNNER = "local"
    assert 'id="f-generators"' not in show(page, plan)


def test_a_plan_that_comes_from_a_cluster_can_be_mended_on_one_machine(
    page: Client, plan: Plan, on_cluster: Settings
) -> None:
    save(page, plan, "2")
    on_cluster.METRICVAULT_RUNNER = "local"
    text = show(page, plan)
    assert "Load comes from one machine here." in text
    assert 'id="f-generators"' in text
    save(page, plan, "")
    assert planning.review(plan).built is not None


@given(st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(1, 20))
def test_a_plan_keeps_its_generators(targets: list[list[int]], generators: int) -> None:
    scenarios = (
        scenario(at, stages=tuple(StagePlan(1, target) for target in stages)) for at, stages in enumerate(targets)
    )
    plan = RunPlan("7", "Peak", tuple(scenarios), generators)
    assert from_json(to_json(plan)) == plan
    assert most_generators(plan) == max(max(stages) for stages in targets)


def test_an_older_plan_has_one_generator() -> None:
    data = to_json(run_plan())
    del data["generators"]
    assert from_json(data).generators == 1
