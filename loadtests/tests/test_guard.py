"""What an administrator allows: users, rates, lengths, load generators, hosts; for all and for one project."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from loadtests import guard
from loadtests.k6.plan import LoadPlan, RequestPlan, RunPlan, ScenarioPlan, Secret, StagePlan, StepPlan, Take, TokenPlan
from loadtests.models import GeneratorSettings, LoadLimits
from metricvault.checks import production
from projects.models import Project


@pytest.fixture
def project(alice: User) -> Project:
    return Project.objects.create(title="Storefront", owner=alice)


def plan(*scenarios: ScenarioPlan, **more: Any) -> RunPlan:
    return RunPlan(run="", title="Evening peak", scenarios=scenarios or (scenario(),), **more)


def scenario(*stages: tuple[float, int], url: Any = "https://api.example.com/v1/", **more: Any) -> ScenarioPlan:
    """10 users for 30 s, whose one step goes to `url`; several in a tuple of lists are as many steps."""
    urls = url if isinstance(url, list) else [url]
    steps = tuple(StepPlan("", RequestPlan("GET", one, "GET /", (), None)) for one in urls)
    fields: dict[str, Any] = {"tag": "s01", "name": "Browse", "executor": "constant-vus", "think_time": 0.0, **more}
    return ScenarioPlan(stages=tuple(StagePlan(*one) for one in stages or ((30, 10),)), steps=steps, **fields)


def refused(asked: RunPlan, project: Project) -> dict[str, str]:
    return {detail.field: detail.message for detail in guard.check(asked, project)}


def test_an_ordinary_plan_is_allowed(project: Project) -> None:
    assert refused(plan(), project) == {}


def test_users_are_capped_in_each_stage_and_in_all_scenarios_together(project: Project, settings: Any) -> None:
    settings.METRICVAULT_MAX_VUS = 15
    assert refused(plan(scenario((1, 15), (1, 16))), project) == {
        "scenarios.0.stages.1.target": "At most 15 users are allowed. Your administrator can raise that."
    }
    assert refused(plan(scenario(), scenario()), project) == {
        "scenarios": "The scenarios together ask for 20 users at once; at most 15 are allowed."
    }
    after = scenario(load=LoadPlan(start_time=30))
    assert refused(plan(scenario(), after), project) == {}


def test_rates_and_the_users_they_may_take_are_capped(project: Project, settings: Any) -> None:
    settings.METRICVAULT_MAX_RATE, settings.METRICVAULT_MAX_VUS = 100, 50
    per_minute = scenario((30, 6000), executor="constant-arrival-rate", load=LoadPlan(time_unit=60, max_vus=50))
    assert refused(plan(per_minute), project) == {}
    per_second = scenario((30, 101), executor="ramping-arrival-rate", load=LoadPlan(max_vus=51))
    assert set(refused(plan(per_second), project)) == {"scenarios.0.stages.0.target", "scenarios.0.max_vus"}
    settings.METRICVAULT_MAX_VUS = 1000
    assert refused(plan(per_minute, per_minute), project) == {
        "scenarios": "The scenarios together ask for 200 iterations per second; at most 100 are allowed."
    }


def test_a_run_may_take_only_so_long_and_never_longer_than_the_scheduler_waits(project: Project, settings: Any) -> None:
    settings.METRICVAULT_MAX_DURATION_HOURS = 1
    late = scenario((600, 1), (3000, 1), load=LoadPlan(start_time=30))
    message = "This takes 1h30s; a run may take 1h at most. Your administrator can raise that."
    assert refused(plan(late), project) == {"scenarios.0.stages.1.duration": message}
    LoadLimits.objects.create(project=project, max_duration=1_000_000)
    assert refused(plan(late), project) == {}
    settings.SCHEDULER_JOB_TIMEOUT_HOURS = 0.5
    assert "30m at most" in refused(plan(late), project)["scenarios.0.stages.1.duration"]


def test_load_generators_are_capped(project: Project, settings: Any) -> None:
    settings.METRICVAULT_MAX_PODS = 3
    assert set(refused(plan(generators=4), project)) == {"generators"}
    assert guard.limits_of(project).max_generators == 3


def test_a_project_has_its_own_limits_in_place_of_those_for_all(project: Project, settings: Any) -> None:
    settings.METRICVAULT_MAX_VUS = settings.METRICVAULT_MAX_RATE = 5
    LoadLimits.objects.create(project=project, max_vus=20)
    GeneratorSettings.objects.create(project=project, most=1)
    found = guard.limits_of(project)
    assert (found.max_vus, found.max_rate, found.max_generators) == (20, 5, 1)
    assert refused(plan(), project) == {}


def test_a_host_that_is_not_allowed_is_named_with_the_way_out(project: Project, settings: Any) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["*.example.com"]
    urls = ["https://api.example.com/", "https://shop.example.org:8443/a", "https://shop.example.org:8443/b"]
    assert refused(plan(scenario(), scenario(url=urls)), project) == {
        "scenarios.1.steps.1.endpoint_id": "Scenario “Browse”: shop.example.org:8443 may not be loaded in this "
        f"project. Ask an administrator for approval at /projects/{project.pk}/targets."
    }
    LoadLimits.objects.create(project=project, allowed_targets=["shop.example.org:8443", 7, "odd rule"])
    assert refused(plan(scenario(url=urls)), project) == {
        "scenarios.0.steps.0.endpoint_id": "Scenario “Browse”: api.example.com may not be loaded in this project. Ask "
        f"an administrator for approval at /projects/{project.pk}/targets."
    }


@pytest.mark.parametrize(
    ("typed", "found"),
    [('["a.example.com"]', 302), ("[]", 302), ('["a b"]', 200), ('"a.example.com"', 200), ("[7]", 200)],
)
def test_an_administrator_is_told_of_a_rule_that_is_none(
    client: Client, project: Project, typed: str, found: int
) -> None:
    client.force_login(User.objects.create_superuser("root"))
    answer = client.post("/admin/loadtests/loadlimits/add/", {"project": project.pk, "allowed_targets": typed})
    assert answer.status_code == found
    assert LoadLimits.objects.exists() is (found == 302)
    assert found == 302 or "is no host" in answer.content.decode()


def test_nothing_is_allowed_where_nobody_has_said_what(project: Project, settings: Any) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = []
    assert set(refused(plan(), project)) == {"scenarios.0.steps.0.endpoint_id"}
    (found,) = [one for one in production() if one.id == "metricvault.E006"]
    assert "METRICVAULT_ALLOWED_TARGETS" in found.msg
    settings.METRICVAULT_ALLOWED_TARGETS = ["*"]
    assert "metricvault.E006" not in [one.id for one in production()]


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/",
        "http://2852039166/",
        "http://0xa9.254.169.254/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://METADATA.google.internal./computeMetadata/v1/",
        "http://100.100.100.200/",
        "http://169.254.170.2:80/",
        ("http://169.254.169.254/", Take("id", "url")),
    ],
)
def test_where_clouds_keep_their_keys_is_never_loaded(project: Project, url: Any) -> None:
    LoadLimits.objects.create(project=project, allowed_targets=["*", "169.254.0.0/16"])
    (message,) = refused(plan(scenario(url=url)), project).values()
    assert "is never loaded" in message


@pytest.mark.parametrize(
    "url",
    [
        ("http://", Take("host", "url"), "/"),
        ("http://api.", Secret("MV_1", "url"), "/"),
        ("http://api.example.com", Take("rest", "url")),
        ("http://api.example.com:", Take("port", "url"), "/"),
        (Take("all"),),
        "http://api.example.com\\@169.254.169.254/",
    ],
)
def test_a_host_that_only_the_run_will_know_is_refused(project: Project, url: Any) -> None:
    (message,) = refused(plan(scenario(url=url)), project).values()
    assert "Write the host itself into the base URL." in message


def test_a_path_that_is_filled_in_says_nothing_of_the_host(project: Project, settings: Any) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["api.example.com"]
    url = ("https://api.example.com", "/v1/", Take("id", "url"), "/@evil.example.org/")
    assert refused(plan(scenario(url=url)), project) == {}


def test_where_tokens_are_fetched_is_a_target_too(project: Project, settings: Any) -> None:
    settings.METRICVAULT_ALLOWED_TARGETS = ["api.example.com"]
    token = TokenPlan("t1", "client_credentials", "https://login.example.com/token", "id", "")
    assert "login.example.com may not be loaded" in refused(plan(tokens=(token,)), project)["environment_id"]
    assert guard.judge(token.url, project).problem
    assert not guard.judge("https://api.example.com/token", project).problem
