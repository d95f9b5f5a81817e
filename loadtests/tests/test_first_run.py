import json

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from demo.document import document
from history.models import TestHistory
from history.states import Outcome, Status
from loadtests.k6.curves import duration, peak_vus
from loadtests.k6.plan_json import from_json
from projects.access import visible_projects
from projects.models import Project
from projects.spec_import import analyze

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _open_access(settings: Settings) -> None:
    settings.METRICVAULT_OPEN_ACCESS = True


@pytest.fixture
def shop() -> Project:
    project = Project.objects.create(title="Demo shop")
    analyze(project, text=json.dumps({**document(), "servers": [{"url": "http://127.0.0.1:18000"}]}))
    return project


def test_it_starts_one_short_run_of_the_demo_project(shop: Project) -> None:
    call_command("first_run")
    run = TestHistory.objects.get()
    assert (run.project, run.status, run.scenarios.count()) == (shop, Status.QUEUED, 3)
    plan = from_json(run.plan_snapshot)
    assert duration(plan) == 40
    assert peak_vus(plan) == 12
    assert {scenario.steps[0].request.name for scenario in plan.scenarios} == {
        "GET /products",
        "GET /products/{product_id}",
        "POST /orders",
    }


def test_it_starts_nothing_where_something_was_run(shop: Project) -> None:
    call_command("first_run")
    call_command("first_run")
    assert TestHistory.objects.count() == 1


def test_it_starts_nothing_where_people_log_in(shop: Project, settings: Settings) -> None:
    settings.METRICVAULT_OPEN_ACCESS = False
    call_command("first_run")
    assert not TestHistory.objects.exists()


def test_where_people_log_in_somebody_runs_it_whom_nobody_can_log_in_as(shop: Project, settings: Settings) -> None:
    settings.METRICVAULT_OPEN_ACCESS = False
    call_command("first_run", user="demo")
    demo = User.objects.get()
    assert (TestHistory.objects.get().started_by, demo.username) == (demo, "demo")
    assert not demo.has_usable_password()
    assert (demo.is_superuser, demo.is_staff) == (False, False)
    assert list(visible_projects(demo)) == [shop]


def test_it_prints_the_verdict(
    shop: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(run: TestHistory, wait: float) -> TestHistory:
        run.status, run.outcome = Status.COMPLETED, Outcome.PASSED
        run.total_requests, run.failed_requests, run.avg_tps, run.p95_response_time = 1041, 0, 25.72, 19.94
        return run

    monkeypatch.setattr("loadtests.management.commands.first_run.finished", measured)
    call_command("first_run", wait=5)
    said = capsys.readouterr().out
    assert "completed, passed" in said
    assert "1041 requests, 0 failed, 25.7 requests/s, p95 19.9 ms" in said


def test_a_run_that_failed_is_an_error(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(run: TestHistory, wait: float) -> TestHistory:
        run.status, run.outcome = Status.FAILED, Outcome.ERROR
        return run

    monkeypatch.setattr("loadtests.management.commands.first_run.finished", failed)
    with pytest.raises(CommandError, match="nothing was measured"):
        call_command("first_run", wait=5)


def test_it_does_not_wait_for_ever(shop: Project) -> None:
    with pytest.raises(CommandError, match="is not over after"):
        call_command("first_run", wait=0.01)


def test_it_says_that_the_demo_project_is_missing() -> None:
    with pytest.raises(CommandError, match="demo_project makes it"):
        call_command("first_run")
