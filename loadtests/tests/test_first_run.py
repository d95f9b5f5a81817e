import json

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from demo.document import document
from history.models import TestHistory
from history.states import Status
from loadtests.k6.plan import duration, from_json, peak_vus
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
    assert {scenario.request.name for scenario in plan.scenarios} == {
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


def test_it_says_that_the_demo_project_is_missing() -> None:
    with pytest.raises(CommandError, match="demo_project makes it"):
        call_command("first_run")
